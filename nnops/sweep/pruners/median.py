"""The median rule (Golovin et al. 2017, section 3.2)."""

from collections.abc import Sequence
from statistics import median

from pydantic import Field

from nnops.errors import ParamsError
from nnops.sweep.pruners.base import Curve, Pruner


class Median(Pruner):
    """Stop where the best value so far is worse than the median of what complete trials had reported at that epoch."""

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
        complete = [other for other in others if other.complete]
        epoch = max(curve.values)
        peers = [other.values[epoch] for other in complete if epoch in other.values]
        return len(complete) >= self.startup_trials and bool(peers) and min(curve.values.values()) > median(peers)

    def expected_epochs(self, epochs: int) -> float:
        """Half of the trials stop soon after the warm-up."""
        return (epochs + min(self.warmup_epochs + 1, epochs)) / 2
