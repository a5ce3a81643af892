"""A study as people and machines read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.params import Params
from nnops.sweep.importance import rank
from nnops.sweep.insight import short_names
from nnops.sweep.study import Study, TrialRecord, names

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Trials in the table for people; the JSON holds all.
ROWS = 20
STYLES = {"running": "cyan", "complete": "green", "pruned": "dim", "failed": "red", "infeasible": "yellow"}


@dataclass(frozen=True)
class Shown:
    """A study read once."""

    study: Study
    state: str
    trials: list[TrialRecord]
    run_ids: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """``name``, ``state``, ``objective``, ``trials`` and ``best``, as DESIGN.md documents them, and some more."""
        study, best = self.study, self.study.best(self.trials)
        return {
            "name": study.name,
            "state": self.state,
            "objective": study.attrs["objective"],
            "sampler": study.params.sweep.sampler.name,
            "pruner": study.params.sweep.pruner.name,
            "budget": study.attrs["budget"],
            "seconds": study.attrs.get("spent_s", 0.0),
            "run_id": self.run_ids.get(study.uid),
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
            "best": None
            if best is None
            else {
                "number": best.number,
                "value": best.value,
                "config": best.config,
                "weights_sha256": best.weights_sha256,
            },
        }

    def table(self) -> "RenderableType":
        """For the terminal: a headline, and the best trials."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        study, best = self.study, self.study.best(self.trials)
        objective = study.objective
        counts = ", ".join(f"{count} {state}" for state, count in count_states(self.trials).items() if count)
        head = Text.assemble((study.name, "bold"), f"  {self.state}, {objective.direction} {objective.metric}\n")
        head.append(f"{len(self.trials)} trials: {counts or 'none yet'}")
        if best is not None:
            head.append("\nbest ").append(f"{best.value:.6g}", style="bold green").append(f" by trial {best.number}")
        keys = short_names(study.space.by_key)
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("trial", "state", objective.metric, "epochs", "seconds", *keys.values()):
            table.add_column(name, justify="left" if name == "state" else "right")
        for trial in sorted(self.trials, key=rank(study))[:ROWS]:
            table.add_row(*trial_cells(trial, list(keys)), style="bold" if best and trial.number == best.number else "")
        parts: list[RenderableType] = [head, Text(), table]
        if len(self.trials) > ROWS:
            parts.append(Text(f"and {len(self.trials) - ROWS} more; --json shows all", style="dim"))
        reasons = [trial for trial in self.trials if trial.state in ("failed", "infeasible") and trial.reason]
        for trial in reasons[-3:]:
            parts.append(Text(f"trial {trial.number} {trial.state}: {trial.reason}", style=STYLES[trial.state]))
        return Group(*parts)


def show_study(params: Params, root: Path, name: str) -> Shown:
    """Read a study.

    Args:
        params: ``tracking`` says where its runs are, ``sweep.storage`` where a study of another machine is.
        root: The project's folder.
        name: The study.

    Raises:
        InputError: There is no such study; the message holds the nearest name.
    """
    from nnops.tracking.index import run_ids

    study = Study.open(root, name, params.sweep.storage)
    trials = study.trials()
    found = run_ids([study.uid, *(trial.uid for trial in trials)], params, root)
    return Shown(study, study.state, trials, found)


def list_studies(root: Path) -> list[dict[str, Any]]:
    """All studies of a project: ``name``, ``state``, ``trials``, ``objective``, ``best``."""
    records: list[dict[str, Any]] = []
    for name in names(root):
        study = Study.open(root, name)
        trials = study.trials()
        best = study.best(trials)
        records.append(
            {
                "name": name,
                "state": study.state,
                "trials": len(trials),
                "objective": study.attrs["objective"],
                "best": None if best is None else {"number": best.number, "value": best.value},
            }
        )
    return records


def count_states(trials: list[TrialRecord]) -> dict[str, int]:
    """Number of trials by state."""
    return {state: sum(trial.state == state for trial in trials) for state in STYLES}


def trial_cells(trial: TrialRecord, keys: list[str]) -> list[str]:
    """One row of a table of trials."""
    return [
        str(trial.number),
        f"[{STYLES[trial.state]}]{trial.state}[/]",
        "-" if trial.value is None else f"{trial.value:.5g}",
        str(trial.epochs),
        "-" if trial.seconds is None else f"{trial.seconds:.1f}",
        *(cell(trial.config.get(key)) for key in keys),
    ]


def cell(value: Any) -> str:
    """A value in few characters."""
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
