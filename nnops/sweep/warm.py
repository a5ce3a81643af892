"""Warm start: what a search begins with: configs that are tried first, and trials of earlier studies.

Both are decided when the study begins and are kept in it, so a search that goes on after a kill knows the same, and
what becomes of the earlier studies does not matter.

A trial of an earlier study is told to the sampler where the new study would train the very same: the same data, the
same params but for what the new space tunes, which it must hold, and the same objectives and constraints. Numbers of
other trainings cannot be compared, so of a study that has none of these the best config is tried first instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnops.catalog import nearest
from nnops.errors import InputError, NnopsError
from nnops.params import Params, flatten, overlay
from nnops.sweep.apply import SECTIONS
from nnops.sweep.check import catalogs, named_at
from nnops.sweep.dimension import Dimension
from nnops.sweep.ready import Ready
from nnops.sweep.samplers.base import Sampler
from nnops.sweep.space import Config, Space
from nnops.sweep.study import Study, TrialRecord

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass
class Warm:
    """What a study begins with.

    Attributes:
        queue: Configs that become its first trials.
        evidence: Trials of earlier studies, as :func:`frozen` reads them.
        said: What came of each earlier study, in words.
    """

    queue: list[Config] = field(default_factory=list[Config])
    evidence: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    said: list[str] = field(default_factory=list[str])

    def attrs(self) -> dict[str, Any]:
        """As a study keeps them."""
        return {key: each for key, each in (("queue", self.queue), ("evidence", self.evidence)) if each}

    def note(self) -> list[str]:
        """One note, or none."""
        return [f"warm start: {'; '.join(self.said)}."] if self.said else []


def warm_up(ready: Ready) -> Warm:
    """Judge and gather what ``sweep.warm_start`` names.

    Raises:
        InputError: A config that the space does not hold, or a study that does not exist.
    """
    start, warm = ready.params.sweep.warm_start, Warm()
    given: list[tuple[str, Mapping[str, Any]]] = [("current", {})] if start.current else []
    given += [(f"configs.{place}", config) for place, config in enumerate(start.configs)]
    for where, config in given:
        _add(warm.queue, whole_config(ready.space, ready.params, config, f"params.yaml: sweep.warm_start.{where}"))
    if warm.queue:
        warm.said.append(f"{_count(len(warm.queue), 'config')} tried first")
    for name in dict.fromkeys(start.studies):
        study = Study.open(ready.root, name, ready.params.sweep.storage)
        warm.said.append(f"of '{name}' {_hear(study, ready, warm)}")
    return warm


def whole_config(space: Space, params: Params, given: Mapping[str, Any], where: str) -> Config:
    """A config with a value for each active dimension; what is not given has its value in params.

    Args:
        space: What is tuned.
        params: Of the study.
        given: Dotted keys to values.
        where: The place in params.yaml, for messages.

    Raises:
        InputError: A key that is not tuned or does not count, or a value that the space does not hold.
    """
    for key in given:
        if key not in space.by_key:
            guess = nearest(key, space.by_key)
            hint = f"did you mean '{guess}'?" if guess else "a config gives keys of sweep.space."
            raise InputError(f"{where}: '{key}' is not tuned; {hint}")
    values = settings(overlay(params, given)) | dict(given)
    config: Config = {}
    for dimension in space.dimensions:
        key = dimension.key
        if not space.active(dimension, config):
            if key in given:
                asked = ", ".join(f"{other}: {list(values)}" for other, values in dimension.when)
                raise InputError(f"{where}: {key} counts only when {{{asked}}}; take it out.")
            continue
        if key not in values:
            raise InputError(f"{where}: {key} has no value in params.yaml; give it one.")
        if not _holds(dimension, values[key]):
            has = "is given" if key in given else "is what params.yaml has"
            raise InputError(
                f"{where}: {key}: {values[key]!r} {has}, but sweep.space tries {_tries(dimension)}; write one of these."
            )
        config[key] = dimension.decode(dimension.encode(values[key]))
    return config


def settings(params: Params) -> dict[str, Any]:
    """Everything that a training reads, by dotted key, with the defaults of components filled in."""
    record = params.record(*SECTIONS)
    found = flatten(record)
    for place, catalog in catalogs().items():
        named = named_at(params, place)
        if named is not None:
            component = catalog.build(named.name, named.options, where=place)
            found = {key: value for key, value in found.items() if not key.startswith(f"{place}.options")}
            options = component.model_dump(mode="json")
            found |= {f"{place}.options.{key}": value for key, value in options.items()}
    return found


def frozen(study: Study, sampler: Sampler) -> "list[FrozenTrial]":
    """The trials of earlier studies that a study keeps, as its sampler sees them; they come before its own."""
    import optuna
    from optuna.trial import TrialState

    records: list[dict[str, Any]] = study.attrs.get("evidence", [])
    trials: list[FrozenTrial] = []
    for place, record in enumerate(records):
        params = {key: study.space.by_key[key].encode(value) for key, value in record["config"].items()}
        trial = optuna.trial.create_trial(
            state=TrialState[record["state"]],
            values=record["values"],
            params=params,
            distributions={key: study.space.by_key[key].distribution() for key in params},
            intermediate_values={int(epoch): value for epoch, value in record["reports"].items()},
            user_attrs={"result": {"state": record["ended"]}, "config": record["config"]},
            system_attrs=record["constraints"] | dict(sampler.adopts),
        )
        trial.number = place - len(records)
        trials.append(trial)
    return trials


def _hear(study: Study, ready: Ready, warm: Warm) -> str:
    """Take what fits of an earlier study; what came of it, in words."""
    if study.objectives != ready.objectives or study.constraints != ready.constraints:
        differs = "objective" if study.objectives != ready.objectives else "constraints"
        return f"nothing fits, since it has another {differs}"
    ended = [record for record in study.trials() if record.state in ("complete", "pruned", "infeasible")]
    told: list[tuple[TrialRecord, Config]] = []
    for record in ended:
        config, same = as_new(study, ready, record.config)
        if config is not None and same:
            told.append((record, config))
    if told and ready.sampler.learns:
        stored = study.optuna.get_trials(deepcopy=False)
        warm.evidence += [_evidence(stored[record.number], record.state, config) for record, config in told]
        left = len(ended) - len(told)
        rest = f", {left} others do not fit its space or params" if left else ""
        return f"{_count(len(told), 'trial')} told to the sampler{rest}"
    why = "the sampler does not learn from trials of others" if told else "its data or params differ"
    best = study.best()
    found = as_new(study, ready, best.config)[0] if best is not None else None
    if best is None or found is None:
        return "nothing fits, since its best config lies outside of the space"
    _add(warm.queue, found)
    return f"the best config (trial {best.number}) is tried first, since {why}"


def _evidence(trial: "FrozenTrial", state: str, config: Config) -> dict[str, Any]:
    return {
        "config": config,
        "state": trial.state.name,
        "ended": state,
        "values": list(trial.values) if trial.values else None,
        "reports": trial.intermediate_values,
        "constraints": {key: value for key, value in trial.system_attrs.items() if key.startswith("constraints:")},
    }


def as_new(study: Study, ready: Ready, config: Config) -> tuple[Config | None, bool]:
    """A trial's config in the new space, None outside of it, and whether the new study would train the very same."""
    try:
        then = settings(overlay(study.params, config))
        given = then | config
        found: Config = {}
        for dimension in ready.space.dimensions:
            if ready.space.active(dimension, found):
                if dimension.key not in given or not _holds(dimension, given[dimension.key]):
                    return None, False
                found[dimension.key] = dimension.decode(dimension.encode(given[dimension.key]))
        now = settings(overlay(ready.params, found))
    except NnopsError:
        # What it was trained with is nothing that can be trained now.
        return None, False
    tuned = any(key.startswith("data.") for key in (*study.space.by_key, *ready.space.by_key))
    return found, now == then and (tuned or study.attrs["data_hash"] == ready.data.hash)


