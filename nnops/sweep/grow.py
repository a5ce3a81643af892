"""Growth: a study that goes on as a new one, under wider bounds or with more epochs; the old one stays as it is.

Under wider bounds each trial of the old study is a point of the new space that would be trained to the same bits, so
all of them become trials of the new study: they can win, count in its budget, and keep their tracked runs. With more
epochs none compares, so the best alone are taken over, as the first trials. They go on where they ended where that
comes to the very bits of a training from the start, and are trained anew where it does not.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError, StudyHeldError
from nnops.params import Params, overlay
from nnops.sweep.inherit import Inherited, judge, made_as_now, with_states
from nnops.sweep.keep import best_of
from nnops.sweep.ready import Ready
from nnops.sweep.samplers.auto import chosen
from nnops.sweep.space import Config
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.warm import as_new, settings

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

#: What more epochs alone change.
EPOCHS = "train.epochs"
#: Said where what decides bits is not what it was.
OTHER = "; code, data or packages have changed since, so their configs would come to other bits today"


@dataclass
class Growth:
    """What a new study takes over.

    Attributes:
        trials: Become its first trials, as they ended.
        queue: Configs that are tried after them.
        inherits: Last states that its trials, by number, begin with.
        attrs: What it keeps beside.
        said: What was taken over and what does not compare, in words.
    """

    trials: "list[FrozenTrial]" = field(default_factory=list[Any])
    queue: list[Config] = field(default_factory=list[Config])
    inherits: dict[int, Inherited] = field(default_factory=dict[int, Inherited])
    attrs: dict[str, Any] = field(default_factory=dict[str, Any])
    said: str = ""

    @property
    def epochs(self) -> int:
        """Epochs that need not be trained."""
        return sum(each.epochs for each in self.inherits.values())


def more_epochs(params: Params, old: Study, top: int, trials: int | None) -> Params:
    """Params of a study that gives the best trials more epochs, and asks others only where ``trials`` are given.

    Where epochs are as they were, params stay.
    """
    if trials is not None or EPOCHS in params.sweep.space or params.train.epochs == old.params.train.epochs:
        return params
    count = len(best_of(old, old.trials(), top))
    # They were chosen already, so none of them is stopped for being worse than another.
    return overlay(params, {"sweep.budget.trials": max(count, 1), "sweep.pruner.name": "none"})


def check_grows(old: Study) -> None:
    """Judge whether a study can grow at all, before anything slow.

    Raises:
        StudyHeldError: It runs.
        InputError: It is a population, or has unfinished or no trials.
    """
    name, holder = old.name, old.holder
    if holder is not None:
        raise StudyHeldError(f"study '{name}' runs just now ({holder}); wait for its end, then let it grow.")
    records = old.trials()
    left = sum(record.state == "running" for record in records)
    if left or not records:
        unended = f"{left} trial{'s that have' if left > 1 else ' that has'} not ended"
        what = unended if left else "no trial yet"
        raise InputError(f"study '{name}' has {what}; go on with 'nnops sweep resume {name}', then let it grow.")
    if chosen(old.params).sampler.reach:
        raise InputError(
            f"study '{name}' is a population, whose trials go on with each other's trainings, and does not grow;"
            f" start a new one with 'nnops sweep start NAME --from {name}'."
        )


def grow(old: Study, ready: Ready, top: int) -> Growth:
    """What of an old study a new one takes over.

    Args:
        old: The study.
        ready: The new sweep.
        top: How many configs are taken over where trials do not compare.

    Raises:
        StudyHeldError: The old study runs.
        InputError: It is a population, has unfinished or no trials, another objective, constraints, data or params, or
            one of its trials lies outside of the new space.
    """
    check_grows(old)
    name, records = old.name, old.trials()
    differs = _differs(old, ready)
    if differs:
        raise InputError(
            f"study '{name}' has {differs}, so nothing of it compares; put that back, or start a new study with"
            f" 'nnops sweep start NAME --from {name}'."
        )
    if _changed(old, ready) == [EPOCHS]:
        best = best_of(old, records, top)
        queue = [_inside(old, ready, record) for record in best]
        old_epochs, epochs = old.params.train.epochs, ready.params.train.epochs
        verdict = judge(old, ready, best)
        said = f"'{name}' grows from {old_epochs} to {epochs} epochs, with which its trials do not compare"
        inherits = {
            place: Inherited(record.number, record.epochs)
            for place, record in enumerate(best)
            if record.number in verdict.goes_on
        }
        words = verdict.words() or "none of them was complete"
        return Growth([], queue, inherits, {"grown_from": name, **_noted(inherits)}, f"{said}; {words}")
    configs = [_inside(old, ready, record) for record in records]
    stored = old.optuna.get_trials(deepcopy=False)
    trials = [
        _copy(old, ready, stored[record.number], record, config)
        for record, config in zip(records, configs, strict=True)
    ]
    # So that this study may grow to more epochs, too.
    kept = with_states(old, best_of(old, records, ready.params.sweep.keep))
    inherits = {number: Inherited(number, 0) for number in kept}
    attrs: dict[str, Any] = {"grown_from": name, "grown": len(trials), **_noted(inherits)}
    attrs |= {key: old.attrs[key] for key in ("spent_s", "gpu_hours", "hours") if key in old.attrs}
    budget = ready.params.sweep.budget.trials
    if budget <= len(trials):
        raise InputError(
            f"study '{name}' has {len(trials)} trials and sweep.budget.trials is {budget}, so nothing is left to grow;"
            f" write --trials {2 * len(trials)}."
        )
    learns = "" if ready.sampler.learns else ", from which the sampler does not learn"
    best = best_of(old, records, 1)
    other = "" if all(made_as_now(old, ready, record) for record in best) else OTHER
    said = f"'{name}' grows; its {len(trials)} trials are trials of this study{learns}{other}"
    return Growth(trials, [], inherits, attrs, said)


def _differs(old: Study, ready: Ready) -> str | None:
    if old.objectives != ready.objectives:
        return "another objective"
    if old.constraints != ready.constraints:
        return "other constraints"
    tuned = any(key.startswith("data.") for key in old.space.by_key)
    if not tuned and old.attrs["data_hash"] != ready.data.hash:
        return "other data"
    changed = _changed(old, ready)
    return f"other params ({', '.join(changed)})" if changed not in ([], [EPOCHS]) else None


def _changed(old: Study, ready: Ready) -> list[str]:
    """Keys that neither space tunes and that have changed."""
    then, now = settings(old.params), settings(ready.params)
    keys = {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}
    return sorted(key for key in keys if key not in old.space.by_key.keys() | ready.space.by_key.keys())


def _noted(inherits: dict[int, Inherited]) -> dict[str, Any]:
    """As the new study keeps it: epochs that are not trained again, by number."""
    return {"inherits": {str(number): each.epochs for number, each in inherits.items()}} if inherits else {}


def _inside(old: Study, ready: Ready, record: TrialRecord) -> Config:
    """A trial's config as one of the new space.

    Raises:
        InputError: It is none.
    """
    config, same = as_new(old, ready, record.config)
    changed = _changed(old, ready)
    if config is not None and (same or changed == [EPOCHS]):
        return config
    was = settings(overlay(old.params, record.config)) | record.config
    key = next((key for key in ready.space.by_key if key in was and not ready.space.by_key[key].holds(was[key])), None)
    dropped = [key for key in old.space.by_key if key in record.config and key not in ready.space.by_key]
    key = key or next((key for key in dropped), None)
    what = f"{key}: {was[key]!r}" if key else "a config"
    raise InputError(
        f"params.yaml: sweep.space drops {what}, which trial {record.number} of study '{old.name}' has; a grown space"
        " holds all that was tried, so keep it."
    )


def _copy(old: Study, ready: Ready, trial: "FrozenTrial", record: TrialRecord, config: Config) -> "FrozenTrial":
    """A trial as the new study keeps it."""
    from optuna.trial import create_trial

    by_key = ready.space.by_key
    constraints = {key: value for key, value in trial.system_attrs.items() if key.startswith("constraints:")}
    copied = create_trial(
        state=trial.state,
        values=trial.values,
        params={key: by_key[key].encode(value) for key, value in config.items()},
        distributions={key: by_key[key].distribution() for key in config},
        intermediate_values=trial.intermediate_values,
        user_attrs={**trial.user_attrs, "config": config, "uid": record.uid},
        system_attrs=constraints | dict(ready.sampler.adopts),
    )
    copied.datetime_start, copied.datetime_complete = trial.datetime_start, trial.datetime_complete
    return copied
