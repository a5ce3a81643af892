"""Bootstrap intervals: how far a metric would move if other rows had been drawn.

The percentile interval of Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: N rows are drawn
with replacement S times, the metric of each draw is taken, and the interval lies between two quantiles of those. A draw
is a weighting of the rows (how often each one was drawn), so that a metric sorts once, not S times.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nnops.metrics.base import Metric
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted

#: Weights held at a time: what fits into a processor's cache.
HELD = 2**17
#: The share of draws that must have a value for an interval to be told.
DEFINED = 0.9


def resample(
    entries: Sequence[Predictions],
    metrics: Mapping[str, Metric],
    samples: int,
    generator: np.random.Generator,
    block: int = 1,
    more: Callable[[Weighted], dict[str, np.ndarray]] | None = None,
) -> list[dict[str, np.ndarray]]:
    """The metrics of several models under the same draws of the same rows, so that their differences pair up.

    Args:
        entries: Predictions of each model for the same N rows.
        metrics: What is taken of them.
        samples: Number of draws, S.
        generator: Where the draws come from.
        block: Rows in a row that are drawn together, around the end of the split to its start: windows that share steps
            tell the same (circular block bootstrap, Politis and Romano 1992).
        more: What else is taken of the first model, ``[S, ...]`` by name.

    Returns:
        For each model, float64 ``[S]`` for each metric; NaN where a draw leaves it undefined.
    """
    rows = len(entries[0])
    values = [{name: np.empty(samples) for name in metrics} for _ in entries]
    further: list[dict[str, np.ndarray]] = []
    step = max(1, HELD // rows)
    for start in range(0, samples, step):
        size = min(step, samples - start)
        cell = _draw(generator, size, rows, block) + np.arange(size)[:, None] * rows
        weight_SN = np.bincount(cell.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)
        for entry, table in zip(entries, values, strict=True):
            weighted = Weighted(entry, weight_SN)
            for name, metric in metrics.items():
                table[name][start : start + size] = metric.values(weighted)
        if more is not None:
            further.append(more(Weighted(entries[0], weight_SN)))
    if further:
        values[0] |= {name: np.concatenate([part[name] for part in further]) for name in further[0]}
    return values


def _draw(generator: np.random.Generator, samples: int, rows: int, block: int) -> np.ndarray:
    """Places of rows, int64 ``[samples, rows]``."""
    starts = generator.integers(0, rows, (samples, -(-rows // block)))
    if block == 1:
        return starts
    return ((starts[:, :, None] + np.arange(block)) % rows).reshape(samples, -1)[:, :rows]


def interval(value_S: np.ndarray, level: float) -> tuple[float, float] | None:
    """The percentile interval of draws, or None where too many of them have no value.

    >>> interval(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    known_S = value_S[np.isfinite(value_S)]
    if not len(known_S) or len(known_S) < DEFINED * len(value_S):
        return None
    low, high = np.quantile(known_S, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
