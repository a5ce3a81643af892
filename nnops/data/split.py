"""How rows are dealt out to train, val and test; what is random in it comes from the stream ``split``."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nnops.data.folds import even_folds, grouped_folds, stratified_folds
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.values import as_number, as_text, place
from nnops.errors import DataError
from nnops.params import Split
from nnops.seeding import numpy_stream

Rows = dict[SplitName, np.ndarray]
_GIVEN: Mapping[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


_REMEDIES = dict.fromkeys(("random", "stratified", "time"), "give more rows, or other fractions in data.split") | {
    "grouped": "three groups are the least, and fractions in data.split must not be zero",
    "given": "the split column must name such rows",
}


def split_rows(
    split: Split,
    rows: int,
    *,
    classes: pd.Series | None,
    column: pd.Series | None,
    seed: int,
    separate_test: bool,
    where: str,
) -> Rows:
    """Deal out the rows of a source.

    Args:
        split: Fractions and way; ``auto`` is stratified where there are classes, else random.
        rows: Number of rows.
        classes: Each row's class; None for a regression.
        column: The column that ``split.column`` names, for grouped, time and given.
        seed: The seed of params.yaml; the stream is ``split``.
        separate_test: The test rows come from another source, so none are taken here.
        where: What to call the source in messages.

    Returns:
        Sorted row numbers (int64) of each split: disjoint, together complete.

    Raises:
        DataError: A split without rows, a class of one row, fewer train rows than classes, a split's name that is
            not known.
    """
    random = numpy_stream(seed, "split")
    if split.folds is not None:
        return _folded(split, rows, classes, column, seed, separate_test, where)
    test = 0 if separate_test else round(rows * split.test)
    sizes: dict[SplitName, int] = {"train": 0, "val": round(rows * split.val), "test": test}
    sizes["train"] = rows - sizes["val"] - sizes["test"]
    by = split.by if split.by != "auto" else ("random" if classes is None else "stratified")
    if by == "random":
        dealt = _cut(random.permutation(rows), sizes)
    elif by == "stratified":
        if classes is None:
            raise DataError(
                "params.yaml: data.split.by is stratified, but a row of the target has not just one class; write"
                " random."
            )
        dealt = _stratified(classes, sizes, random, where)
    else:
        if column is None:
            raise DataError(
                f"params.yaml: data.split.by is {by}, but {where} has no columns; write stratified or random."
            )
        if by == "grouped":
            dealt = _grouped(as_text(column).fillna(""), sizes, random)
        elif by == "time":
            dealt = _cut(np.argsort(_times(column, where), kind="stable"), sizes)
        else:
            dealt = _given(column, where)
    ordered: Rows = {name: np.sort(dealt[name]).astype(np.int64) for name in SPLITS}
    _check(ordered, by, rows, separate_test, where)
    return ordered


def _folded(
    split: Split,
    rows: int,
    classes: pd.Series | None,
    column: pd.Series | None,
    seed: int,
    separate_test: bool,
    where: str,
) -> Rows:
    """One fold is test, and val is dealt from the others; with a test source of its own the fold is val."""
    assert split.folds is not None
    by = split.by if split.by != "auto" else ("random" if classes is None else "stratified")
    random = numpy_stream(seed, "folds")
    if by == "grouped" and column is not None:
        fold = grouped_folds(as_text(column).fillna(""), split.folds, random, where)
    elif by == "stratified" and classes is not None:
        fold = stratified_folds(classes, split.folds, random, where)
    elif by == "random":
        fold = even_folds(rows, split.folds, random, where)
    else:
        missing = "column" if by == "grouped" else "class"
        raise DataError(f"params.yaml: data.split.by is {by}, but {where} has no {missing} for it; write random.")
    held, rest = np.flatnonzero(fold == split.fold), np.flatnonzero(fold != split.fold)
    if separate_test:
        return {"train": rest, "val": held, "test": np.empty(0, np.int64)}
    # What is left is dealt as without folds, val having its share of all rows.
    dealt = split_rows(
        split.model_copy(update={"folds": None, "val": split.val * rows / len(rest)}),
        len(rest),
        classes=None if classes is None else classes.iloc[rest],
        column=None if column is None else column.iloc[rest],
        seed=seed,
        separate_test=True,
        where=where,
    )
    return {"train": rest[dealt["train"]], "val": rest[dealt["val"]], "test": held}


def _cut(order: np.ndarray, sizes: Mapping[SplitName, int]) -> Rows:
    train, val = sizes["train"], sizes["train"] + sizes["val"]
    return {"train": order[:train], "val": order[train:val], "test": order[val:]}


def _stratified(classes: pd.Series, sizes: Mapping[SplitName, int], random: np.random.Generator, where: str) -> Rows:
    """Every class in proportion in every split, and at least one row of each class in train."""
    codes, names = pd.factorize(classes, sort=True)
    counts = np.bincount(codes)
    if counts.min() < 2:
        lonely = names[int(counts.argmin())]
        raise DataError(
            f"{where}: a stratified split needs at least two rows of each class, but class '{lonely}' has one; "
            "add rows, remove the class, or set data.split.by to random."
        )
    if sizes["train"] < len(names):
        raise DataError(
            f"{where}: the train split must hold a row of each of the {len(names)} classes, but gets {sizes['train']} "
            f"of {len(codes)} rows; give more rows, or smaller fractions in data.split."
        )
    order = _spread(codes, random, first=True)
    train, rest = order[: sizes["train"]], order[sizes["train"] :]
    # Where train took more than its share of a small class, val and test share what is left of it.
    rest = rest[_spread(codes[rest], random)]
    return {"train": train, "val": rest[: sizes["val"]], "test": rest[sizes["val"] :]}


def _spread(codes: np.ndarray, random: np.random.Generator, *, first: bool = False) -> np.ndarray:
    """An order of all rows in which every stretch holds every class in proportion.

    The k-th of n rows of a class (shuffled) stands at (k + 1/2) / n; with ``first`` its first row stands at 0.
    """
    counts = np.bincount(codes)
    shuffled = random.permutation(len(codes))
    grouped = shuffled[np.argsort(codes[shuffled], kind="stable")]
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    standing = (rank + 0.5) / np.repeat(counts, counts)
    if first:
        standing[rank == 0] = 0.0
    # Rows that stand at the same place go in random order, else one class would always be cut first.
    return grouped[np.lexsort((random.random(len(codes)), standing))]


def _grouped(groups: pd.Series, sizes: Mapping[SplitName, int], random: np.random.Generator) -> Rows:
    """Whole groups, the largest first, each to the split that misses the most rows; no split is left empty."""
    codes, names = pd.factorize(groups, sort=True)
    counts = np.bincount(codes, minlength=len(names))
    order = random.permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    missing = {name: size for name, size in sizes.items() if size > 0}
    empty = dict.fromkeys(missing)
    home = np.empty(len(names), dtype=object)
    for done, group in enumerate(order):
        choices = list(empty) if len(order) - done <= len(empty) else list(missing)
        name = max(choices, key=lambda choice: missing[choice])
        home[group] = name
        missing[name] -= int(counts[group])
        empty.pop(name, None)
    return {name: np.flatnonzero(home[codes] == name) for name in SPLITS}


def _times(column: pd.Series, where: str) -> np.ndarray:
    numbers, words = as_number(column)
    if words.any():
        from nnops.data.dates import parse_dates

        moments = parse_dates(column, None)
        if moments is None:
            raise DataError(
                f"{where}: {place(column, int(words.argmax()))}: column '{column.name}' must hold numbers or dates for "
                f"a split by time, got '{column.iloc[int(words.argmax())]}'."
            )
        numbers = moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64).astype(float)
        numbers[moments.isna().to_numpy()] = np.nan
    if np.isnan(numbers).any():
        raise DataError(
            f"{where}: {place(column, int(np.isnan(numbers).argmax()))}: column '{column.name}' must not be missing in "
            "a split by time; fill it or remove the row."
        )
    return numbers


def _given(column: pd.Series, where: str) -> Rows:
    words = as_text(column).fillna("").str.lower()
    names = words.map(_GIVEN)
    if names.isna().any():
        position = int(names.isna().to_numpy().argmax())
        raise DataError(
            f"{where}: {place(column, position)}: column '{column.name}' must say train, val or test, "
            f"got '{column.iloc[position]}'."
        )
    return {name: np.flatnonzero((names == name).to_numpy()) for name in SPLITS}


def _check(dealt: Rows, by: str, rows: int, separate_test: bool, where: str) -> None:
    for name in SPLITS:
        if name == "test" and separate_test:
            if len(dealt["test"]):
                raise DataError(
                    f"{where}: the split column names {len(dealt['test'])} test rows, but data.test is a source of its "
                    "own; remove one of the two."
                )
        elif len(dealt[name]) == 0:
            raise DataError(
                f"{where}: the {name} split must hold at least one of the {rows} rows (by {by}); {_REMEDIES[by]}."
            )
