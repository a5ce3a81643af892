"""One fitted column of a table: how its raw values become numbers or codes. All plain JSON."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from nnops.data.dates import date_parts, parse_dates
from nnops.data.values import as_number, as_text, place
from nnops.data.warp import WarpName, unwarp, warp
from nnops.errors import DataError

#: Beyond it float32 has no numbers; a raw row may hold anything.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Numeric:
    """A number: missing ones filled, clipped, bent, shifted and scaled, in this order.

    Attributes:
        name: The column.
        fill: Stands for a missing value.
        low: Smaller values are set to it; None means no clipping.
        high: Greater values are set to it.
        shift: Taken off.
        spread: Divided by; positive.
        indicator: A second feature says 1 where the value was missing.
        warp: How it is bent, see :mod:`nnops.data.warp`.
        fitted: What that needs to know.
        lenient: Whether text counts as missing.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    fill: float
    low: float | None
    high: float | None
    shift: float
    spread: float
    indicator: bool
    warp: WarpName = "none"
    fitted: tuple[float, ...] = ()
    lenient: bool = False

    @property
    def features(self) -> list[str]:
        """Names of the features that it gives."""
        return [self.name, f"{self.name} missing"] if self.indicator else [self.name]

    def apply(self, values: pd.Series, markers: tuple[str, ...]) -> np.ndarray:
        """Raw values to float32 [N, 1], or [N, 2] with the indicator.

        Raises:
            DataError: Text, with its row.
        """
        return self.apply_numbers(numbers_of(values, markers, lenient=self.lenient))

    def apply_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """As :meth:`apply`, from float64 with NaN where missing."""
        scaled = np.clip((self.bent(numbers) - self.shift) / self.spread, -LARGEST, LARGEST)
        return np.stack([scaled, np.isnan(numbers)] if self.indicator else [scaled], axis=1).astype(np.float32)

    def bent(self, numbers: np.ndarray) -> np.ndarray:
        """Cleaned and bent, not yet scaled; float64 [N]."""
        return warp(self.clean(numbers), self.warp, self.fitted)

    def raw(self, scaled: float) -> float:
        """A feature's value back in the column's own unit."""
        return float(unwarp(np.array([scaled * self.spread + self.shift]), self.warp, self.fitted)[0])

    def clean(self, numbers: np.ndarray) -> np.ndarray:
        """Filled and clipped, not yet scaled; float64 [N]."""
        filled = np.clip(np.where(np.isnan(numbers), self.fill, numbers), -LARGEST, LARGEST)
        return filled if self.low is None else np.clip(filled, self.low, self.high)


@dataclass(frozen=True)
class Categorical:
    """One of several words: code k is the k-th category, code 0 a word that is missing or was never seen.

    Attributes:
        name: The column.
        categories: Words of the train split, sorted; the first one has code 1.
        fill: Stands for a missing value; None leaves it at code 0.
    """

    kind: ClassVar[str] = "categorical"
    name: str
    categories: tuple[str, ...]
    fill: str | None

    @property
    def features(self) -> list[str]:
        """Names of the features that one-hot coding gives; code 0 is all zeros."""
        return [f"{self.name}={category}" for category in self.categories]

    def apply(self, values: pd.Series, markers: tuple[str, ...]) -> np.ndarray:
        """Raw values to int64 codes [N]."""
        text = as_text(values, markers)
        if self.fill is not None:
            text = text.where(text.notna(), self.fill)
        return pd.Index(self.categories, dtype=object).get_indexer(pd.Index(text, dtype=object)).astype(np.int64) + 1

    def one_hot(self, codes: np.ndarray) -> np.ndarray:
        """Codes [N] to float32 [N, categories]."""
        return (codes[:, None] == np.arange(1, len(self.categories) + 1)).astype(np.float32)


@dataclass(frozen=True)
class Date:
    """A date, as the parts that vary in the train split, each a Numeric.

    Attributes:
        name: The column.
        form: ``ISO8601`` or a strptime format.
        parts: Named ``column.year`` and so on.
        lenient: Whether what is no date counts as missing.
    """

    kind: ClassVar[str] = "date"
    name: str
    form: str
    parts: tuple[Numeric, ...]
    lenient: bool = False

    @property
    def features(self) -> list[str]:
        """Names of the features that it gives."""
        return [feature for part in self.parts for feature in part.features]

    def apply(self, values: pd.Series, markers: tuple[str, ...]) -> np.ndarray:
        """Raw values to float32 [N, features].

        Raises:
            DataError: A value that is no date of this column's format, with its row.
        """
        moments = moments_of(values, self.form, markers, lenient=self.lenient)
        parts = date_parts(moments)
        return np.concatenate([part.apply_numbers(parts[part.name.rpartition(".")[2]]) for part in self.parts], axis=1)


Column = Numeric | Categorical | Date


def column_to_json(column: Column) -> dict[str, Any]:
    """As plain values, with the kind."""
    record = asdict(column) | {"kind": column.kind}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in record.items()}


def column_from_json(record: dict[str, Any]) -> Column:
    """The inverse of :func:`column_to_json`."""
    fields = {key: value for key, value in record.items() if key != "kind"}
    if record["kind"] == "numeric":
        return _numeric(fields)
    if record["kind"] == "categorical":
        return Categorical(**{**fields, "categories": tuple(fields["categories"])})
    return Date(**{**fields, "parts": tuple(_numeric(part) for part in fields["parts"])})


def _numeric(fields: dict[str, Any]) -> Numeric:
    return Numeric(**{**fields, "fitted": tuple(fields.get("fitted", ()))})


def numbers_of(values: pd.Series, markers: tuple[str, ...], *, lenient: bool = False) -> np.ndarray:
    """Float64 with NaN where missing or infinite, or where it is ``lenient``, text.

    Raises:
        DataError: Text, with its row.
    """
    numbers, words = as_number(values, markers)
    if words.any() and not lenient:
        position = int(words.argmax())
        raise DataError(
            f"{place(values, position)}: column '{values.name}' must hold numbers, got '{values.iloc[position]}'; "
            f"correct it, add it to data.cleaning.missing_markers, set data.cleaning.wrong_types to missing, or "
            f"data.kinds.{values.name} to categorical."
        )
    return np.where(np.isfinite(numbers), numbers, np.nan)


def moments_of(values: pd.Series, form: str, markers: tuple[str, ...], *, lenient: bool = False) -> pd.Series:
    """Moments, NaT where missing, or where it is ``lenient``, no date of that format.

    Raises:
        DataError: A value that is no date of that format, with its row.
    """
    moments = parse_dates(values, form, markers)
    assert moments is not None
    wrong = (moments.isna() & as_text(values, markers).notna()).to_numpy()
    if wrong.any() and not lenient:
        position = int(wrong.argmax())
        raise DataError(
            f"{place(values, position)}: column '{values.name}' must hold dates written as {form}, "
            f"got '{values.iloc[position]}'."
        )
    return moments
