"""The fitted preprocessing as plain JSON: what turns raw rows into a model's inputs, and its outputs into answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from nnops.catalog import nearest
from nnops.data.columns import Categorical, Column, Numeric, column_from_json, column_to_json
from nnops.data.nodes import Nodes
from nnops.data.pixels import Pixels
from nnops.data.steps import Steps
from nnops.data.target import Target
from nnops.data.tokenizer import Tokenizer
from nnops.data.values import as_text, column
from nnops.errors import DataError


@dataclass(frozen=True)
class Preprocess:
    """Fitted on the train split alone; holds either columns (tables, series), pixels (images) or a text.

    Attributes:
        target: The task, the classes, the target's scale.
        columns: Fitted columns in the order of the source.
        ignored: Columns of the source that are not used; raw rows may have them or not.
        categories: Whether categorical columns become 0/1 features or codes.
        markers: Texts that mean missing.
        pixels: Shape and scale of images.
        steps: How the rows of a series become windows.
        text: The tokenizer of the one column that is a text.
        answer: The tokenizer of the target, where that is a text, too.
        nodes: The nodes of the graph, where rows are linked.
    """

    target: Target
    columns: tuple[Column, ...] = ()
    ignored: tuple[str, ...] = ()
    categories: Literal["one_hot", "embedding"] = "one_hot"
    markers: tuple[str, ...] = ("",)
    pixels: Pixels | None = None
    steps: Steps | None = None
    text: Tokenizer | None = None
    answer: Tokenizer | None = None
    nodes: Nodes | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain lists, numbers and text."""
        return {
            "target": self.target.to_json(),
            "columns": [column_to_json(fitted) for fitted in self.columns],
            "ignored": list(self.ignored),
            "categories": self.categories,
            "markers": list(self.markers),
            "pixels": self.pixels.to_json() if self.pixels else None,
            "steps": self.steps.to_json() if self.steps else None,
            "text": self.text.to_json() if self.text else None,
            **({"answer": self.answer.to_json()} if self.answer else {}),
            **({"nodes": self.nodes.to_json()} if self.nodes else {}),
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
            steps=Steps.from_json(record["steps"]) if record.get("steps") else None,
            text=Tokenizer.from_json(record["text"]) if record.get("text") else None,
            answer=Tokenizer.from_json(record["answer"]) if record.get("answer") else None,
            nodes=Nodes.from_json(record["nodes"]) if record.get("nodes") else None,
        )

    @property
    def names(self) -> list[str]:
        """The columns that raw rows must have: of a table, or of pixels that have names."""
        if self.text:
            return [self.text.name]
        if self.pixels:
            return list(self.pixels.columns)
        first = self.steps.names if self.steps else [self.nodes.name] if self.nodes else ()
        return [*first, *(fitted.name for fitted in self.columns)]

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
            ``numeric`` float32 [N, F], ``categories`` int64 [N, K] and ``node`` int64 [N], ``image`` float32
            [N, C, H, W] or ``text`` int64 [N, T]; only what the Spec names.

        Raises:
            DataError: Missing or extra columns, text where a number is due, a text without a known word, a node that
                the graph does not have, no rows.
        """
        self.check(frame)
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        if self.pixels:
            return self.transform_images(self.pixels.from_frame(frame))
        if self.text:
            return {"text": self.text.answerable(column(frame, self.text.name))}
        inputs = self.join(lambda fitted: fitted.apply(column(frame, fitted.name), self.markers))
        return inputs | ({"node": self.nodes.numbers(frame)} if self.nodes else {})

    def join(self, applied: Callable[[Column], np.ndarray]) -> dict[str, np.ndarray]:
        """A table's inputs of what each fitted column made of its values (see :mod:`nnops.data.columns`)."""
        inputs: dict[str, np.ndarray] = {}
        numeric: list[np.ndarray] = []
        for fitted in sorted((fitted for fitted in self.columns if fitted not in self.coded), key=_words_last):
            values = applied(fitted)
            numeric.append(fitted.one_hot(values) if isinstance(fitted, Categorical) else values)
        if numeric:
            inputs["numeric"] = np.concatenate(numeric, axis=1)
        if self.coded:
            inputs["categories"] = np.stack([applied(fitted) for fitted in self.coded], axis=1)
        return inputs

    def transform_images(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Raw pixels, uint8 [N, C, H, W] or flat [N, C*H*W], to a model's input ``image`` float32 [N, C, H, W].

        Raises:
            DataError: Another shape, values that are no pixels, or a model of tables.
        """
        if self.pixels is None:
            raise DataError(f"rows with the columns {', '.join(self.names[:6])} are wanted, got images.")
        return {"image": self.pixels.scale(pixels)}

    def forecast(self, frame: pd.DataFrame, run: Callable[[dict[str, np.ndarray]], np.ndarray]) -> pd.DataFrame:
        """The steps that follow the rows of each series, in the targets' own units.

        Args:
            frame: At least a window of rows of each series, in the order of time; columns as in the source.
            run: The model, from inputs by name to outputs ``[G, H * V']``.

        Returns:
            One row a step: the series (where there are several), the time, and the targets.

        Raises:
            DataError: Columns, times or values are wrong, or a series is shorter than a window.
        """
        self.check(frame)
        assert self.steps is not None
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        variables = {fitted.name: fitted for fitted in self.columns if isinstance(fitted, Numeric)}
        series_GLV, ends = self.steps.last_windows(frame, variables, self.markers)
        return self.steps.answers(run({"series": series_GLV}), ends, variables)

    def unseen(self, frame: pd.DataFrame) -> dict[str, dict[int, str]]:
        """Words that the train split never showed, which count as unknown: by column, and by row from 0."""
        found: dict[str, dict[int, str]] = {}
        for fitted in self.columns:
            if isinstance(fitted, Categorical):
                words_N = as_text(column(frame, fitted.name), self.markers)
                new_N = (words_N.notna() & ~words_N.isin(fitted.categories)).to_numpy()
                if new_N.any():
                    found[fitted.name] = dict(zip(new_N.nonzero()[0].tolist(), words_N[new_N], strict=True))
        return found

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
