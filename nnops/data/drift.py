"""Drift between splits: the population stability index of a column, and whether chance alone would make as much.

PSI = sum over bins of (q - p) ln(q / p), p the share of train's rows in a bin and q that of the other split's (Siddiqi
2006, chapter 8). Numbers fall into tenths of train, words into the most frequent ones and the rest; what is missing has
a bin of its own. Both shares are taken with half a row more in each bin, so that an empty one gives no infinity.
"""

import numpy as np
import pandas as pd

#: Bins of numbers, and words that have one of their own.
BINS, WORDS = 10, 20
#: PSI from which on a column is said to drift, as the usual rule has it, where chance is left behind, too.
DRIFTS = 0.1
#: Chance makes more than this in one column of ten thousand.
BEYOND = 0.9999


def measure_drift(train: pd.Series, other: pd.Series) -> tuple[float, bool]:
    """PSI of a column, and whether it drifts: PSI of at least 0.1 that chance would not make.

    Args:
        train: Float64, or text; missing values are NaN.
        other: The same column of another split.

    >>> numbers = pd.Series(np.arange(1000.0))
    >>> measure_drift(numbers, numbers), measure_drift(numbers, numbers + 300)[1]
    ((0.0, False), True)
    """
    if not len(train) or not len(other):
        return 0.0, False
    place = _by_number if pd.api.types.is_numeric_dtype(train) else _by_word
    ours, theirs = place(train, train), place(train, other)
    bins = int(max(ours.max(), theirs.max())) + 1
    p, q = (np.bincount(part, minlength=bins) for part in (ours, theirs))
    p, q = p[(p + q) > 0], q[(p + q) > 0]
    shares_p, shares_q = ((part + 0.5) / (part.sum() + 0.5 * len(p)) for part in (p, q))
    psi = float(((shares_q - shares_p) * np.log(shares_q / shares_p)).sum())
    return psi, psi >= DRIFTS and psi > _by_chance(len(p), len(train), len(other))


def _by_chance(bins: int, rows: int, others: int) -> float:
    """What chance hardly exceeds: PSI n m / (n + m) has a chi-squared distribution where nothing drifts."""
    from scipy.special import chdtri

    return float(chdtri(max(bins - 1, 1), 1 - BEYOND)) * (1 / rows + 1 / others)


def _by_number(train: pd.Series, values: pd.Series) -> np.ndarray:
    known = train.dropna().to_numpy(np.float64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
    numbers = values.to_numpy(np.float64)
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right"))


def _by_word(train: pd.Series, values: pd.Series) -> np.ndarray:
    frequent: dict[str, int] = train.dropna().value_counts().to_dict()
    names = sorted(frequent, key=lambda word: (-frequent[word], str(word)))[:WORDS]
    codes = pd.Index(names, dtype=object).get_indexer(pd.Index(values, dtype=object))
    return np.where(values.isna().to_numpy(), len(names) + 1, np.where(codes < 0, len(names), codes))
