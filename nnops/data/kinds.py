"""What kind each column of a table is: what the user says, else what its values look like."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import quote
from typing import Literal

import pandas as pd

from nnops.catalog import unknown
from nnops.data.dates import find_format
from nnops.data.values import as_number, as_text, column, place
from nnops.errors import DataError, ParamsError
from nnops.params import Data

KindName = Literal["numeric", "categorical", "date", "text", "ignore"]
#: A column of numbers may hold some text by mistake, up to this share; with more of it the column is words.
MOST_MISTAKES = 0.2
#: Below it, text among numbers is a mistake even where there are few different values.
RARE = 0.05
#: Words that repeat less than this are names or free text, of no use as categories.
FEWEST_REPEATS = 2.0
#: Words on average from which on a column of texts that differ is free text.
FEWEST_WORDS = 3.0


class ColumnError(DataError):
    """A column's values are wrong.

    Args:
        name: The column.
        problem: What is wrong.
        remedy: What to do where there is a params.yaml.
    """

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}.")
        self.name, self.problem = name, problem


@contextmanager
def before_params() -> Iterator[None]:
    """Say what to do about a column where a project is only being made, and has no params.yaml yet.

    Raises:
        DataError: In the place of a ColumnError.
    """
    try:
        yield
    except ColumnError as error:
        raise DataError(f"{error.problem}; correct it, or leave it out with --drop {quote(error.name)}.") from error


@dataclass(frozen=True)
class Kind:
    """A column's kind and why, in words for the report and for params.yaml."""

    name: str
    kind: KindName
    reason: str


def judge_kinds(frame: pd.DataFrame, data: Data, where: str) -> list[Kind]:
    """The kind of every column but the target.

    Raises:
        ParamsError: ``data.kinds`` or ``data.split.column`` names no column, or a text is to stand beside others.
        DataError: A column without values, a column of numbers with some text, nothing to learn from.
    """
    names = [str(name) for name in frame.columns]
    for name in data.kinds:
        if name not in names:
            raise ParamsError(f"params.yaml: data.kinds: {where}: {unknown('column', name, names)}")
    if data.answer in data.kinds:
        raise ParamsError(f"params.yaml: data.kinds: '{data.answer}' is the target; say data.task instead of its kind.")
    role = data.split.column if data.split.by in ("grouped", "given") else None
    lenient = data.cleaning.wrong_types == "missing"
    kinds: list[Kind] = []
    for name in names:
        if name == data.answer:
            continue
        if data.edges is not None and name == data.edges.id:
            kinds.append(Kind(name, "ignore", "names the nodes"))
        elif name in data.kinds:
            kinds.append(Kind(name, data.kinds[name], "as params.yaml says"))
        elif name == role:
            kinds.append(Kind(name, "ignore", f"says the split ({data.split.by})"))
        else:
            kinds.append(infer_kind(column(frame, name), data.cleaning.missing_markers, where, lenient=lenient))
    kinds = _alone(kinds, data, frame)
    if all(kind.kind == "ignore" for kind in kinds):
        raise DataError(
            f"{where}: must have a column to learn from beside the target '{data.answer}', but " + _why(kinds)
        )
    return kinds


def _alone(kinds: list[Kind], data: Data, frame: pd.DataFrame) -> list[Kind]:
    """The kinds where a text is learned from: alone, so that all others are ignored.

    A text is said by params.yaml; or it is the only column of free text and no other column is of use.
    """
    said = [name for name, kind in data.kinds.items() if kind == "text"]
    others = [name for name, kind in data.kinds.items() if kind not in ("text", "ignore")]
    if said and (others or len(said) > 1):
        raise ParamsError(
            f"params.yaml: data.kinds: the text '{said[0]}' is learned from alone, but '{[*said[1:], *others][0]}' "
            "stands beside it; set that one to ignore."
        )
    if said:
        reason = "beside a text, which is learned from alone"
        return [kind if kind.kind in ("text", "ignore") else Kind(kind.name, "ignore", reason) for kind in kinds]
    open_ones = [kind for kind in kinds if kind.name not in data.kinds]
    free = {kind.name: words for kind in open_ones if (words := _free_words(kind, frame, data))}
    if len(free) != 1 or any(kind.kind != "ignore" and kind.name not in free for kind in kinds):
        return kinds
    reason = f"free text, {next(iter(free.values())):.3g} words on average"
    return [Kind(kind.name, "text", reason) if kind.name in free else kind for kind in kinds]


def _free_words(kind: Kind, frame: pd.DataFrame, data: Data) -> float:
    """Words on average where a column is free text, else 0."""
    values = column(frame, kind.name)
    if kind.kind not in ("ignore", "categorical") or pd.api.types.is_numeric_dtype(values):
        return 0.0
    known = as_text(values, data.cleaning.missing_markers).dropna()
    if known.empty or len(known) / known.nunique() >= FEWEST_REPEATS:
        return 0.0
    words = float(known.str.split().str.len().mean())
    return words if words >= FEWEST_WORDS else 0.0


def infer_kind(values: pd.Series, markers: tuple[str, ...], where: str, *, lenient: bool = False) -> Kind:
    """The kind of one column by its values; ``lenient`` takes some text among numbers for missing values.

    Raises:
        DataError: No values at all; or numbers with some text among them, naming the first.
    """
    name = str(values.name)
    typed = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    text = values if typed else as_text(values, markers)
    known = text.dropna()
    if known.empty:
        raise ColumnError(
            name,
            f"{where}: column '{name}' must hold values, but all {len(values)} are missing",
            f"remove it, or set data.kinds.{name} to ignore",
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
        if lenient:
            return Kind(name, "numeric", f"numbers, and {int(words.sum())} texts that count as missing")
        position = int(words.argmax())
        word = _short(text.iloc[position])
        raise ColumnError(
            name,
            f"{where}: {place(values, position)}: column '{name}' holds numbers, but here '{word}'",
            "correct it, add it to data.cleaning.missing_markers, set data.cleaning.wrong_types to missing, or "
            f"data.kinds.{name} to categorical",
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
