"""Two models on the very same rows: how far they are apart, with an interval, and whether that can be chance.

Legend of shape suffixes: N rows, S bootstrap draws.
"""

import csv
import io
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from nnops.errors import InputError
from nnops.evaluation.interval import interval
from nnops.seeding import numpy_stream

#: Draws of the paired bootstrap, the share of them that the interval holds, and how many numbers are held at a time.
SAMPLES, LEVEL, HELD = 2000, 0.95, 1 << 21


@dataclass(frozen=True)
class Paired:
    """One metric of two models on the same rows.

    Attributes:
        metric: ``accuracy``, ``mae`` or ``rmse``.
        rows: N.
        values: Of the first and the second model.
        gap: The second one's minus the first one's.
        low: Of the gap, the lower end of its interval.
        high: The upper end.
        verdict: ``second is better``, ``second is worse``, or ``level`` where the interval holds 0.
        p: Of McNemar's exact test (accuracy): how often so uneven a split of the rows on which one model alone is right
            would be chance; None for others.
        alone: Rows on which the first model alone, and the second one alone, is right (accuracy).
    """

    metric: str
    rows: int
    values: tuple[float, float]
    gap: float
    low: float
    high: float
    verdict: str
    p: float | None = None
    alone: tuple[int, int] | None = None


def pair(first: str, second: str) -> list[Paired]:
    """Compare two models by the predictions that their evaluations wrote.

    Args:
        first: The text of a ``predictions.csv``, see :mod:`nnops.evaluation.artifact`.
        second: Another one's.

    Returns:
        Accuracy (classes, labels, sequences), or MAE and RMSE (regression); nothing for tasks whose file does not hold
        the truth of each row.

    Raises:
        InputError: They are of different rows or tasks.
    """
    one, other = (list(csv.DictReader(io.StringIO(text))) for text in (first, second))
    if not one or not other or "actual" not in one[0] or "actual" not in other[0]:
        return []
    if ("residual" in one[0]) != ("residual" in other[0]):
        raise InputError("one of these models tells classes and the other one quantities; compare models of one task.")
    if [row["actual"] for row in one] != [row["actual"] for row in other]:
        raise InputError("these models were measured on different rows of test, so they cannot be paired.")
    if "residual" in one[0]:
        error_N, other_N = (np.array([float(row["residual"]) for row in rows]) for rows in (one, other))
        return [
            _compare("mae", np.abs(error_N), np.abs(other_N), root=False),
            _compare("rmse", error_N**2, other_N**2, root=True),
        ]
    right_N, other_N = (np.array([row["actual"] == row["predicted"] for row in rows]) for rows in (one, other))
    alone = int((right_N & ~other_N).sum()), int((other_N & ~right_N).sum())
    found = _compare("accuracy", right_N.astype(float), other_N.astype(float), root=False)
    return [replace(found, p=mcnemar(*alone), alone=alone)]


def mcnemar(first: int, second: int) -> float:
    """The two-sided exact p of McNemar's test: a fair coin for each row on which one model alone is right.

    McNemar 1947; for classifiers Dietterich 1998.

    >>> mcnemar(0, 0), round(mcnemar(1, 9), 5)
    (1.0, 0.02148)
    """
    flips, fewer = first + second, min(first, second)
    return min(1.0, 2 * sum(comb(flips, k) for k in range(fewer + 1)) / 2**flips)


def _compare(metric: str, first_N: np.ndarray, second_N: np.ndarray, *, root: bool) -> Paired:
    """The means of one number a row, under the same draws of rows for both."""
    rows, generator = len(first_N), numpy_stream(0, f"paired/{metric}")

    def end(mean: np.ndarray) -> np.ndarray:
        return np.sqrt(mean) if root else mean

    gaps: list[np.ndarray] = []
    step = max(1, HELD // rows)
    for start in range(0, SAMPLES, step):
        drawn = generator.integers(0, rows, (min(step, SAMPLES - start), rows))
        gaps.append(end(second_N[drawn].mean(1)) - end(first_N[drawn].mean(1)))
    bounds = interval(np.concatenate(gaps), LEVEL)
    assert bounds is not None
    values = float(end(first_N.mean())), float(end(second_N.mean()))
    sign = 1 if metric == "accuracy" else -1
    low, high = sorted(sign * end for end in bounds)
    verdict = "second is better" if low > 0 else "second is worse" if high < 0 else "level"
    return Paired(metric, rows, values, values[1] - values[0], *bounds, verdict)
