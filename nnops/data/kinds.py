"""What kind each column of a table is: what the user says, else what its values look like."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from nnops.catalog import unknown
from nnops.data.dates import find_format
from nnops.data.values import as_number, as_text, column, place
from nnops.errors import DataError, ParamsError
from nnops.params import Data

KindName = Literal["numeric", "categorical", "date", "ignore"]
#: A column of numbers may hold some text by mistake, up to this share; with more of it the column is words.
MOST_MISTAKES = 0.2
#: Below it, text among numbers is a mistake even where there are few different values.
RARE = 0.05
#: Words that repeat less than this are names or free text, of no use as categories.
FEWEST_REPEATS = 2.0


@dataclass(frozen=True)
class Kind:
    """A column's kind and why, in words for the report and for params.yaml."""

    name: str
    kind: KindName
    reason: str


def judge_kinds(frame: pd.DataFrame, data: Data, where: str) -> list[Kind]:
    """The kind of every column but the target.

    Raises:
        ParamsError: ``data.kinds`` or ``data.split.column`` names no column.
        DataError: A column without values, a column of numbers with some text, nothing to learn from.
    """
    names = [str(name) for name in frame.columns]
    for name in data.kinds:
        if name not in names:
            raise ParamsError(f"params.yaml: data.kinds: {where}: {unknown('column', name, names)}")
    if data.target in data.kinds:
        raise ParamsError(f"params.yaml: data.kinds: '{data.target}' is the target; say data.task instead of its kind.")
    role = data.split.column if data.split.by in ("grouped", "given") else None
    kinds: list[Kind] = []
    for name in names:
        if name == data.target:
            continue
        if name in data.kinds:
            kinds.append(Kind(name, data.kinds[name], "as params.yaml says"))
        elif name == role:
            kinds.append(Kind(name, "ignore", f"says the split ({data.split.by})"))
        else:
            kinds.append(infer_kind(column(frame, name), data.cleaning.missing_markers, where))
    if all(kind.kind == "ignore" for kind in kinds):
        raise DataError(
            f"{where}: must have a column to learn from beside the target '{data.target}', but " + _why(kinds)
        )
    return kinds


def infer_kind(values: pd.Series, markers: tuple[str, ...], where: str) -> Kind:
    """The kind of one column by its values.

    Raises:
        DataError: No values at all; or numbers with some text among them, naming the first.
    """
    name = str(values.name)
    typed = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    text = values if typed else as_text(values, markers)
    known = text.dropna()
    if known.empty:
        raise DataError(
            f"{where}: column '{name}' must hold values, but all {len(values)} are missing; remove it, or set "
            f"data.kinds.{name} to ignore."
        )
    different = int(known.nunique())
    if different == 1:
        return Kind(name, "ignore", f"always '{_short(str(known.iloc[0]))}'")
    if pd.api.types.is_bool_dtype(values):
        return Kind(name, "categorical", f"{different} different values")
    if pd.api.types.is_datetime64_any_dtype(values):
        return Kind(name, "date", f"{different} different dates")
    _, words = as_number(text)
    share = words.sum() / len(known)
    if share == 0:
        if _counts_rows(values):
            return Kind(name, "ignore", "counts the rows")
        return Kind(name, "numeric", f"{different} different numbers")
    repeats = len(known) / different
    if share < RARE or (share <= MOST_MISTAKES and repeats < 10):
        position = int(words.argmax())
        word = _short(text.iloc[position])
        raise DataError(
            f"{where}: {place(values, position)}: column '{name}' holds numbers, but here '{word}'; "
            f"correct it, add it to data.cleaning.missing_markers, or set data.kinds.{name} to categorical."
        )
    if find_format(text) is not None:
        return Kind(name, "date", f"{different} different dates")
    if different == len(known) and different > 2:
        return Kind(name, "ignore", "different in every row")
    if repeats < FEWEST_REPEATS and different > 50:
        return Kind(name, "ignore", f"{different} different texts in {len(known)} rows")
    return Kind(name, "categorical", f"{different} different words")


def _counts_rows(values: pd.Series) -> bool:
    """Whether the values are the row numbers, from 0 or from 1."""
    numbers, _ = as_number(values)
    return len(numbers) > 2 and numbers[0] in (0.0, 1.0) and bool((numbers[1:] - numbers[:-1] == 1.0).all())


def _why(kinds: list[Kind]) -> str:
    if not kinds:
        return "there is no other column."
    reasons = [f"'{kind.name}' is ignored ({kind.reason})" for kind in kinds[:3]]
    return "; ".join(reasons) + (f"; and {len(kinds) - 3} more." if len(kinds) > 3 else ".")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
