"""The median rule (Golovin et al. 2017, section 3.2)."""

from collections.abc import Sequence
from statistics import median
from typing import ClassVar

from pydantic import Field

from nnops.errors import ParamsError
from nnops.sweep.pruners.base import Curve, Pruner
from nnops.sweep.pruners.crowd import count, is_complete, values_at


class Median(Pruner):
    """Stop where the best value so far is worse than the median of what complete trials had reported at that epoch."""

    waits: ClassVar[bool] = False

    startup_trials: int = Field(default=5, ge=1, description="Trials that must be complete before any is stopped")
    warmup_epochs: int = Field(default=1, ge=0, description="Epochs before a trial may be stopped")

    def check(self, epochs: int) -> None:
        """See :class:`Pruner`."""
        if self.warmup_epochs >= epochs:
            raise ParamsError(
                f"params.yaml: sweep.pruner.options.warmup_epochs must be below train.epochs={epochs},"
                f" got {self.warmup_epochs}."
            )

    def judges(self, epoch: int, number: int, epochs: int, seed: int) -> bool:
        """At every epoch after the warm-up."""
        return self.warmup_epochs < epoch < epochs

    def prunes(self, curve: Curve, others: Sequence[Curve], epochs: int, seed: int) -> bool:
        """See :class:`Pruner`."""
        if count(others, is_complete) < self.startup_trials or max(curve.values) <= self.warmup_epochs * curve.every:
            return False
        peers = values_at(others, max(curve.values), is_complete)
        return bool(peers) and min(curve.values.values()) > median(peers)

    def peers(self, number: int, epoch: int, others: Sequence[Curve], epochs: int, seed: int) -> list[Curve]:
        """Complete trials."""
        return [other for other in others if epoch in other.values and is_complete(other)]

    def expected_epochs(self, epochs: int) -> float:
        """Half of the trials stop soon after the warm-up."""
        return (epochs + min(self.warmup_epochs + 1, epochs)) / 2
