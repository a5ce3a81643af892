"""Asynchronous successive halving (Li et al. 2020)."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.sweep.pruners.base import Curve, Pruner
from nnops.sweep.pruners.crowd import values_at
from nnops.sweep.pruners.halving import expected, rungs, survives


class Asha(Pruner):
    """At rungs min_epochs * reduction_factor**k only the best 1/reduction_factor of those that came there go on."""

    min_epochs: int = Field(default=1, ge=1, description="The first rung")
    reduction_factor: int = Field(default=3, ge=2)

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and a later first rung."""
        return [cls(), cls(min_epochs=2, reduction_factor=2)]

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
        return not survives(curve.values[epoch], values_at(others, epoch), self.reduction_factor)

    def expected_epochs(self, epochs: int) -> float:
        """See :func:`nnops.sweep.pruners.halving.expected`."""
        return expected(self.min_epochs, epochs, self.reduction_factor)
