"""A crowd: the curves that a trial is judged by, sorted at epochs that were asked for.

So the next judgement need not look at each of them.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from nnops.sweep.pruners.base import Curve

Belongs = Callable[[Curve], bool]
"""Which curves count; the same, or an equal one, at every judgement, and of the same opinion of a curve."""


def everyone(curve: Curve) -> bool:
    """Every curve."""
    del curve
    return True


def is_complete(curve: Curve) -> bool:
    """Those that spent their full fidelity."""
    return curve.complete


class Settled:
    """Curves that change no more."""

    def __init__(self) -> None:
        self.curves: list[Curve] = []
        self._values: dict[tuple[int, Belongs], list[float]] = {}
        self._counts: dict[Belongs, int] = {}
        self._reached: dict[int, list[Curve]] = {}

    def add(self, curve: Curve) -> None:
        """Take one more."""
        self.curves.append(curve)
        for belongs in self._counts:
            self._counts[belongs] += belongs(curve)
        for (epoch, belongs), values in self._values.items():
            if epoch in curve.values and belongs(curve):
                insort(values, curve.values[epoch])
        for epoch, curves in self._reached.items():
            if epoch in curve.values:
                curves.append(curve)

    def values(self, epoch: int, belongs: Belongs) -> list[float]:
        """What they reported at an epoch, sorted."""
        if (epoch, belongs) not in self._values:
            self._values[epoch, belongs] = _sorted(self.curves, epoch, belongs)
        return self._values[epoch, belongs].copy()

    def reached(self, epoch: int) -> list[Curve]:
        """Those that reported at an epoch."""
        if epoch not in self._reached:
            self._reached[epoch] = [curve for curve in self.curves if epoch in curve.values]
        return self._reached[epoch]

    def count(self, belongs: Belongs) -> int:
        """How many belong."""
        if belongs not in self._counts:
            self._counts[belongs] = sum(map(belongs, self.curves))
        return self._counts[belongs]


class Crowd(Sequence[Curve]):
    """Settled curves but for some, and some more.

    Args:
        settled: Those that change no more.
        more: Others.
        less: Which of the settled ones do not count.
    """

    def __init__(self, settled: Settled, more: Sequence[Curve] = (), less: Sequence[Curve] = ()) -> None:
        self._settled, self._more, self._less = settled, more, less

    def __len__(self) -> int:
        return len(self._settled.curves) + len(self._more) - len(self._less)

    def __iter__(self) -> Iterator[Curve]:
        left_out = {curve.number for curve in self._less}
        yield from (curve for curve in self._settled.curves if curve.number not in left_out)
        yield from self._more

    @overload
    def __getitem__(self, place: int) -> Curve: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Curve]: ...
    def __getitem__(self, place: int | slice) -> Curve | Sequence[Curve]:
        return list(self)[place]

    def values(self, epoch: int, belongs: Belongs) -> list[float]:
        """See :func:`values_at`."""
        values = self._settled.values(epoch, belongs)
        for value in _sorted(self._less, epoch, belongs):
            del values[bisect_left(values, value)]
        for value in _sorted(self._more, epoch, belongs):
            insort(values, value)
        return values

    def reached(self, epoch: int) -> list[Curve]:
        """See :func:`reached`."""
        left_out = {curve.number for curve in self._less}
        settled = [curve for curve in self._settled.reached(epoch) if curve.number not in left_out]
        return settled + [curve for curve in self._more if epoch in curve.values]

    def count(self, belongs: Belongs) -> int:
        """See :func:`count`."""
        return self._settled.count(belongs) + sum(map(belongs, self._more)) - sum(map(belongs, self._less))


def values_at(others: Sequence[Curve], epoch: int, belongs: Belongs = everyone) -> list[float]:
    """What curves have reported at an epoch, sorted."""
    return others.values(epoch, belongs) if isinstance(others, Crowd) else _sorted(others, epoch, belongs)


def reached(others: Sequence[Curve], epoch: int) -> list[Curve]:
    """The curves that have a value at an epoch, in any order."""
    if isinstance(others, Crowd):
        return others.reached(epoch)
    return [curve for curve in others if epoch in curve.values]


def count(others: Sequence[Curve], belongs: Belongs) -> int:
    """How many curves belong."""
    return others.count(belongs) if isinstance(others, Crowd) else sum(map(belongs, others))


def _sorted(curves: Sequence[Curve], epoch: int, belongs: Belongs) -> list[float]:
    return sorted(curve.values[epoch] for curve in curves if epoch in curve.values and belongs(curve))
