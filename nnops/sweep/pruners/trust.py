"""Whether a rung tells good trials from bad ones: does the order that it sees foretell the order at the end?

Some trainings show after one epoch who will win. Others do not: a warm-up, a large batch or a high rate begin late, and
until then the order is noise. Who stops trials by noise throws away the best as readily as the worst.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnops.sweep.pruners.base import Curve
from nnops.sweep.pruners.crowd import reached

if TYPE_CHECKING:
    import numpy as np

#: Pairs that a correlation is judged by: at least so many, and of more than so many the latest.
LEAST, MOST = 8, 60


def foresight(others: Sequence[Curve], rung: int, laters: Sequence[int]) -> float | None:
    """How well the order at a rung foretells that at the latest of ``laters`` to which enough trials came.

    Args:
        others: Trials; those that came to both count.
        rung: The epoch of the rung.
        laters: Epochs after it, ascending.

    Returns:
        Spearman's rank correlation in [-1, 1], 0 where all values are equal; None where too few trials went on.
    """
    import numpy as np

    for later in reversed(laters):
        both = [curve for curve in reached(others, later) if rung in curve.values]
        if len(both) >= LEAST:
            both.sort(key=lambda curve: curve.number)
            pairs = np.array([(curve.values[rung], curve.values[later]) for curve in both[-MOST:]])
            return spearman(pairs[:, 0], pairs[:, 1])
    return None


def spearman(a: "np.ndarray", b: "np.ndarray") -> float:
    """The correlation of ranks, ties sharing their mean rank; 0 where one side has a single rank."""
    import numpy as np

    x, y = _ranks(a), _ranks(b)
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread else 0.0


def _ranks(values: "np.ndarray") -> "np.ndarray":
    """Mean ranks, less their mean."""
    import numpy as np

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts + 1) / 2)[place]
    return ranks - ranks.mean()
