"""A linear model: logistic regression for classes, ridge regression for values (scikit-learn)."""

import warnings
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from nnops.batch import Spec, Task
from nnops.errors import DataError
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows, block, describe, flatten, logits, one_thread, width
from nnops.evaluation.baselines.ridge import fit_windows
from nnops.evaluation.baselines.words import Words


class Linear(Baseline):
    """Numbers standardised, categories one-hot (a column's rare codes together), L2 penalty of strength 1.

    A forecast is that of :func:`nnops.evaluation.baselines.ridge.fit_windows`. Of a text it sees the words and pairs of
    neighbours, see :mod:`nnops.evaluation.baselines.words`.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "forecasting", "multiclass", "regression")

    iterations: int = Field(100, ge=1)
    one_hot_max: int = Field(50, ge=2, description="Codes of a column that get a feature of their own")
    pixels: int = Field(1024, ge=1, description="Larger images are averaged in blocks")
    cells: int = Field(20_000_000, ge=1, description="Most values in the design matrix")
    words: int = Field(50_000, ge=1, description="Most words and pairs of a text that get a feature of their own")
    text_strength: float = Field(10.0, gt=0, description="Inverse of the penalty where rows are texts")
    text_work: int = Field(200_000_000, ge=1, description="Most rows of texts times tokens times classes")
    work: int = Field(50_000_000, ge=1, description="Most values in the design matrix times classes")

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "linear"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del val
        if spec.task == "forecasting":
            return fit_windows(train, spec)
        if "text" in spec.inputs:
            return self._fit_text(train, spec, seed)
        columns = width(spec, self.pixels) + sum(min(size, self.one_hot_max) for size in spec.cardinalities)
        sample = train.sample(max(1, min(self.cells, self.work // spec.outputs) // max(1, columns)), seed)
        notes = [describe(len(sample), len(train), block(spec, self.pixels))]
        model = self._build(spec)
        matrix = np.concatenate(flatten(sample.inputs, spec, self.pixels), 1)
        with one_thread(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                model.fit(matrix, sample.target_N)
            except ValueError as error:
                raise DataError(f"the baseline linear cannot be fitted on {len(sample)} rows: {error}") from error
        if any("converge" in str(warning.message) for warning in caught):
            notes.append(f"stopped after {self.iterations} iterations")

        def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            matrix = np.concatenate(flatten(inputs, spec, self.pixels), 1)
            with one_thread():
                if spec.task == "regression":
                    return model.predict(matrix)[:, None]
                return logits(model.predict_proba(matrix), model[-1].classes_, spec)

        return Fitted(predict, ", ".join(note for note in notes if note))

    def _fit_text(self, train: Rows, spec: Spec, seed: int) -> Fitted:
        """On the words of texts, see :class:`Words`."""
        from sklearn.linear_model import LogisticRegression, Ridge

        sample = train.sample(max(1, self.text_work // (spec.shapes[0][0] * spec.outputs)), seed)
        words = Words.fit(sample.inputs[0], spec.vocabulary, self.words)
        model: Any = (
            Ridge(alpha=1.0)
            if spec.task == "regression"
            else LogisticRegression(C=self.text_strength, max_iter=self.iterations)
        )
        notes = [describe(len(sample), len(train), 1)]
        with one_thread(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(words.matrix(sample.inputs[0]), sample.target_N)
        if any("converge" in str(warning.message) for warning in caught):
            notes.append(f"stopped after {self.iterations} iterations")

        def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            matrix = words.matrix(inputs[0])
            with one_thread():
                if spec.task == "regression":
                    return model.predict(matrix)[:, None]
                return logits(model.predict_proba(matrix), model.classes_, spec)

        return Fitted(predict, ", ".join(note for note in notes if note))

    def _build(self, spec: Spec) -> Any:
        from sklearn.compose import make_column_transformer
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        one_hot = OneHotEncoder(
            max_categories=self.one_hot_max, handle_unknown="infrequent_if_exist", sparse_output=False
        )
        codes = len(spec.cardinalities)
        parts: list[Any] = []
        if spec.image or "numeric" in spec.inputs:
            # Pixels share one scale already; one of its own would blow up the noise of those that hardly change.
            parts.append(("passthrough" if spec.image else StandardScaler(), slice(0, -codes or None)))
        if codes:
            parts.append((one_hot, slice(-codes, None)))
        columns = make_column_transformer(*parts)
        if spec.task == "regression":
            return make_pipeline(columns, Ridge(alpha=1.0))
        return make_pipeline(columns, LogisticRegression(C=1.0, max_iter=self.iterations))
