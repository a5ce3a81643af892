"""Lineage inside a study: whose training a trial went on with, and the values that were in force when it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnops.number import short

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nnops.sweep.objective import Objective
    from nnops.sweep.study import TrialRecord


def in_force(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as it is after the last of its changes.

    >>> in_force({"train.batch_size": 8, "train.changes": [{"after": 2, "set": {"train.batch_size": 9}}]})
    {'train.batch_size': 9}
    """
    now = {key: value for key, value in config.items() if key != "train.changes"}
    for change in config.get("train.changes", ()):
        now |= change["set"]
    return now


def lineage_words(trials: "Sequence[TrialRecord]", number: int) -> str:
    """Whose training a trial goes on with, for people; empty where it has none of another."""
    found = ancestors(trials, number)
    return "goes on with " + ", ".join(f"{each.number} after epoch {each.epochs}" for each in found) if found else ""


def ancestors(trials: "Sequence[TrialRecord]", number: int) -> "list[TrialRecord]":
    """A trial's parent, its parent, and so on, the first one last."""
    by_number = {trial.number: trial for trial in trials}
    found: list[TrialRecord] = []
    parent = by_number[number].parent
    while parent is not None:
        found.append(by_number[parent])
        parent = by_number[parent].parent
    return found


@dataclass(frozen=True)
class Generation:
    """The trials of a population that ended at the same epoch.

    Attributes:
        epochs: Of each of its members, inherited ones included.
        members: By number.
        taken: How many of them go on with the training of a trial with which another one goes on, too.
    """

    epochs: int
    members: "tuple[TrialRecord, ...]"
    taken: int


def generations(trials: "Sequence[TrialRecord]") -> list[Generation]:
    """The generations of a population, the first one first; none where no trial goes on with another's training."""
    ended = [trial for trial in trials if trial.reports and trial.state in ("complete", "pruned")]
    if not any(trial.parent is not None for trial in ended):
        return []
    depth: dict[int, int] = {}
    for trial in ended:
        depth[trial.number] = 0 if trial.parent is None else depth.get(trial.parent, 0) + 1
    found: list[Generation] = []
    for place in range(max(depth.values()) + 1):
        members = tuple(trial for trial in ended if depth[trial.number] == place)
        parents = [trial.parent for trial in members if trial.parent is not None]
        found.append(Generation(max(t.epochs for t in members), members, len(parents) - len(set(parents))))
    return found


def lineage_table(objective: "Objective", trials: "Sequence[TrialRecord]") -> "RenderableType | None":
    """The generations of a population for people: the best of each and whom it goes on with; None of no population."""
    found = generations(trials)
    if not found:
        return None
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("generation", "epochs", f"best {objective.metric}", "trial", "goes on with", "taken over"):
        table.add_column(name, justify="right")
    for place, each in enumerate(found, start=1):
        best = min(each.members, key=lambda trial: objective.loss(trial.value or 0.0))
        parent = "-" if best.parent is None else f"trial {best.parent}"
        taken = f"{each.taken} of {len(each.members)}" if place > 1 else "-"
        table.add_row(str(place), str(each.epochs), short(best.value), str(best.number), parent, taken)
    return table
