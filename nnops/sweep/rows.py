"""A study as a table: a row for each trial and each repeat, for data frames, MLflow and pages."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.files import write_bytes
from nnops.sweep.study import Study, TrialRecord

if TYPE_CHECKING:
    from nnops.sweep.figures.seen import Seen

#: Left out where people read the table.
FOR_MACHINES = ("began", "ended", "uid")


def columns_of(study: Study) -> list[str]:
    """``trial``, ``state``, every objective, ``epochs``, ``seconds``, what was measured, tuned keys, and the rest."""
    objectives = [objective.metric for objective in study.objectives]
    bounded = [each.metric for each in study.constraints if each.metric not in objectives]
    found = ["trial", "state", *objectives, "epochs", "seconds", *bounded, *study.space.by_key]
    return list(dict.fromkeys([*found, *REST]))


#: The last columns.
REST = ("repeats", "seed", "best_epoch", "began", "ended", "reason", "fingerprint", "weights_sha256", "uid")


def row_of(study: Study, trial: TrialRecord) -> dict[str, Any]:
    """A trial by the names of :func:`columns_of`; what it does not have is None."""
    row: dict[str, Any] = dict.fromkeys(columns_of(study))
    row |= {name: value for name, value in {**trial.measures, **trial.values}.items() if name in row}
    row |= {key: value for key, value in trial.now.items() if key in row}
    row |= {
        "trial": trial.number,
        "state": trial.state,
        study.objective.metric: trial.value,
        "epochs": trial.epochs,
        "seconds": None if trial.seconds is None else round(trial.seconds, 3),
        "repeats": trial.repeat,
        "seed": trial.config.get("seed", study.params.seed) if trial.seed is None else trial.seed,
        "best_epoch": trial.best_epoch,
        "began": trial.began,
        "ended": trial.ended,
        "reason": trial.reason,
        "fingerprint": trial.fingerprint,
        "weights_sha256": trial.weights_sha256,
        "uid": trial.uid,
    }
    return row


def write_table(seen: "Seen", path: Path) -> None:
    """Write the table as MLflow's tables are: JSON with ``columns`` and ``data``, the best trial first.

    Keys are written with ``/`` where params.yaml has dots.
    """
    from nnops.sweep.importance import rank

    columns = [name for name in columns_of(seen.study) if name not in FOR_MACHINES]
    trials = [*sorted(seen.trials, key=rank(seen.study)), *seen.repeats]
    rows = [row_of(seen.study, trial) for trial in trials]
    used = [name for name in columns if any(row[name] is not None for row in rows) or name not in REST]
    # The UI reads a dot in a name as a step into a nested value, and finds none.
    record = {
        "columns": [name.replace(".", "/") for name in used],
        "data": [[row[name] for name in used] for row in rows],
    }
    write_bytes(path, json.dumps(record, ensure_ascii=False, default=str).encode())
