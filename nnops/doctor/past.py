"""A training that has been done, or is under way: its history, and its network where the weights are there."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from nnops.errors import IntegrityError
from nnops.training.artifact import read_model
from nnops.training.checkpoint import read

#: Columns that every history has.
LOSSES = ("train_loss", "val_loss")


@dataclass(frozen=True)
class Past:
    """One training of one network.

    Attributes:
        name: What it is called, such as ``the training in artifacts/train``.
        history: One row of numbers an epoch.
        ended: ``complete``, ``early``, ``told``, or ``running``.
        module: The network with its weights, or None where they are not there.
    """

    name: str
    history: list[dict[str, float]]
    ended: str
    module: nn.Module | None = None

    @property
    def best(self) -> int:
        """The epoch with the lowest loss on val, from 1."""
        return min(range(len(self.history)), key=lambda place: self.history[place]["val_loss"]) + 1

    def column(self, name: str) -> list[float]:
        """One number by epoch."""
        return [row[name] for row in self.history]


def read_past(folder: Path) -> list[Past]:
    """The training that a stage wrote, of an ensemble one for each member.

    Raises:
        DataError: There is none.
        IntegrityError: The history or the weights are damaged.
    """
    trained = read_model(folder)
    rows = read_history((folder / "history.csv").read_text(encoding="utf-8"), folder / "history.csv")
    ended = str(trained.record["ended"])
    name = f"the training in {folder}"
    if "member" not in rows[0]:
        return [Past(name, rows, ended, trained.module.requires_grad_(True))]
    numbers = sorted({int(row["member"]) for row in rows} - {0})
    return [Past(f"member {n} of {name}", [row for row in rows if row["member"] == n], ended) for n in numbers]


def read_running(folder: Path, network: nn.Module) -> list[Past]:
    """A training that is under way or was killed, from its newest checkpoint; nothing where there is none.

    Args:
        folder: Where it keeps its checkpoints.
        network: Of the same kind; it takes the weights over.

    Raises:
        IntegrityError: Its checkpoints are damaged.
    """
    state = read(folder)
    if state is None:
        return []
    prefix = "model."
    weights = {name.removeprefix(prefix): tensor for name, tensor in state.tensors.items() if name.startswith(prefix)}
    network.load_state_dict(weights)
    return [Past(f"the training under way, after epoch {state.epoch}", state.history, "running", network)]


def past_of(name: str, losses: Mapping[str, Mapping[int, float]]) -> list[Past]:
    """The training of a result on record, from its numbers by epoch.

    Raises:
        IntegrityError: An epoch lacks a loss.
    """
    epochs = sorted({epoch for name in LOSSES for epoch in losses.get(name, {})})
    if not epochs or any(epochs != sorted(losses.get(name, {})) for name in LOSSES):
        raise IntegrityError(
            f"{name}: its record lacks the losses of its epochs, which tracking keeps and sends a moment later; wait,"
            " or train it again with tracking on."
        )
    rows = [{name: row[epoch] for name, row in losses.items() if epoch in row} for epoch in epochs]
    return [Past(name, rows, "complete")]


def read_history(text: str, path: Path) -> list[dict[str, float]]:
    """The rows of a history.csv.

    Raises:
        IntegrityError: It is not one, naming the first line that is wrong.
    """
    again = "run 'dvc repro --force train'"
    lines = csv.reader(io.StringIO(text))
    head = next(lines, [])
    if head[:1] != ["epoch"] or not set(LOSSES) <= set(head):
        raise IntegrityError(f"{path}: must begin with the columns epoch, {', '.join(LOSSES)}, got {head}; {again}.")
    rows: list[dict[str, float]] = []
    for place, line in enumerate(lines, start=2):
        try:
            row = {name: float(value) for name, value in zip(head[1:], line[1:], strict=True)}
        except ValueError as error:
            raise IntegrityError(f"{path}: line {place} must hold {len(head)} numbers, got {line}; {again}.") from error
        if any(math.isinf(row[name]) or math.isnan(row[name]) for name in LOSSES):
            raise IntegrityError(f"{path}: line {place} holds a loss that is no number, got {line}; {again}.")
        rows.append(row)
    if not rows:
        raise IntegrityError(f"{path}: must hold a line for each epoch, got none; {again}.")
    return rows
