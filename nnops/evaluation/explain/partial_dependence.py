"""Partial dependence: the mean answer when a column is set to each of its values (Friedman 2001, section 8.2).

One line each row beside the mean ("ICE", Goldstein et al. 2015) shows what the mean hides.

Legend of shape suffixes: N rows, M columns, G values of a column, R rows of the background.
"""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from nnops.data.columns import Categorical, Numeric
from nnops.errors import InputError
from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.feature import Feature, grid_inputs
from nnops.evaluation.explain.subject import Kind, Subject


class PartialDependence(Method):
    """Curves over raw values, in raw units; a date has none."""

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)

    grid: int = Field(default=24, ge=2, description="Values of a number, from its 1st to its 99th percentile")
    rows: int = Field(default=200, ge=1, description="Rows of the background whose answers are averaged")
    words: int = Field(default=12, ge=2, description="Most frequent words of a column that are shown")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; ``further`` holds ``grid`` (text ``[M, G]``) and ``rows`` ``[M, G, R]``."""
        background = [each[: self.rows] for each in subject.background]
        count = len(background[0])
        known = subject.named(subject.background)
        # One answer for all: of several classes the one that is explained most often.
        choice = int(np.bincount(subject.choice_N).argmax())
        places: list[int] = []
        grids: list[list[float] | list[str]] = []
        for place, feature in enumerate(subject.features):
            values = self._grid(feature, known)
            if len(values) > 1:
                places.append(place)
                grids.append(values)
        if not places:
            raise InputError(
                "partial dependence wants a column of numbers or words with two values, but there is none."
            )
        most = max(len(values) for values in grids)
        value_MG = np.full((len(places), most), np.nan)
        row_MGR = np.full((len(places), most, count), np.nan)
        grid_MG = np.full((len(places), most), "", dtype=object)
        for line, (place, values) in enumerate(zip(places, grids, strict=True)):
            asked = _laid(subject, background, place, values)
            row_MGR[line, : len(values)] = subject.ask(asked, np.full(count * len(values), choice)).reshape(-1, count)
            value_MG[line, : len(values)] = row_MGR[line, : len(values)].mean(1)
            grid_MG[line, : len(values)] = [value if isinstance(value, str) else f"{value:.6g}" for value in values]
        unit = subject.answers[choice] if subject.spec.task == "regression" else f"p({subject.answers[choice]})"
        return Explanation(
            "curves",
            unit,
            value_MG,
            tuple(subject.features[place].name for place in places),
            checks={"rows": float(count)},
            further={"grid": grid_MG.astype(str), "rows": row_MGR, "place": np.array(places)},
        )

    def _grid(self, feature: Feature, known: dict[str, np.ndarray]) -> list[float] | list[str]:
        if isinstance(feature.column, Categorical):
            codes, counts = np.unique(feature.codes(known), return_counts=True)
            seen = [(count, code) for code, count in zip(codes, counts, strict=True) if code]
            return [feature.column.categories[code - 1] for _, code in sorted(seen, reverse=True)[: self.words]]
        if not isinstance(feature.column, Numeric):
            return []
        numbers = feature.numbers(known)
        assert numbers is not None
        numbers = numbers[np.isfinite(numbers)]
        whole = np.unique(numbers)
        if len(whole) <= self.grid:
            return [float(value) for value in whole]
        low, high = np.quantile(numbers, [0.01, 0.99])
        values = np.linspace(low, high, self.grid) if high > low else np.linspace(whole[0], whole[-1], self.grid)
        return [float(value) for value in values]


def _laid(
    subject: Subject, background: list[np.ndarray], place: int, values: list[float] | list[str]
) -> list[torch.Tensor]:
    """The background once for each value, the column set to it."""
    count, feature = len(background[0]), subject.features[place]
    laid = np.repeat(grid_inputs(feature, values), count, 0)
    found: list[torch.Tensor] = []
    for name, array in zip(subject.spec.inputs, background, strict=True):
        whole = np.tile(array, (len(values), 1))
        if name == "numeric" and feature.width:
            whole[:, feature.first : feature.first + feature.width] = laid
        elif name == "categories" and feature.code is not None:
            whole[:, feature.code] = laid
        found.append(torch.from_numpy(whole))
    return found
