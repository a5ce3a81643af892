"""apply: a trial's config into params.yaml, so that the pipeline makes the trial's very model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnops import params as params_file
from nnops.errors import InputError
from nnops.params import Params, flatten, overlay
from nnops.sweep.study import Study, TrialRecord

#: The sections that a training reads.
SECTIONS = ("seed", "data", "model", "loss", "train")


@dataclass(frozen=True)
class Applied:
    """What was written.

    Attributes:
        study: The study.
        number: The trial.
        config: Its config.
        weights_sha256: The hash that the pipeline's weights will have.
    """

    study: str
    number: int
    config: dict[str, Any]
    weights_sha256: str | None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dict(self.__dict__)


def apply_trial(root: Path, name: str, trial: int | None = None, *, force: bool = False) -> Applied:
    """Write a trial's config into ``params.yaml``, comments kept.

    Args:
        root: The project's folder.
        name: The study.
        trial: Its number; None takes the best one.
        force: Write the config also where the rest of params.yaml has changed since the study began.

    Raises:
        InputError: No such study or trial, or the model would not be the trial's; nothing is written then.
    """
    path = root / params_file.FILE
    now = params_file.load(path)
    study = Study.open(root, name, now.sweep.storage)
    record = _choose(study, trial)
    changes = changes_for(study.params, record.config)
    if not force:
        _check_same(study, now, changes, record)
    params_file.write(path, changes)
    return Applied(name, record.number, record.config, record.weights_sha256)


def changes_for(params: Params, config: dict[str, Any]) -> dict[str, Any]:
    """What to lay over a params.yaml so that it says what the trial trained under.

    Where a component's name is tuned its options are written as a whole, since what the file holds may belong to
    another one.
    """
    made = flatten_components(overlay(params, config))
    places = [key.removesuffix(".name") for key in config if key.endswith(".name")]
    changes = {key: value for key, value in config.items() if not any(key.startswith(f"{p}.options.") for p in places)}
    return changes | {f"{place}.options": made[f"{place}.options"] for place in places}


def flatten_components(params: Params) -> dict[str, Any]:
    """Dotted keys to values of what a training reads, a component's options being one value."""
    flat: dict[str, Any] = {}

    def walk(node: dict[str, Any], prefix: str) -> None:
        for key, value in node.items():
            if isinstance(value, dict) and value and key != "options":
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = value

    walk(params.record(*SECTIONS), "")
    return flat


def _choose(study: Study, number: int | None) -> TrialRecord:
    trials = study.trials()
    if number is None:
        best = study.best(trials)
        if best is None:
            raise InputError(
                f"study '{study.name}' has no complete trial yet; go on with 'nnops sweep resume {study.name}'."
            )
        return best
    if number >= len(trials):
        raise InputError(f"study '{study.name}' has trials 0 to {len(trials) - 1}, got {number}.")
    if trials[number].state != "complete":
        raise InputError(
            f"trial {number} of '{study.name}' is {trials[number].state}: its training never reached its end, so there"
            " is no model to make again; choose a complete one ('nnops sweep show')."
        )
    return trials[number]


def _check_same(study: Study, now: Params, changes: dict[str, Any], record: TrialRecord) -> None:
    wanted = flatten(overlay(study.params, record.config).record(*SECTIONS))
    laid = flatten(overlay(now, changes).record(*SECTIONS))
    differ = sorted(key for key in wanted.keys() | laid.keys() if wanted.get(key) != laid.get(key))
    if differ:
        words = ", ".join(f"{key} (now {laid.get(key)!r}, in the study {wanted.get(key)!r})" for key in differ[:5])
        raise InputError(
            f"params.yaml has changed since study '{study.name}' began, so its model would not be the trial's: {words};"
            " put that back, or write 'nnops sweep apply --force'."
        )
