"""A study as people and machines read it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError, NnopsError, StudyDamagedError
from nnops.number import short
from nnops.params import Params
from nnops.sweep.actual import compare, measure_actual, plan_of
from nnops.sweep.fitting import FittingTable, Pairs
from nnops.sweep.holder import Holder
from nnops.sweep.importance import rank
from nnops.sweep.insight import short_names
from nnops.sweep.lineage import lineage_table, lineage_words
from nnops.sweep.names import beginning, names
from nnops.sweep.repeat import LEVEL, Repeated, further_seeds, noise, summarize, winner
from nnops.sweep.samplers.auto import chosen
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.verdict import explain_best, measured_names, repeats_table
from nnops.sweep.words import counted, state_word

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nnops.sweep.explain import Explained

#: Trials in the table for people; the JSON holds all.
ROWS = 20
STYLES = {"running": "cyan", "complete": "green", "pruned": "dim", "failed": "red", "infeasible": "yellow"}


@dataclass(frozen=True)
class Shown:
    """A study read once."""

    study: Study
    state: str
    trials: list[TrialRecord]
    repeats: list[TrialRecord]
    run_ids: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """``name``, ``state``, ``objective``, ``trials`` and ``best``, as DESIGN.md documents them, and some more."""
        study, best = self.study, self.study.best(self.trials)
        repeated = summarize(study, self.trials, self.repeats)
        won = winner(study, self.trials, repeated)
        return {
            "name": study.name,
            "state": self.state,
            "objective": study.attrs["objective"],
            "sampler": chosen(study.params).words,
            "pruner": study.params.sweep.pruner.name,
            "budget": study.attrs["budget"],
            "plan": study.attrs.get("plan"),
            "actual": measure_actual(study, [*self.trials, *self.repeats]).to_json(),
            "why": study.why,
            "reason": study.reason,
            "seconds": study.attrs.get("spent_s", 0.0),
            "run_id": self.run_ids.get(study.uid),
            "trials": [
                {
                    "number": trial.number,
                    "state": trial.state,
                    "value": trial.value,
                    "epochs": trial.epochs,
                    "config": trial.config,
                    "parent": trial.parent,
                    "seconds": trial.seconds,
                    "run_id": self.run_ids.get(trial.uid),
                    "reason": trial.reason,
                    "values": trial.values,
                    "measures": trial.measures,
                }
                for trial in self.trials
            ],
            "constraints": [str(each) for each in study.constraints],
            "front": [trial.number for trial in study.front(self.trials)],
            "repeats": self._repeats_json(repeated) if study.params.sweep.repeats else None,
            "best": None
            if best is None
            else {
                "number": best.number,
                "value": best.value,
                "config": best.config,
                "weights_sha256": best.weights_sha256,
                "values": best.values,
                "means": won.means if won else None,
                "intervals": won.intervals if won else None,
            },
        }

    def write_page(self, path: Path) -> None:
        """Write the study as one HTML page.

        Raises:
            InputError: The path is a folder.
        """
        from nnops.sweep.figures.seen import Seen
        from nnops.sweep.page.build import write_page

        if path.is_dir():
            raise InputError(f"--html must name a file, {path} is a folder; write {path / self.study.name}.html.")
        write_page(Seen(self.study, self.trials, self.repeats), path, self.state)

    def _repeats_json(self, repeated: list[Repeated]) -> dict[str, Any]:
        return {
            "seeds": further_seeds(self.study),
            "level": LEVEL,
            "noise": noise(repeated),
            "trials": [
                {
                    "number": each.trial.number,
                    "means": each.means,
                    "deviations": each.deviations,
                    "intervals": each.intervals,
                    "runs": [
                        {
                            "number": run.number,
                            "seed": run.seed,
                            "state": run.state,
                            "values": run.values,
                            "seconds": run.seconds,
                            "run_id": self.run_ids.get(run.uid),
                        }
                        for run in each.runs
                    ],
                }
                for each in repeated
            ],
        }

    def table(self) -> "RenderableType":
        """For the terminal: a headline, and the best trials."""
        from rich.console import Group
        from rich.text import Text

        study, best = self.study, self.study.best(self.trials)
        members = {trial.number for trial in study.front(self.trials)}
        several = len(study.objectives) > 1
        goals = " and ".join(f"{each.direction} {each.metric}" for each in study.objectives)
        driven = study.holder is not None
        counts = counted(count_states(self.trials), driven)
        state = f"{self.state}: {study.reason}" if study.reason else self.state
        head = Text.assemble((study.name, "bold"), f"  {goals}, {state}\n")
        if study.constraints:
            head.append(f"within {', '.join(map(str, study.constraints))}\n", style="dim")
        head.append(f"{len(self.trials)} trials: {counts or 'none yet'}")
        if best is not None:
            head.append("\nbest ").append(short(best.value, 6), style="bold green").append(f" by trial {best.number}")
            if best.weights_sha256 is not None:
                head.append(f", weights {best.weights_sha256[:12]}", style="dim")
            if best.parent is not None:
                head.append(f"\n{lineage_words(self.trials, best.number)}", style="dim")
            if several or self.repeats:
                head.append(f"\n{explain_best(study, self.trials, best)}", style="dim")
        keys = short_names(study.space.by_key)
        further = measured_names(study)
        columns = ["trial", "state", study.objective.metric, *further, "epochs", "seconds", *keys.values()]
        table = FittingTable(columns, keep=3)
        ordered = sorted(self.trials, key=rank(study))
        if several:
            # What is on the front stands first, along the first objective.
            ordered.sort(key=lambda trial: trial.number not in members)
        for trial in ordered[:ROWS]:
            style = "bold" if best and trial.number == best.number else ""
            cells = trial_cells(trial, list(keys), further, driven)
            if several and trial.number in members:
                cells[1] = f"[{STYLES[trial.state]}]front[/]"
            table.add_row(*cells, style=style)
        parts: list[RenderableType] = [head]
        if best is not None:
            parts.append(
                Pairs([f"{keys.get(key, key)} {cell(value)}" for key, value in best.now.items()], style="green")
            )
        parts += [Text(), table]
        if len(self.trials) > ROWS:
            parts.append(Text(f"and {len(self.trials) - ROWS} more; --html FILE or --json shows all", style="dim"))
        repeated = summarize(study, self.trials, self.repeats)
        if repeated and self.repeats:
            parts += [Text(), repeats_table(study, self.trials, repeated)]
        line = lineage_table(study.objective, self.trials)
        if line is not None:
            parts += [Text(), line]
        plan = plan_of(study)
        if plan is not None:
            parts += [Text(), compare(plan, measure_actual(study, [*self.trials, *self.repeats]))]
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
    trials, repeats = study.trials(), study.repeats()
    found = run_ids([study.uid, *(trial.uid for trial in [*trials, *repeats])], params, root)
    return Shown(study, study.state, trials, repeats, found)


def show_trial(params: Params, root: Path, name: str, number: int) -> "Explained":
    """Read one trial of a study, and why it ended as it did.

    Args:
        params: As in :func:`show_study`.
        root: The project's folder.
        name: The study.
        number: The trial.

    Raises:
        InputError: There is no such study or trial.
    """
    from nnops.sweep.explain import explain_trial
    from nnops.tracking.index import run_ids

    study = Study.open(root, name, params.sweep.storage)
    uid = f"{study.uid}/{number}"
    return explain_trial(study, number, run_ids([uid], params, root).get(uid))


def list_studies(root: Path) -> list[dict[str, Any]]:
    """All studies of a project: ``name``, ``state``, ``driver``, ``trials``, ``objective``, ``best``.

    The ``driver`` is whoever drives the study: ``process``, ``machine``, ``alive``, ``seconds`` since it was heard of;
    None where the last one gave it back. A study that is still judged and planned is ``beginning``; one whose storage
    does not answer is ``unreachable``, one whose record is not whole ``damaged``, each for a ``reason``.
    """
    empty: dict[str, Any] = {"driver": None, "trials": 0, "objective": [], "best": None}
    records: list[dict[str, Any]] = []
    begin = beginning(root)
    for name in sorted({*names(root), *begin}):
        if name in begin:
            records.append({"name": name, "state": "beginning", **empty, "driver": _driver(begin[name], alive=True)})
            continue
        try:
            study = Study.open(root, name)
        except NnopsError as error:
            state = "damaged" if isinstance(error, StudyDamagedError) else "unreachable"
            records.append({"name": name, "state": state, "reason": str(error), **empty})
            continue
        trials, holder = study.trials(), study.holder
        best = study.best(trials)
        records.append(
            {
                "name": name,
                "state": study.state,
                "driver": _driver(holder or study.dead, alive=holder is not None),
                "trials": len(trials),
                "objective": study.attrs["objective"],
                "best": None if best is None else {"number": best.number, "value": best.value},
            }
        )
    return records


def _driver(holder: Holder | None, alive: bool) -> dict[str, Any] | None:
    if holder is None:
        return None
    seconds = max(0.0, round(time.time() - holder.beat, 1))
    return {"process": holder.pid, "machine": holder.host, "alive": alive, "seconds": seconds}


def count_states(trials: list[TrialRecord]) -> dict[str, int]:
    """Number of trials by state."""
    return {state: sum(trial.state == state for trial in trials) for state in STYLES}


def trial_cells(trial: TrialRecord, keys: list[str], measured: list[str], driven: bool) -> list[str]:
    """One row of a table of trials."""
    return [
        str(trial.number),
        f"[{STYLES[trial.state]}]{state_word(trial.state, driven)}[/]",
        short(trial.value),
        *(short({**trial.measures, **trial.values}.get(name)) for name in measured),
        str(trial.epochs),
        "-" if trial.seconds is None else f"{trial.seconds:.1f}",
        *(cell(trial.now.get(key)) for key in keys),
    ]


def cell(value: Any) -> str:
    """A value in few characters."""
    if value is None:
        return ""
    return short(value, 3) if isinstance(value, float) else str(value)
