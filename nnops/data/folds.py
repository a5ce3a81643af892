"""Folds: every row in one of k parts of the same size, classes in proportion and groups whole where the split is so."""

import numpy as np
import pandas as pd

from nnops.data.values import as_text, column
from nnops.errors import DataError
from nnops.params import Split


def kin_of(train: pd.DataFrame, split: Split, copied: np.ndarray) -> dict[str, np.ndarray]:
    """Which rows of train stay together where it is dealt into folds, ``kin`` int64 ``[N]``; nothing where none do.

    Args:
        train: The rows.
        split: How they were split; those of a group stay together.
        copied: Places of rows that came once more in other words, behind all others.
    """
    kin = np.arange(len(train))
    if split.by == "grouped":
        groups = as_text(column(train, str(split.column))).fillna("")
        kin = pd.factorize(groups, sort=True)[0].astype(np.int64)
    elif not len(copied):
        return {}
    return {"kin": np.concatenate([kin, kin[copied]])}


def even_folds(rows: int, folds: int, random: np.random.Generator, where: str) -> np.ndarray:
    """The fold of each row, int64 [N], drawn at random; sizes differ by one at most.

    Raises:
        DataError: Fewer rows than folds.
    """
    if rows < folds:
        raise DataError(f"{where}: data.split.folds must be at most the number of rows, {rows}, got {folds}.")
    found = np.empty(rows, np.int64)
    found[random.permutation(rows)] = np.arange(rows) % folds
    return found


def stratified_folds(classes: pd.Series, folds: int, random: np.random.Generator, where: str) -> np.ndarray:
    """The same with each class dealt evenly: its rows in two folds differ by one at most.

    Raises:
        DataError: A class has fewer rows than there are folds, or too few to train, choose and test.
    """
    codes, names = pd.factorize(classes, sort=True)
    counts = np.bincount(codes)
    least = max(folds, 3)
    if counts.min() < least:
        rare = int(counts.argmin())
        raise DataError(
            f"{where}: {folds} stratified folds need at least {least} rows of each class, but class '{names[rare]}' "
            f"has {counts[rare]}; write fewer folds, remove the class, or set data.split.by to random."
        )
    shuffled = random.permutation(len(codes))
    # One class after the other is dealt round and round, going on where the class before it ended.
    dealt = shuffled[np.argsort(codes[shuffled], kind="stable")]
    found = np.empty(len(codes), np.int64)
    found[dealt] = np.arange(len(codes)) % folds
    return found


def grouped_folds(groups: pd.Series, folds: int, random: np.random.Generator, where: str) -> np.ndarray:
    """The same with whole groups, the largest first, each to the smallest fold.

    Raises:
        DataError: Fewer groups than folds, or too few to train, choose and test.
    """
    codes, names = pd.factorize(groups, sort=True)
    least = max(folds, 3)
    if len(names) < least:
        raise DataError(
            f"{where}: {folds} grouped folds need at least {least} groups in column '{groups.name}', got {len(names)}; "
            "write fewer folds."
        )
    counts = np.bincount(codes)
    order = random.permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    home, sizes = np.empty(len(names), np.int64), np.zeros(folds, np.int64)
    for group in order:
        home[group] = sizes.argmin()
        sizes[home[group]] += counts[group]
    return home[codes]
