"""Phases: a training whose values change on the way is several stretches of epochs, each under params of its own."""

from dataclasses import dataclass

from nnops.errors import ParamsError
from nnops.params import Params, overlay


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs.

    Attributes:
        params: What it is trained under.
        until: Epochs done at its end.
    """

    params: Params
    until: int


def phases(params: Params) -> list[Phase]:
    """The phases of a training: one, and one more for each entry of ``train.changes``.

    Raises:
        ParamsError: A change comes at the end or later, names a key that does not exist, or a value that does not fit.
    """
    changes, epochs = params.train.changes, params.train.epochs
    now = params.model_copy(update={"train": params.train.model_copy(update={"changes": ()})}) if changes else params
    found: list[Phase] = []
    for place, change in enumerate(changes):
        if change.after >= epochs:
            raise ParamsError(
                f"params.yaml: train.changes.{place}.after must be below train.epochs={epochs}, got {change.after}."
            )
        found.append(Phase(now, change.after))
        now = overlay(now, change.set)
    return [*found, Phase(now, epochs)]
