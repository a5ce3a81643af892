"""Ranges: the numbers that training showed, so that a row beyond them is told when it is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

import numpy as np
import pandas as pd

from nnops.data.columns import Numeric, numbers_of
from nnops.data.prepared import Prepared
from nnops.data.preprocess import Preprocess
from nnops.data.values import column
from nnops.files import read_json

#: Rows that are looked at together.
ROWS = 65_536


@dataclass(frozen=True)
class Outside:
    """Numbers of one column that lie beyond those of training.

    Attributes:
        low: The least number of training, in the column's own unit.
        high: The greatest one.
        places: Rows, from 0.
        values: Their numbers.
    """

    low: float
    high: float
    places: tuple[int, ...]
    values: tuple[float, ...]

    def sentence(self, name: str) -> str:
        """What is told of it."""
        shown = ", ".join(f"{value:.6g}" for value in self.values[:3]) + (", ..." if len(self.values) > 3 else "")
        rows = f"row {self.places[0] + 1}" if len(self.places) == 1 else f"{len(self.places)} rows"
        return (
            f"column '{name}' has {shown} in {rows}, beyond what training showed ({self.low:.6g} to {self.high:.6g});"
            " such an answer is a guess."
        )


def train_ranges(data: Prepared) -> dict[str, list[float]]:
    """Least and greatest feature of each number of a table in train, scaled as a model takes it, by column."""
    if set(data.spec.inputs) - {"numeric", "categories"} or "numeric" not in data.spec.inputs:
        return {}
    fitted = Preprocess.from_json(read_json(data.folder / "preprocess.json"))
    numeric = data.arrays("train")["numeric"]
    # Some rows at a time: they lie on disk, row after row.
    parts = [numeric[start : start + ROWS] for start in range(0, len(numeric), ROWS)]
    low_F, high_F = (np.min([part.min(0) for part in parts], 0), np.max([part.max(0) for part in parts], 0))
    places = {one.name: fitted.features.index(one.name) for one in fitted.columns if isinstance(one, Numeric)}
    return {name: [float(low_F[at]), float(high_F[at])] for name, at in places.items()}


def outside(rows: pd.DataFrame, preprocess: Preprocess, ranges: Mapping[str, Sequence[float]]) -> dict[str, Outside]:
    """Numbers beyond the ranges, by column; one that is missing is none, and one that is clipped is as the edge.

    Args:
        rows: Raw rows, with the columns of the source.
        preprocess: The fitted preprocessing.
        ranges: What :func:`train_ranges` gave.
    """
    frame = rows.set_axis([str(name) for name in rows.columns], axis=1)
    found: dict[str, Outside] = {}
    for fitted in preprocess.columns:
        if not isinstance(fitted, Numeric) or fitted.name not in ranges:
            continue
        low, high = ranges[fitted.name]
        number_N = numbers_of(column(frame, fitted.name), preprocess.markers, lenient=fitted.lenient)
        scaled_N = fitted.apply_numbers(number_N)[:, 0]
        beyond_N = (scaled_N < np.float32(low)) | (scaled_N > np.float32(high))
        beyond_N &= np.isfinite(number_N)
        if beyond_N.any():
            places = np.flatnonzero(beyond_N)
            ends = _rounded(fitted.raw(low), fitted), _rounded(fitted.raw(high), fitted)
            found[fitted.name] = Outside(*ends, tuple(places.tolist()), tuple(number_N[places].tolist()))
    return found


def _rounded(number: float, fitted: Numeric) -> float:
    """Without the digits that scaling to 32 bits has made."""
    return round(number, 4 - floor(log10(abs(fitted.spread)))) if fitted.warp == "none" else float(f"{number:.6g}")
