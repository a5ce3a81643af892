"""apply --ensemble: the best trials of a study together become params.yaml's ensemble."""

from pathlib import Path
from typing import Any

from nnops import params as params_file
from nnops.errors import InputError
from nnops.sweep.apply import Applied, changed_keys, explain_changes, other_model, still_driven, whole_components
from nnops.sweep.repeat import ranked
from nnops.sweep.study import Study
from nnops.training.ensemble import members


def apply_ensemble(root: Path, name: str, count: int, *, force: bool = False) -> list[Applied]:
    """Write the configs of a study's best trials into params.yaml as the members of an ensemble; comments are kept.

    Args:
        root: The project's folder.
        name: The study.
        count: How many trials, at least 2.
        force: Also where params.yaml has changed so that the pipeline would make other networks.

    Returns:
        One for each member, best first.

    Raises:
        InputError: Too few trials, members that want different data, or params.yaml has changed since; nothing is
            written then.
    """
    path = root / params_file.FILE
    params = params_file.load(path)
    study = Study.open(root, name, params.sweep.storage)
    best = ranked(study, study.trials())[:count]
    if len(best) < count:
        raise InputError(
            f"study '{name}' has {len(best)} trials that can be members of an ensemble, not {count}; write --ensemble"
            f" {len(best)} or go on with 'nnops sweep resume {name}'."
            if len(best) > 1
            else f"study '{name}' has too few complete trials for an ensemble; go on with 'nnops sweep resume {name}'."
        )
    alone: dict[str, Any] = {} if params.train.folds is None else {"train.folds": None}
    data: dict[str, Any] = {}
    configs: list[dict[str, Any]] = []
    notes = list(still_driven(study))
    for trial in best:
        config = whole_components(study, params, trial.config)
        changed = changed_keys(study, params, {**config, "train.ensemble": [], **alone})
        if changed and not force:
            raise InputError(explain_changes(study, params, changed))
        notes = [*still_driven(study), other_model(changed)] if changed else notes
        mine = {key: value for key, value in config.items() if key.startswith("data.")}
        if configs and mine != data:
            raise InputError(
                f"trials {best[0].number} and {trial.number} of '{name}' learned from differently prepared data"
                f" ({', '.join(sorted(mine.keys() | data.keys()))}), so they cannot answer as one; apply one of them."
            )
        data = mine
        configs.append({key: value for key, value in config.items() if key not in mine})
    whole = {**data, "train.ensemble": configs, **alone}
    members(params_file.overlay(params, whole))
    params_file.write(path, whole)
    return [
        Applied(name, trial.number, trial.config, trial.value, trial.weights_sha256, tuple(notes), f"number {place}")
        for place, trial in enumerate(best, start=1)
    ]