def _holds(dimension: Dimension, value: Any) -> bool:
    """Whether a dimension can take a value, steps included."""
    if not dimension.holds(value):
        return False
    distribution = dimension.distribution()
    return distribution._contains(distribution.to_internal_repr(dimension.encode(value)))


def _tries(dimension: Dimension) -> str:
    if dimension.kind == "choice":
        return f"one of {list(dimension.choices)}"
    step = f" in steps of {dimension.step:g}" if dimension.step else ""
    return f"{dimension.low} to {dimension.high}{step}"


def _add(queue: list[Config], config: Config) -> None:
    if config not in queue:
        queue.append(config)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s are' if count > 1 else ' is'}"


def read_config(text: str) -> list[dict[str, Any]]:
    """Configs of a file, or of YAML or JSON that is written out: one ``{dotted.key: value}`` or a list of them.

    Raises:
        InputError: It is neither.
    """
    from pathlib import Path

    from nnops.params.dotted import parse_yaml
    from nnops.params.plain import plain

    written = text
    if "{" not in text:
        try:
            written = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"--config: '{text}' cannot be read ({getattr(error, 'strerror', None) or 'no text'}); write a file or"
                " '{train.optimizer.options.lr: 0.01}'."
            ) from error
    found = plain(parse_yaml(written, f"--config {text}"), "--config")
    configs: list[Any] = found if isinstance(found, list) else [found]
    if not configs or not all(isinstance(config, dict) and config for config in configs):
        raise InputError(f"--config: must be {{dotted.key: value}} or a list of these, got {text!r}.")
    return configs
