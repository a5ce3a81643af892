"""The columns of a table in a model's inputs: which numbers are whose, and back to raw values.

Legend of shape suffixes: N rows, F numeric features, K categorical codes, M columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pandas import Series

from nnops.data.columns import Categorical, Column, Date, Numeric
from nnops.data.preprocess import Preprocess
from nnops.data.warp import unwarp


@dataclass(frozen=True)
class Feature:
    """A raw column, however many inputs it became.

    Attributes:
        column: As fitted.
        first: Its first place among the numeric features.
        width: How many of them it has; 0 where it is a code.
        code: Its place among the codes, or None.
    """

    column: Column
    first: int
    width: int
    code: int | None

    @property
    def name(self) -> str:
        """The column."""
        return self.column.name

    def numbers(self, inputs: dict[str, np.ndarray]) -> np.ndarray | None:
        """Raw numbers float64 ``[N]``, NaN where missing; None where the column holds none."""
        if not isinstance(self.column, Numeric):
            return None
        return raw_numbers(self.column, inputs["numeric"][:, self.first : self.first + self.width])

    def texts(self, inputs: dict[str, np.ndarray]) -> list[str]:
        """Raw values as people read them."""
        if isinstance(self.column, Categorical):
            words = ("unknown", *self.column.categories)
            return [words[code] for code in self.codes(inputs)]
        if isinstance(self.column, Date):
            return self._dates(inputs)
        numbers = self.numbers(inputs)
        assert numbers is not None
        return ["missing" if value != value else f"{value:.6g}" for value in numbers]

    def codes(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Codes of a categorical column, int64 ``[N]``; 0 is a word never seen."""
        if self.code is not None:
            return inputs["categories"][:, self.code]
        hot_NF = inputs["numeric"][:, self.first : self.first + self.width]
        return np.where(hot_NF.any(1), hot_NF.argmax(1) + 1, 0) if self.width else np.zeros(len(hot_NF), np.int64)

    def _dates(self, inputs: dict[str, np.ndarray]) -> list[str]:
        assert isinstance(self.column, Date)
        shown: list[list[str]] = [[] for _ in inputs["numeric"]]
        start = self.first
        for part in self.column.parts:
            numbers = raw_numbers(part, inputs["numeric"][:, start : start + len(part.features)])
            start += len(part.features)
            for row, value in zip(shown, numbers, strict=True):
                row.append(f"{part.name.rpartition('.')[2]} {'missing' if value != value else f'{value:.0f}'}")
        return [", ".join(row) for row in shown]


def raw_numbers(column: Numeric, scaled: np.ndarray) -> np.ndarray:
    """Undo a column's scaling: float32 ``[N, features]`` to float64 ``[N]``, NaN where the indicator says missing."""
    bent = scaled[:, 0].astype(np.float64) * column.spread + column.shift
    numbers = unwarp(bent, column.warp, column.fitted)
    # float32 keeps seven digits; what is behind them was never there, nor what is left over beside 0.
    numbers = np.array([float(f"{value:.6g}") if abs(value) > 1e-5 * column.spread else 0.0 for value in numbers])
    return np.where(scaled[:, 1] > 0.5, np.nan, numbers) if column.indicator else numbers


def find_features(fitted: Preprocess) -> tuple[Feature, ...]:
    """The columns of a table in the order of the source."""
    coded = fitted.coded
    numeric = [column for column in fitted.columns if column not in coded]
    first = 0
    found: dict[str, Feature] = {}
    # Words come after numbers, see Preprocess.transform.
    for column in sorted(numeric, key=lambda column: isinstance(column, Categorical)):
        found[column.name] = Feature(column, first, len(column.features), None)
        first += len(column.features)
    for place, column in enumerate(coded):
        found[column.name] = Feature(column, 0, 0, place)
    return tuple(found[column.name] for column in fitted.columns)


def owners(features: Sequence[Feature], inputs: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Of each input's numbers the column that it belongs to, int64 ``[F]`` and ``[K]``."""
    found: list[np.ndarray] = []
    for name, shape in zip(inputs, shapes, strict=True):
        owner = np.zeros(shape[0], np.int64)
        for place, feature in enumerate(features):
            if name == "numeric":
                owner[feature.first : feature.first + feature.width] = place
            elif feature.code is not None:
                owner[feature.code] = place
        found.append(owner)
    return found


def grid_inputs(feature: Feature, values: Sequence[float] | Sequence[str]) -> np.ndarray:
    """Raw values of a column as its inputs: float32 ``[G, width]``, or int64 codes ``[G]``."""
    column = feature.column
    if isinstance(column, Categorical):
        codes = column.apply(Series(list(values), dtype="str", name=column.name), ())
        return codes if feature.code is not None else column.one_hot(codes)
    assert isinstance(column, Numeric)
    return column.apply_numbers(np.asarray(values, np.float64))
