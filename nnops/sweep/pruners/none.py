"""No pruning."""

from collections.abc import Sequence

from nnops.sweep.pruners.base import Curve, Pruner


class NoPruner(Pruner):
    """Every trial spends the full fidelity."""

    def judges(self, epoch: int, number: int, epochs: int, seed: int) -> bool:
        """Never."""
        return False

    def prunes(self, curve: Curve, others: Sequence[Curve], epochs: int, seed: int) -> bool:
        """Never."""
        return False
