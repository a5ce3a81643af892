"""Asynchronous successive halving (Li et al. 2020)."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.sweep.pruners.base import Curve, Pruner
from nnops.sweep.pruners.crowd import values_at
from nnops.sweep.pruners.halving import expected, rungs, survives
from nnops.sweep.pruners.trust import foresight


class Asha(Pruner):
    """At rungs min_epochs * reduction_factor**k only the best 1/reduction_factor of those that came there go on.

    A rung whose order does not foretell the order at the end stops nobody: once eight trials went on from it, it is
    trusted while their rank correlation with the latest fidelity that eight of them came to is at least ``trust``.
    """

    min_epochs: int = Field(default=1, ge=1, description="The first rung")
    reduction_factor: int = Field(default=3, ge=2)
    trust: float = Field(
        default=0.5, ge=-1, le=1, description="Rank correlation with later that a rung must have; -1: always trusted"
    )

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and a later first rung that is always trusted."""
        return [cls(), cls(min_epochs=2, reduction_factor=2, trust=-1.0)]

    def check(self, epochs: int) -> None:
        """See :class:`Pruner`."""
        if self.min_epochs > epochs:
            raise ParamsError(
                f"params.yaml: sweep.pruner.options.min_epochs must be in [1, train.epochs={epochs}],"
                f" got {self.min_epochs}."
            )

    def judges(self, epoch: int, number: int, epochs: int, seed: int) -> bool:
        """At rungs."""
        return epoch in rungs(self.min_epochs, epochs, self.reduction_factor)

    def prunes(self, curve: Curve, others: Sequence[Curve], epochs: int, seed: int) -> bool:
        """See :class:`Pruner`."""
        epoch = max(curve.values)
        if survives(curve.values[epoch], values_at(others, epoch), self.reduction_factor):
            return False
        return self.disbelieves(curve, others, epochs) is None

    def disbelieves(self, curve: Curve, others: Sequence[Curve], epochs: int) -> float | None:
        """See :class:`Pruner`."""
        if self.trust == -1:
            return None
        epoch = max(curve.values)
        laters = [rung for rung in rungs(self.min_epochs, epochs, self.reduction_factor) if rung > epoch]
        found = foresight(others, epoch, [*laters, epochs])
        return None if found is None or found >= self.trust else found

    def expected_epochs(self, epochs: int) -> float:
        """See :func:`nnops.sweep.pruners.halving.expected`."""
        return expected(self.min_epochs, epochs, self.reduction_factor)
