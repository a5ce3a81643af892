"""A report: what one moment of a training spent and measured, and the callable that answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """One moment of a training.

    Attributes:
        epoch: The fidelity, in completed epochs, from 1.
        metrics: Numbers by name, such as ``train_loss``, ``val_loss``, ``val_accuracy``, ``lr``.
        seconds: Wall time of this epoch in seconds; never part of a stage's output, since it does not repeat.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float


ReportFn = Callable[[Report], bool]
"""Takes a report and answers True to go on, False to stop the training here."""


def keep_going(report: Report) -> bool:
    """The answer of a training that nobody watches."""
    del report
    return True
