"""Columns that tell the target: a copy of it, a rising or falling function, or words that each go with one class."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nnops.data.kinds import Kind
from nnops.data.values import as_number, as_text, column
from nnops.params import Data

#: Share of what the most frequent class gets wrong that a telling column may still get wrong (1 - Goodman and
#: Kruskal's lambda, 1954).
ERRORS = 0.005
#: Rank correlation (Spearman 1904) from which on a number follows a target, and the share of its variance that words
#: may leave over.
FOLLOWS, LEFT_OVER = 0.998, 0.001
#: Rows beside the most frequent class without which nothing is said, and rows that each value must have on average.
FEWEST, REPEATS = 10, 5
#: Rows that are looked at, evenly spaced.
LOOKED_AT = 20_000


@dataclass(frozen=True)
class Teller:
    """A column that tells the target, and numbers of some rows that show it."""

    sentence: str
    rows: list[int]


def find_tellers(train: pd.DataFrame, kinds: list[Kind], data: Data, classes: pd.Series | None) -> list[Teller]:
    """Find columns that tell the target of the train rows.

    Args:
        train: Typed rows: numbers as float64, words as text.
        kinds: Columns that a model sees.
        data: Names the target.
        classes: The class of each row as text; None for a regression.
    """
    chosen = np.unique(np.linspace(0, len(train) - 1, min(len(train), LOOKED_AT)).astype(np.int64))
    train = train.iloc[chosen]
    if classes is None:
        answer = as_number(column(train, data.answer))[0]
        reasons = {kind.name: _tells_value(kind, column(train, kind.name), answer) for kind in kinds}
    else:
        words = classes.iloc[chosen]
        reasons = {kind.name: _tells_class(kind, column(train, kind.name), words) for kind in kinds}
    return [
        Teller(
            f"column '{name}' {reason} (row {int(train.index[0]) + 1}: '{_shown(train[name].iloc[0])}' goes with "
            f"'{_shown(train[data.answer].iloc[0])}'); if it is not known before the target is, set data.kinds.{name} "
            "to ignore.",
            [int(label) + 1 for label in train.index[:10]],
        )
        for name, reason in reasons.items()
        if reason
    ]


def _tells_class(kind: Kind, values: pd.Series, classes: pd.Series) -> str | None:
    codes, names = pd.factorize(classes, sort=True)
    counts = np.bincount(codes)
    others = len(codes) - int(counts.max())
    if others < FEWEST:
        return None
    allowed = ERRORS * others
    missing = values.isna().to_numpy()
    if missing.any() and _wrong(missing.astype(np.int64), codes) <= allowed:
        return "is missing in all rows of some classes, and in no other row"
    text = as_text(values)
    if (text.to_numpy() == classes.to_numpy()).mean() >= 1 - allowed / len(codes):
        return "is a copy of the target"
    words, different = pd.factorize(text, use_na_sentinel=False)
    if len(different) * REPEATS <= len(words) and _wrong(words, codes) <= allowed:
        each = "one of its values goes" if len(different) == len(names) else f"of its {len(different)} values goes"
        return f"tells the class alone: each {each} with one class"
    if kind.kind == "numeric" and _wrong_by_bounds(values.to_numpy(np.float64), codes) <= allowed:
        return f"tells the class alone: {len(names) - 1} bounds on it part the classes"
    return None


def _wrong(words: np.ndarray, codes: np.ndarray) -> int:
    """Rows that are not of the most frequent class of their word."""
    table = np.zeros((words.max() + 1, codes.max() + 1), np.int64)
    np.add.at(table, (words, codes), 1)
    return int(len(codes) - table.max(axis=1).sum())


def _wrong_by_bounds(numbers: np.ndarray, codes: np.ndarray) -> int:
    """Rows on the wrong side of the best bounds between the classes, in the order of their medians."""
    known = ~np.isnan(numbers)
    if known.mean() < 0.5 or len(np.unique(codes[known])) < codes.max() + 1:
        return len(codes)
    numbers, codes = numbers[known], codes[known]
    ranked = np.argsort(np.argsort([np.median(numbers[codes == code]) for code in range(codes.max() + 1)]))
    order = np.argsort(numbers, kind="stable")
    sorted_numbers, sorted_ranks = numbers[order], ranked[codes[order]]
    said = np.zeros(len(order), np.int64)
    ends = np.flatnonzero(np.diff(sorted_numbers) > 0)
    if not len(ends):
        return len(codes)
    for rank in range(1, int(sorted_ranks.max()) + 1):
        above = sorted_ranks >= rank
        # Wrong, if the bound lies after each row: those above it before the bound, those below it after.
        wrong = np.cumsum(above) + (~above).sum() - np.cumsum(~above)
        said += np.arange(len(order)) > ends[wrong[ends].argmin()]
    return int((said != sorted_ranks).sum())


def _tells_value(kind: Kind, values: pd.Series, answer: np.ndarray) -> str | None:
    if kind.kind == "numeric":
        numbers = values.to_numpy(np.float64)
        known = ~np.isnan(numbers)
        if known.mean() >= 0.5 and len(np.unique(numbers[known])) >= FEWEST:
            if np.array_equal(numbers[known], answer[known]):
                return "is a copy of the target"
            follows = _rank_correlation(numbers[known], answer[known])
            if abs(follows) >= FOLLOWS:
                way = "rises" if follows > 0 else "falls"
                return f"tells the target alone: it {way} as the target rises (rank correlation {follows:.4f})"
    words, different = pd.factorize(as_text(values), use_na_sentinel=False)
    if len(different) * REPEATS > len(words) or len(different) < 2:
        return None
    counts = np.bincount(words)
    means = np.bincount(words, answer) / counts
    left = float(((answer - means[words]) ** 2).sum())
    whole = float(((answer - answer.mean()) ** 2).sum())
    return "tells the target alone: each of its values goes with one" if left <= LEFT_OVER * whole else None


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    ranks = [pd.Series(values).rank().to_numpy() for values in (one, other)]
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 30 else f"{text[:27]}..."
