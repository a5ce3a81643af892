"""Patience before another rule is asked (as Optuna's PatientPruner)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.params import Named
from nnops.sweep.pruners.base import Curve, Pruner


class Patient(Pruner):
    """Another pruner, that may only stop trials which have not improved for some epochs.

    A trial improves where the best of its last ``patience + 1`` reports is at most ``min_delta`` worse than the best
    before them.
    """

    patience: int = Field(default=3, ge=0, description="Epochs that a trial may go on without improving")
    min_delta: float = Field(default=0.0, ge=0, description="So much worse than before still counts as no worse")
    pruner: Named | None = Field(
        default=Named(name="median"), description="Who judges then; null: the trial is stopped at once"
    )

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, one around ASHA, and patience alone."""
        return [cls(), cls(patience=1, pruner=Named(name="asha")), cls(patience=2, min_delta=0.01, pruner=None)]

    def check(self, epochs: int) -> None:
        """See :class:`Pruner`."""
        where = "params.yaml: sweep.pruner.options"
        if self.pruner is not None and self.pruner.name == "patient":
            raise ParamsError(f"{where}.pruner: patient is patience before another pruner; name median or asha.")
        if self.patience + 2 > epochs:
            raise ParamsError(
                f"{where}.patience must be at most train.epochs - 2 = {epochs - 2}, else nothing is ever stopped,"
                f" got {self.patience}."
            )
        if self._other is not None:
            self._other.check(epochs)

    def judges(self, epoch: int, number: int, epochs: int, seed: int) -> bool:
        """Where the other pruner judges, once there are more reports than patience."""
        if not self.patience + 1 < epoch < epochs:
            return False
        return self._other is None or self._other.judges(epoch, number, epochs, seed)

    def prunes(self, curve: Curve, others: Sequence[Curve], epochs: int, seed: int) -> bool:
        """See :class:`Pruner`."""
        values = [curve.values[epoch] for epoch in sorted(curve.values)]
        last = round(self.patience * curve.every) + 1
        before, after = values[:-last], values[-last:]
        if not before or min(before) + self.min_delta >= min(after):
            return False
        return self._other is None or self._other.prunes(curve, others, epochs, seed)

    def peers(self, number: int, epoch: int, others: Sequence[Curve], epochs: int, seed: int) -> list[Curve]:
        """Those of the other pruner; without one a trial is compared to itself alone."""
        return [] if self._other is None else self._other.peers(number, epoch, others, epochs, seed)

    def disbelieves(self, curve: Curve, others: Sequence[Curve], epochs: int) -> float | None:
        """What the other pruner says."""
        return None if self._other is None else self._other.disbelieves(curve, others, epochs)

    def expected_epochs(self, epochs: int) -> float:
        """What the other expects, but no less than patience allows; alone, half of what is left."""
        least = min(self.patience + 2, epochs)
        if self._other is None:
            return (least + epochs) / 2
        return max(float(least), self._other.expected_epochs(epochs))

    @cached_property
    def _other(self) -> Pruner | None:
        from nnops.sweep.pruners import PRUNERS

        if self.pruner is None:
            return None
        return PRUNERS.build(self.pruner.name, self.pruner.options, where="sweep.pruner.options.pruner")
