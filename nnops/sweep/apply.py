"""apply: a trial's config becomes part of params.yaml, where the pipeline makes the very same model from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnops import params as params_file
from nnops.errors import InputError
from nnops.params import Params, flatten, overlay
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.verdict import explain_best

#: What decides the bits of a trial.
SECTIONS = ("seed", "data", "model", "loss", "train")


@dataclass(frozen=True)
class Applied:
    """What was written.

    Attributes:
        name: The study.
        number: The trial.
        config: What now stands in params.yaml.
        value: The trial's objective.
        weights_sha256: Of the weights that the pipeline will make.
        notes: What may keep it from making them.
        why: How the trial was chosen.
    """

    name: str
    number: int
    config: dict[str, Any]
    value: float | None
    weights_sha256: str | None
    notes: tuple[str, ...]
    why: str

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "number": self.number,
            "config": self.config,
            "value": self.value,
            "weights_sha256": self.weights_sha256,
            "notes": list(self.notes),
            "why": self.why,
        }


def apply_trial(root: Path, name: str, number: int | None = None, *, force: bool = False) -> Applied:
    """Write the config of a trial, the best one unless told, into params.yaml; comments are kept.

    Args:
        root: The project's folder.
        name: The study.
        number: The trial.
        force: Also where params.yaml has changed so that the pipeline would make another model.

    Raises:
        InputError: No such study or trial, or params.yaml has changed since; nothing is written then.
    """
    path = root / params_file.FILE
    params = params_file.load(path)
    study = Study.open(root, name, params.sweep.storage)
    trial, why = _trial(study, number)
    config = whole_components(study, params, trial.config)
    if params.train.ensemble:
        config["train.ensemble"] = []
    if params.train.folds is not None:
        config["train.folds"] = None
    changed = changed_keys(study, params, config)
    if changed and not force:
        raise InputError(explain_changes(study, params, changed))
    written = params_file.write(path, config)
    return Applied(
        name,
        trial.number,
        trial.config,
        trial.value,
        trial.weights_sha256,
        (*still_driven(study), *((other_model(changed),) if changed else _notes(study, written, trial, root))),
        why,
    )


def whole_components(study: Study, params: Params, config: dict[str, Any]) -> dict[str, Any]:
    """The config, and for components whose name it sets the other options that they had in the study.

    Else one config could not be applied after another: a change of the name drops options that the study began with.
    """
    found = dict(config)
    then, now = overlay(study.params, config).record(), overlay(params, config).record()
    for key in config:
        place = key.removesuffix(".name")
        if place == key:
            continue
        old, new = (_at(record, place).get("options", {}) for record in (then, now))
        if new.keys() - old.keys():
            # Options that another config left behind can only go together.
            found = {other: value for other, value in found.items() if not other.startswith(f"{place}.options.")}
            found[f"{place}.options"] = old
        else:
            found |= {f"{place}.options.{option}": value for option, value in old.items() if new.get(option) != value}
    return found


def changed_keys(study: Study, params: Params, config: dict[str, Any]) -> list[str]:
    """Keys of params.yaml that would give the config another model than it had in the study."""
    then = flatten(overlay(study.params, config).record(*SECTIONS))
    now = flatten(overlay(params, config).record(*SECTIONS))
    return sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))


def _at(record: dict[str, Any], place: str) -> dict[str, Any]:
    for part in place.split("."):
        record = record[part]
    return record


def _trial(study: Study, number: int | None) -> tuple[TrialRecord, str]:
    trials = study.trials()
    if number is None:
        best = study.best(trials)
        if best is None:
            raise InputError(
                f"study '{study.name}' has no complete trial to apply; go on with 'nnops sweep resume {study.name}',"
                " or name one with --trial N."
            )
        return best, explain_best(study, trials, best)
    found = next((trial for trial in trials if trial.number == number), None)
    if found is None:
        runs = {run.number: run.repeat for run in study.repeats()}
        if number in runs:
            raise InputError(f"trial {number} repeats trial {runs[number]} under another seed; apply that one.")
        last = max((trial.number for trial in trials), default=0)
        raise InputError(f"study '{study.name}' has no trial {number}; write one of 0 to {last}.")
    return found, "asked for"


def explain_changes(study: Study, params: Params, changed: list[str]) -> str:
    """Why a config cannot be applied: params.yaml is no longer that of the study."""
    then = flatten(study.params.record(*SECTIONS))
    now = flatten(params.record(*SECTIONS))
    shown = [f"{key} was {then.get(key)!r}, is {now.get(key)!r}" for key in changed[:3]]
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return (
        f"params.yaml has changed since study '{study.name}' began ({'; '.join(shown)}{more}), so 'dvc repro' would"
        " make another model than the trial's; put these back, start a new study with 'nnops sweep start NAME', or"
        " add --force."
    )


def other_model(changed: list[str]) -> str:
    """What comes of applying it all the same."""
    return f"{', '.join(changed)} differ from the study, so 'dvc repro' makes another model than the trial's."


def still_driven(study: Study) -> tuple[str, ...]:
    """What is to be said where a study has not ended."""
    if study.holder is None:
        return ()
    return (f"study '{study.name}' is {study.state}, so a better trial may come; apply it again when it has ended.",)


def _notes(study: Study, params: Params, trial: TrialRecord, root: Path) -> list[str]:
    """What beside params would give other bits: a trial stopped early, other data, code or environment."""
    from nnops.sweep.ready import find_data
    from nnops.training.train import name_result

    if trial.state == "infeasible" and trial.values:
        return [f"trial {trial.number} is infeasible: {trial.reason}"]
    if trial.weights_sha256 is None:
        return [f"trial {trial.number} is {trial.state}, so it has no weights to be made again."]
    data = find_data(params, root)
    if data.hash != study.attrs["data_hash"] and not any(key.startswith("data.") for key in trial.config):
        return ["the data have changed since the study began, so 'dvc repro' makes another model."]
    if name_result(params, data) != trial.fingerprint:
        return ["code, versions or machine have changed since the trial, so the model may differ in its last bits."]
    return []
