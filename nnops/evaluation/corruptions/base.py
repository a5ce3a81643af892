"""The interface of a corruption, and what it is told of the data.

Severities 1 to 5 after Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions and
perturbations".
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from nnops.batch import TOKENS, Spec, Task
from nnops.catalog import Component
from nnops.data.columns import Categorical, Column, Numeric
from nnops.data.prepared import Prepared
from nnops.data.preprocess import Preprocess
from nnops.files import read_json

#: Arrays of some rows, one per input of the Spec, as a model takes them.
Inputs = tuple[np.ndarray, ...]
SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Cell:
    """Where a column of the table lies among a model's inputs.

    Attributes:
        name: The column.
        input: ``numeric`` or ``categories``.
        places: Its features there.
        missing: What they are where the value is missing.
        number: Whether the first feature is the number itself.
    """

    name: str
    input: str
    places: slice
    missing: np.ndarray
    number: bool


@dataclass(frozen=True)
class Ground:
    """What a corruption is told of the data.

    Attributes:
        spec: The contract between data and model.
        cells: The columns of a table; empty for other data.
        spread_F: The standard deviation of each feature of the input ``numeric`` in train, or of each variable of a
            series; empty for other data.
        mean: Of each channel of an image, in units of white; empty for other data.
        std: Likewise: a model's input is (pixel - mean) / std, pixels going from 0, black, to 1, white.
        sound: Whether images are spectrograms of sounds.
    """

    spec: Spec
    cells: tuple[Cell, ...] = ()
    spread_F: np.ndarray | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    sound: bool = False

    @classmethod
    def of(cls, data: Prepared) -> "Ground":
        """Read it from prepared data."""
        spec, spread = data.spec, None
        if "numeric" in spec.inputs or spec.series:
            spread = np.std(data.arrays("train")[spec.inputs[0] if spec.series else "numeric"], axis=0)
        table = set(spec.inputs) <= {"numeric", "categories"}
        cells = _cells(Preprocess.from_json(read_json(data.folder / "preprocess.json"))) if table else ()
        white = data.white if spec.image else 1.0
        mean, std = (tuple(value / white for value in data.schema.get(key, ())) for key in ("image_mean", "image_std"))
        return cls(spec, cells, spread, mean, std, "sound" in data.schema)

    @property
    def has_numbers(self) -> bool:
        """Whether anything in a row is a number; of a table words alone are none."""
        return not self.cells or any(cell.number for cell in self.cells)


class Corruption(Component):
    """One kind of damage."""

    inputs: ClassVar[tuple[str, ...]]
    """It fits data that have one of these as input."""
    unfit: ClassVar[tuple[Task, ...]] = TOKENS
    """Tasks that it does not fit."""
    of_sound: ClassVar[bool] = True
    """Whether it fits spectrograms of sounds as it fits pictures."""

    @classmethod
    def fits(cls, ground: Ground) -> bool:
        """Whether data can be damaged so."""
        spec = ground.spec
        named = any(name in cls.inputs for name in spec.inputs) and spec.task not in cls.unfit
        return named and (cls.of_sound or not ground.sound)

    @abstractmethod
    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """Damaged copies of some rows.

        Args:
            inputs: One array per input of the Spec; never changed in place.
            severity: 1 to 5.
            ground: What is known of the data.
            generator: Where all draws come from.
        """


def _cells(fitted: Preprocess) -> tuple[Cell, ...]:
    found: list[Cell] = []
    coded = fitted.coded
    for place, column in enumerate(coded):
        found.append(Cell(column.name, "categories", slice(place, place + 1), _missing(column, fitted), False))
    features = fitted.features
    for column in fitted.columns:
        if column not in coded:
            start = features.index(column.features[0])
            places = slice(start, start + len(column.features))
            found.append(Cell(column.name, "numeric", places, _missing(column, fitted), isinstance(column, Numeric)))
    return tuple(found)


def _missing(column: Column, fitted: Preprocess) -> np.ndarray:
    """The features of a value that is missing."""
    values = column.apply(pd.Series([None], name=column.name, dtype=object), fitted.markers)
    if isinstance(column, Categorical) and column not in fitted.coded:
        values = column.one_hot(values)
    return np.atleast_2d(values)[0]
