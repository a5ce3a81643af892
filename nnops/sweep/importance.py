"""Importance: how much each key decided which trials were among the best.

PED-ANOVA (Watanabe, Bansal and Hutter 2023, IJCAI, equation 16) with gamma = 1: the Pearson divergence between the
density of a key's values among the best trials, p_top, and among all of them, p_all.
"""

import math
from typing import TYPE_CHECKING, Any

from nnops.sweep.dimension import Dimension
from nnops.sweep.study import Study, TrialRecord

if TYPE_CHECKING:
    import numpy as np

#: Trials that must have ended before an importance means anything.
LEAST = 10
#: The share of trials that counts as best, and the least number of them.
TOP = 0.15
TOP_LEAST = 5
#: Points at which densities are compared.
GRID = 64


def importance(study: Study, records: list[TrialRecord]) -> dict[str, float]:
    """Importance by key, summing to 1, largest first; empty where too few trials have ended.

    Trials are ranked, so that those stopped early count as well: see :func:`rank`. A key that only some trials have
    counts by their share.
    """
    ended = sorted((r for r in records if r.state in ("complete", "pruned", "infeasible")), key=rank(study))
    weights: dict[str, float] = {}
    for key, dimension in study.space.by_key.items():
        places = [position(dimension, record.now[key]) for record in ended if key in record.now]
        values = [place for place in places if place is not None]
        if len(values) < LEAST:
            continue
        top = max(TOP_LEAST, math.ceil(TOP * len(values)))
        weights[key] = divergence(values[:top], values, dimension) * len(values) / len(ended)
    whole = sum(weights.values())
    if whole <= 0:
        return {}
    weights = {key: weights.get(key, 0.0) / whole for key in study.space.by_key}
    return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0])))


def divergence(top: list[float], every: list[float], dimension: Dimension) -> float:
    """The Pearson divergence of p_top from p_all: the mean over p_all of (p_top / p_all - 1) ** 2."""
    count = len(dimension.choices) if dimension.kind == "choice" else GRID
    p_top, p_all = _density(top, count, dimension), _density(every, count, dimension)
    return float((p_all * (p_top / p_all - 1) ** 2).sum())


def position(dimension: Dimension, value: Any) -> float | None:
    """Where a value stands on its axis, in [0, 1]; a logarithmic one where values are drawn so.

    A number outside the range, such as one of a config that was given, stands at the edge; a choice that the
    dimension does not have stands nowhere.
    """
    if dimension.kind == "choice":
        if not dimension.holds(value):
            return None
        code = dimension.encode(value)
        place = next(place for place, choice in enumerate(dimension.choices) if dimension.encode(choice) == code)
        return place / max(len(dimension.choices) - 1, 1)
    if dimension.low == dimension.high:
        return 0.5
    scale = math.log if dimension.log else float
    inside = min(max(value, dimension.low), dimension.high)
    return (scale(inside) - scale(dimension.low)) / (scale(dimension.high) - scale(dimension.low))


def rank(study: Study) -> Any:
    """A sorting key, best first: complete trials by value, pruned ones by epochs and then value, then the others."""
    order = {"complete": 0, "pruned": 1, "infeasible": 2, "failed": 3, "running": 4}
    loss = study.objective.loss

    def key(record: TrialRecord) -> tuple[float, ...]:
        epochs = -record.epochs if record.state != "complete" else 0
        return (order[record.state], epochs, math.inf if record.value is None else loss(record.value), record.number)

    return key


def _density(positions: list[float], count: int, dimension: Dimension) -> "np.ndarray":
    """Probabilities of ``count`` cells of [0, 1]: smoothed counts of choices, else Gaussian kernels (Scott's rule)."""
    import numpy as np

    points_N = np.array(positions)
    if dimension.kind == "choice":
        cells_N = np.rint(points_N * max(count - 1, 1)).astype(np.int64)
        mass_C = np.bincount(cells_N, minlength=count) + 1.0 / count
        return mass_C / mass_C.sum()
    width = max(float(points_N.std()) * len(positions) ** -0.2, 1.0 / GRID)
    grid_C = (np.arange(count) + 0.5) / count
    mass_C = np.exp(-0.5 * ((grid_C[:, None] - points_N) / width) ** 2).sum(1)
    # A little of the prior everywhere: p_all must not vanish.
    mass_C = mass_C / mass_C.sum() + 1e-3 / count
    return mass_C / mass_C.sum()
