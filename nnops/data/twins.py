"""Twins: rows of a later split that train holds as well, exactly or but for rounding, and not by chance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.util import hash_pandas_object

from nnops.data.kinds import Kind
from nnops.data.values import as_text, column

#: Two numbers are the same but for rounding up to this share of the column's spread.
ROUNDING = 0.01
#: Columns of which the nearest rows are looked up, the most varied ones, and how many are compared in full.
LOOKED_UP, NEAREST = 8, 4
#: Rounding is looked for where so many columns are measured: as many different numbers as a tenth of the rows, or more.
MEASURED, DIFFERENT = 2, 0.1
#: A twin counts where train would hold so many such rows by chance, were the columns independent of each other.
CHANCE = 0.01


@dataclass(frozen=True)
class Twins:
    """Pairs of rows.

    Attributes:
        later: Places in the later split, int64, rising.
        train: The place of each one's twin in train.
        near: How many are the same but for rounding.
    """

    later: np.ndarray
    train: np.ndarray
    near: int


def find_twins(train: pd.DataFrame, later: pd.DataFrame, kinds: list[Kind], markers: tuple[str, ...]) -> Twins:
    """Find twins by all columns of ``kinds``, the target left out.

    Args:
        train: Typed rows: numbers as float64, words as text.
        later: The same of a later split.
        kinds: Columns that a model sees.
        markers: Texts that mean missing.
    """
    rows = len(train)
    numbers = [kind.name for kind in kinds if kind.kind == "numeric"]
    words = [kind.name for kind in kinds if kind.kind != "numeric"]
    values_NF = _scaled(pd.concat([train, later]), numbers, rows)
    codes_NK = _codes(pd.concat([train, later]), words, markers)
    exact = _same_rows(values_NF, codes_NK, rows)
    rest = np.setdiff1d(np.arange(len(later)), exact[0])
    near = _near_rows(values_NF, codes_NK, rows, rest)
    places = np.concatenate([exact[0], near[0]])
    twins = np.concatenate([exact[1], near[1]])
    rare = _rare(values_NF, codes_NK, rows, places)
    is_near = np.arange(len(places)) >= len(exact[0])
    order = np.argsort(places[rare], kind="stable")
    return Twins(places[rare][order], twins[rare][order], int(is_near[rare].sum()))


def _scaled(frame: pd.DataFrame, names: list[str], rows: int) -> np.ndarray:
    """Numbers in units of each column's spread in train (interquartile range of a normal column), float64 [N, F]."""
    found = np.empty((len(frame), len(names)))
    for place, name in enumerate(names):
        found[:, place] = in_spreads(frame[name].to_numpy(np.float64), rows)
    return found


def in_spreads(values: np.ndarray, rows: int) -> np.ndarray:
    """Numbers in units of the spread of the first ``rows`` of them, those of train."""
    known = values[:rows][~np.isnan(values[:rows])]
    first, third = np.quantile(known, [0.25, 0.75]) if len(known) else (0.0, 0.0)
    spread = (third - first) / 1.349 or (float(known.std()) if len(known) else 0.0) or 1.0
    return values / spread


def _codes(frame: pd.DataFrame, names: list[str], markers: tuple[str, ...]) -> np.ndarray:
    """Words as numbers, -1 where missing, int64 [N, K]."""
    codes = [pd.factorize(as_text(column(frame, name), markers))[0] for name in names]
    return np.stack(codes, axis=1).astype(np.int64) if codes else np.empty((len(frame), 0), np.int64)


def _same_rows(values_NF: np.ndarray, codes_NK: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in the later split whose row is in train, and the first place there."""
    whole = pd.DataFrame(np.where(values_NF == 0, 0.0, values_NF)).assign(
        **{f"code {place}": codes_NK[:, place] for place in range(codes_NK.shape[1])}
    )
    keys = hash_pandas_object(whole, index=False).to_numpy()  # pyright: ignore[reportCallIssue]
    return match_keys(keys, rows)


def match_keys(keys: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in the later split whose key is in train, and the first place there; the first ``rows`` keys are train."""
    known, first = np.unique(keys[:rows], return_index=True)
    place = np.minimum(np.searchsorted(known, keys[rows:]), len(known) - 1)
    later = np.flatnonzero(known[place] == keys[rows:])
    return later, first[place[later]]


def _near_rows(
    values_NF: np.ndarray, codes_NK: np.ndarray, rows: int, rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same for rows whose numbers differ by rounding alone; ``rest`` are the places to look up."""
    none = np.empty(0, np.int64), np.empty(0, np.int64)
    different = np.array([len(np.unique(values)) for values in values_NF[:rows].T], np.int64)
    if (different >= DIFFERENT * rows).sum() < MEASURED or not len(rest):
        return none
    from scipy.spatial import KDTree

    varied = np.argsort(-different, kind="stable")[:LOOKED_UP]
    # Missing values stand together, away from all others.
    looked = np.nan_to_num(values_NF[:, varied], nan=-1e9)
    tree = KDTree(looked[:rows], balanced_tree=False)
    nearest = min(NEAREST, rows)
    _, found = tree.query(looked[rows:][rest], k=nearest, p=np.inf, distance_upper_bound=1.0001 * ROUNDING)
    found = found.reshape(len(rest), nearest)
    at, which = np.nonzero(found < rows)
    later, train = rest[at], found[at, which]
    for codes in codes_NK.T:
        same = codes[train] == codes[rows + later]
        later, train = later[same], train[same]
    for values in values_NF.T:
        gap = np.abs(values[train] - values[rows + later])
        same = (gap <= ROUNDING) | (np.isnan(values[train]) & np.isnan(values[rows + later]))
        later, train = later[same], train[same]
    later, first = np.unique(later, return_index=True)
    return later, train[first]


def _rare(values_NF: np.ndarray, codes_NK: np.ndarray, rows: int, places: np.ndarray) -> np.ndarray:
    """Which of the later rows train would hardly hold by chance, bool."""
    odds = [chance_of_number(values, rows, places) for values in values_NF.T]
    odds += [chance_of_word(codes, rows, places) for codes in codes_NK.T]
    return np.sum(odds, axis=0) + np.log(rows) < np.log(CHANCE)


def chance_of_number(values: np.ndarray, rows: int, places: np.ndarray) -> np.ndarray:
    """Logarithm of the share of train rows that hold the number of later rows but for rounding, float64.

    Args:
        values: The numbers of train, then those of the later split, in units of the spread; NaN where missing.
        rows: How many are of train.
        places: In the later split.
    """
    ordered = np.sort(values[:rows])
    missing = np.isnan(values[:rows]).mean()
    mine = values[rows + places]
    within = np.searchsorted(ordered, mine + ROUNDING, "right") - np.searchsorted(ordered, mine - ROUNDING, "left")
    return np.log(np.where(np.isnan(mine), missing, within / rows).clip(1 / rows))


def chance_of_word(codes: np.ndarray, rows: int, places: np.ndarray) -> np.ndarray:
    """The same for words as codes, -1 where missing."""
    counts = np.bincount(codes[:rows] + 1, minlength=int(codes.max()) + 2)
    return np.log((counts[codes[rows + places] + 1] / rows).clip(1 / rows))
