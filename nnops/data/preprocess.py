"""The fitted preprocessing as plain JSON: what turns raw rows into a model's inputs, and its outputs into answers."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from nnops.catalog import nearest
from nnops.data.columns import Categorical, Column, column_from_json, column_to_json
from nnops.data.pixels import Pixels
from nnops.data.target import Target
from nnops.data.values import column
from nnops.errors import DataError


@dataclass(frozen=True)
class Preprocess:
    """Fitted on the train split alone; holds either columns (tables) or pixels (images).

    Attributes:
        target: The task, the classes, the target's scale.
        columns: Fitted columns in the order of the source.
        ignored: Columns of the source that are not used; raw rows may have them or not.
        categories: Whether categorical columns become 0/1 features or codes.
        markers: Texts that mean missing.
        pixels: Shape and scale of images.
    """

    target: Target
    columns: tuple[Column, ...] = ()
    ignored: tuple[str, ...] = ()
    categories: Literal["one_hot", "embedding"] = "one_hot"
    markers: tuple[str, ...] = ("",)
    pixels: Pixels | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain lists, numbers and text."""
        return {
            "target": self.target.to_json(),
            "columns": [column_to_json(fitted) for fitted in self.columns],
            "ignored": list(self.ignored),
            "categories": self.categories,
            "markers": list(self.markers),
            "pixels": self.pixels.to_json() if self.pixels else None,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(
            target=Target.from_json(record["target"]),
            columns=tuple(column_from_json(fitted) for fitted in record["columns"]),
            ignored=tuple(record["ignored"]),
            categories=record["categories"],
            markers=tuple(record["markers"]),
            pixels=Pixels.from_json(record["pixels"]) if record["pixels"] else None,
        )

    @property
    def names(self) -> list[str]:
        """The columns that raw rows must have: of a table, or of pixels that have names."""
        return list(self.pixels.columns) if self.pixels else [fitted.name for fitted in self.columns]

    @property
    def coded(self) -> list[Categorical]:
        """The columns that are given to a model as codes."""
        if self.categories == "one_hot":
            return []
        return [fitted for fitted in self.columns if isinstance(fitted, Categorical)]

    @property
    def features(self) -> list[str]:
        """Names of the numeric features, in the order of the array ``numeric``."""
        numeric = [fitted for fitted in self.columns if fitted not in self.coded]
        return [feature for fitted in sorted(numeric, key=_words_last) for feature in fitted.features]

    def transform(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Raw rows to a model's inputs.

        Args:
            frame: Columns as in the source, in any order, with or without the target and ignored ones.

        Returns:
            ``numeric`` float32 [N, F] and ``categories`` int64 [N, K], or ``image`` float32 [N, C, H, W]; only what
            the Spec names.

        Raises:
            DataError: Missing or extra columns, text where a number is due, no rows.
        """
        self.check(frame)
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        if self.pixels:
            return self.transform_images(self.pixels.from_frame(frame))
        inputs: dict[str, np.ndarray] = {}
        numeric = []
        for fitted in sorted((fitted for fitted in self.columns if fitted not in self.coded), key=_words_last):
            values = fitted.apply(column(frame, fitted.name), self.markers)
            numeric.append(fitted.one_hot(values) if isinstance(fitted, Categorical) else values)
        if numeric:
            inputs["numeric"] = np.concatenate(numeric, axis=1)
        if self.coded:
            codes = [fitted.apply(column(frame, fitted.name), self.markers) for fitted in self.coded]
            inputs["categories"] = np.stack(codes, axis=1)
        return inputs

    def transform_images(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Raw pixels, uint8 [N, C, H, W] or flat [N, C*H*W], to a model's input ``image`` float32 [N, C, H, W].

        Raises:
            DataError: Another shape, values that are no pixels, or a model of tables.
        """
        if self.pixels is None:
            raise DataError(f"rows with the columns {', '.join(self.names[:6])} are wanted, got images.")
        return {"image": self.pixels.scale(pixels)}

    def decode(self, output: np.ndarray) -> dict[str, np.ndarray]:
        """A model's raw output as answers, see :meth:`Target.decode`."""
        return self.target.decode(output)

    def check(self, frame: pd.DataFrame) -> None:
        """Check that rows have the right columns.

        Raises:
            DataError: Columns are missing or extra, the nearest one named; or there are no rows.
        """
        given = [str(name) for name in frame.columns]
        if len(set(given)) < len(given):
            twice = next(name for name in given if given.count(name) > 1)
            raise DataError(f"rows to predict must have each column once, got '{twice}' twice.")
        allowed = {*self.names, *self.ignored, self.target.name}
        extra = [name for name in given if name not in allowed]
        missing = [name for name in self.names if name not in set(given)]
        if missing:
            guess = nearest(missing[0], extra)
            hint = f"is it '{guess}'? Rename it" if guess else "add it (an empty cell means unknown)"
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise DataError(f"rows to predict must have the column '{missing[0]}'{more}; {hint}.")
        if extra:
            raise DataError(f"rows to predict have the extra column '{extra[0]}', unknown to the model; remove it.")
        if frame.empty:
            raise DataError("rows to predict must be at least one, got none.")


def _words_last(fitted: Column) -> bool:
    return isinstance(fitted, Categorical)
