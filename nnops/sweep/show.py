"""What a study has found: for machines as plain values, for people as a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import NnopsError
from nnops.params import Params
from nnops.sweep.study import STATES, Study, TrialRecord, names

if TYPE_CHECKING:
    from rich.console import Group

#: Trials that a table shows.
ROWS = 12


@dataclass(frozen=True)
class Shown:
    """A study as it stands.

    Attributes:
        study: The study.
        trials: Every trial, by number.
        best: The best one that spent its full fidelity.
        run_ids: Ids of the MLflow runs by the trial's uid, as far as they have arrived.
    """

    study: Study
    trials: list[TrialRecord]
    best: TrialRecord | None
    run_ids: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As plain values: ``name``, ``state``, ``objective``, ``trials``, ``best``."""
        objective = self.study.objective
        best = None
        if self.best is not None:
            best = {
                "number": self.best.number,
                "value": self.best.value,
                "config": self.best.config,
                "weights_sha256": self.best.weights_sha256,
            }
        return {
            "name": self.study.name,
            "state": self.study.state,
            "objective": {"metric": objective.metric, "direction": objective.direction},
            "trials": [
                {
                    "number": trial.number,
                    "state": trial.state,
                    "value": trial.value,
                    "epochs": trial.epochs,
                    "config": trial.config,
                    "seconds": trial.seconds,
                    "run_id": self.run_ids.get(trial.uid),
                    "reason": trial.reason,
                }
                for trial in self.trials
            ],
            "best": best,
        }

    def table(self) -> "Group":
        """The best config, counts by state, and the best trials."""
        from rich.console import Group
        from rich.table import Table

        from nnops.sweep.table import words

        objective = self.study.objective
        counts = ", ".join(f"{n} {state}" for state in STATES if (n := sum(t.state == state for t in self.trials)))
        lines = [f"[bold]{self.study.name}[/bold] is {self.study.state}: {counts or 'no trials yet'}"]
        if self.best is not None:
            lines.append(f"best {objective.metric} [bold]{self.best.value:.6g}[/bold], trial {self.best.number}")
            lines += [f"  {key}: {value}" for key, value in self.best.config.items()]
        table = Table("trial", "state", objective.metric, "epochs", "s", "config")
        for column in table.columns[2:5]:
            column.justify = "right"
        ranked = sorted(self.trials, key=lambda trial: (trial.state != "complete", _loss(self.study, trial)))
        for trial in ranked[:ROWS]:
            value = "-" if trial.value is None else f"{trial.value:.6g}"
            seconds = "-" if trial.seconds is None else f"{trial.seconds:.1f}"
            note = f" ({trial.reason})" if trial.reason else ""
            table.add_row(str(trial.number), trial.state, value, str(trial.epochs), seconds, words(trial.config) + note)
        if len(self.trials) > ROWS:
            table.caption = f"the best {ROWS} of {len(self.trials)}; --json has all"
        return Group(*lines, table)


def show_study(params: Params, root: Path, name: str) -> Shown:
    """Look at a study, also while somebody drives it.

    Args:
        params: ``tracking`` says where runs are.
        root: The project's folder.
        name: The study.

    Raises:
        InputError: There is no such study.
    """
    from nnops.tracking.index import run_ids

    study = Study.open(root, name, params.sweep.storage)
    trials = study.trials()
    return Shown(study, trials, study.best(trials), run_ids([trial.uid for trial in trials], params, root))


def list_studies(root: Path) -> list[dict[str, Any]]:
    """Every study of a project: name, state, number of trials, the best value and the objective.

    One that cannot be opened is listed with its error as its state.
    """
    records: list[dict[str, Any]] = []
    for name in names(root):
        try:
            study = Study.open(root, name)
        except NnopsError as error:
            records.append({"name": name, "state": f"damaged: {error}", "trials": 0, "best": None, "objective": None})
            continue
        trials = study.trials()
        best = study.best(trials)
        objective = study.objective
        records.append(
            {
                "name": name,
                "state": study.state,
                "trials": len(trials),
                "best": {"number": best.number, "value": best.value} if best else None,
                "objective": {"metric": objective.metric, "direction": objective.direction},
            }
        )
    return records


def _loss(study: Study, trial: TrialRecord) -> float:
    return float("inf") if trial.value is None else study.objective.loss(trial.value)
