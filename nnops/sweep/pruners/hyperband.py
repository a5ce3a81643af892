"""Hyperband (Li et al. 2018) with asynchronous brackets (Li et al. 2020, section 3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import Field

from nnops.errors import ParamsError
from nnops.seeding import derive
from nnops.sweep.pruners.base import Curve, Pruner
from nnops.sweep.pruners.crowd import values_at
from nnops.sweep.pruners.halving import expected, rungs, survives


class Hyperband(Pruner):
    """Brackets of successive halving, from the one that stops earliest to the one that never stops.

    A trial belongs to one bracket, drawn from the seed and its number; early brackets get more trials, so that all
    brackets spend about the same number of epochs. Trials are compared inside their bracket.
    """

    min_epochs: int = Field(default=1, ge=1, description="The first rung of the earliest bracket")
    reduction_factor: int = Field(default=3, ge=2)

    def check(self, epochs: int) -> None:
        """See :class:`Pruner`."""
        if self.min_epochs > epochs:
            raise ParamsError(
                f"params.yaml: sweep.pruner.options.min_epochs must be in [1, train.epochs={epochs}],"
                f" got {self.min_epochs}."
            )

    def judges(self, epoch: int, number: int, epochs: int, seed: int) -> bool:
        """At the rungs of the trial's bracket."""
        return epoch in rungs(self.min_epochs, epochs, self.reduction_factor, self._bracket(number, epochs, seed))

    def prunes(self, curve: Curve, others: Sequence[Curve], epochs: int, seed: int) -> bool:
        """See :class:`Pruner`."""
        epoch, mates = max(curve.values), self._mates(curve.number, epochs, seed)
        return not survives(curve.values[epoch], values_at(others, epoch, mates), self.reduction_factor)

    def peers(self, number: int, epoch: int, others: Sequence[Curve], epochs: int, seed: int) -> list[Curve]:
        """Those of the trial's bracket."""
        mates = self._mates(number, epochs, seed)
        return [other for other in others if epoch in other.values and mates(other)]

    def expected_epochs(self, epochs: int) -> float:
        """The mean over brackets, weighted by their shares of trials."""
        spent = _spent(self.min_epochs, epochs, self.reduction_factor)
        return len(spent) / sum(1 / each for each in spent)

    def _mates(self, number: int, epochs: int, seed: int) -> "Mates":
        s = self._bracket(number, epochs, seed)
        return Mates(self.min_epochs, epochs, self.reduction_factor, seed, s)

    def _bracket(self, number: int, epochs: int, seed: int) -> int:
        return bracket(self.min_epochs, epochs, self.reduction_factor, seed, number)


@dataclass(frozen=True)
class Mates:
    """The trials of bracket ``s``."""

    r: int
    R: int
    eta: int
    seed: int
    s: int

    def __call__(self, curve: Curve) -> bool:
        """Whether a trial is one of them."""
        return bracket(self.r, self.R, self.eta, self.seed, curve.number) == self.s


@lru_cache(maxsize=100_000)
def bracket(r: int, R: int, eta: int, seed: int, number: int) -> int:
    """The bracket s of a trial, drawn from the stream ``bracket/<number>`` with odds 1 / (epochs that it spends)."""
    odds = [1 / each for each in _spent(r, R, eta)]
    place = derive(seed, f"bracket/{number}") / 2**63 * sum(odds)
    for s, odd in enumerate(odds):
        place -= odd
        if place < 0:
            return s
    return len(odds) - 1


def _spent(r: int, R: int, eta: int) -> list[float]:
    return [expected(r, R, eta, s) for s in range(len(rungs(r, R, eta)) + 1)]
