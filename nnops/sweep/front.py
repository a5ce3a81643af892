"""Pareto fronts: points none of which is beaten in everything. Every coordinate is a loss: more is worse."""

from collections.abc import Sequence

Point = Sequence[float]


def dominates(a: Point, b: Point) -> bool:
    """Whether ``a`` is nowhere worse than ``b`` and somewhere better.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (1, 2)), dominates((1, 2), (2, 1))
    (True, False, False)
    """
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def front(points: Sequence[Point]) -> list[int]:
    """The places of points that no other dominates; of equal points the first, so one loss gives one place.

    >>> front([(3, 1), (1, 3), (2, 2), (3, 3), (2, 2)])
    [0, 1, 2]
    """
    # In this order a point can only be dominated by one before it.
    order = sorted(range(len(points)), key=lambda place: (tuple(points[place]), place))
    kept: list[int] = []
    for place in order:
        point = points[place]
        if not any(all(x <= y for x, y in zip(points[other], point, strict=True)) for other in kept):
            kept.append(place)
    return sorted(kept)


def central(points: Sequence[Point], members: Sequence[Point] | None = None) -> list[int]:
    """The places of points by their distance to the best of everything, the nearest first.

    Each coordinate is measured in ranges of a front, so that units do not count, and the best of everything is the
    lowest value of each (the compromise solution of Yu 1973 with p = 2).

    Args:
        points: To be ordered.
        members: The front; nothing means the points themselves.

    >>> central([(0, 10), (1, 2), (10, 0)])
    [1, 0, 2]
    """
    columns = list(zip(*(members or points), strict=True))
    lows = [min(column) for column in columns]
    spans = [max(column) - low or 1.0 for column, low in zip(columns, lows, strict=True)]

    def distance(place: int) -> float:
        # Below the front's best is better still: a mean of repeats may lie there.
        return sum(max(0.0, (x - low) / span) ** 2 for x, low, span in zip(points[place], lows, spans, strict=True))

    return sorted(range(len(points)), key=lambda place: (distance(place), tuple(points[place]), place))


def hypervolumes(points: Sequence[Point]) -> list[float]:
    """How much of the box between the best and the worst of all points is dominated after each of them, in [0, 1].

    Args:
        points: In the order in which they were found; at least one, each of at least two losses.
    """
    import numpy as np
    from optuna._hypervolume import compute_hypervolume

    points_NF = np.array(points, dtype=float)
    low_F, high_F = points_NF.min(0), points_NF.max(0)
    span_F = np.where(high_F > low_F, high_F - low_F, 1.0)
    points_NF = (points_NF - low_F) / span_F
    found: list[float] = []
    members: list[int] = []
    for place, point in enumerate(points_NF):
        if any((points_NF[other] <= point).all() for other in members):
            found.append(found[-1])
            continue
        members = [other for other in members if not (point <= points_NF[other]).all()] + [place]
        found.append(float(compute_hypervolume(points_NF[members], np.ones(len(low_F)))))
    return found
