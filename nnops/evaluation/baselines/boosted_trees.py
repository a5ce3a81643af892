"""Gradient-boosted trees on histograms (scikit-learn), which are hard to beat on tables."""

from typing import Any

import numpy as np
from pydantic import Field

from nnops.batch import Spec, Task
from nnops.errors import DataError
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows, block, describe, flatten, logits, one_thread, width
from nnops.seeding import derive

#: Codes of a column that scikit-learn's histograms can hold.
CODES = 255


class BoostedTrees(Baseline):
    """Stops when val has not improved, as the network may; a multiclass task grows a tree a class in each iteration.

    A column of more than 255 codes keeps the most frequent ones and puts the rest together.
    """

    trees: int = Field(1000, ge=1, description="Most trees, all classes together")
    pixels: int = Field(256, ge=1, description="Larger images are averaged in blocks")
    work: int = Field(20_000_000, ge=1, description="Most rows times features times classes")

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "boosted_trees"

    def absent(self, spec: Spec) -> str:
        """See :class:`Baseline`."""
        return "a tree asks for one word at a time, a text has thousands" if "text" in spec.inputs else ""

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        features = width(spec, self.pixels)
        columns = max(1, features + len(spec.cardinalities))
        sample = train.sample(max(1, self.work // (columns * spec.outputs)), seed)
        kept = [_frequent(column) for column in flatten(sample.inputs, spec, self.pixels)[1].T]

        def matrix(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            feature_NF, code_NK = flatten(inputs, spec, self.pixels)
            columns = [_recode(code_NK[:, k], codes) for k, codes in enumerate(kept)]
            return np.column_stack([feature_NF, *columns])

        model = self._build(spec, seed, features)
        stop = val.sample(len(sample), seed)
        if spec.task != "regression":
            stop = stop.take(np.isin(stop.target_N, sample.target_N))
        with one_thread():
            try:
                model.fit(matrix(sample.inputs), sample.target_N, X_val=matrix(stop.inputs), y_val=stop.target_N)
            except ValueError as error:
                raise DataError(
                    f"the baseline boosted_trees cannot be fitted on {len(sample)} rows: {error}"
                ) from error

        def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            with one_thread():
                if spec.task == "regression":
                    return model.predict(matrix(inputs))[:, None]
                return logits(model.predict_proba(matrix(inputs)), model.classes_, spec)

        return Fitted(predict, describe(len(sample), len(train), block(spec, self.pixels)))

    def _build(self, spec: Spec, seed: int, features: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        options: dict[str, Any] = {
            "categorical_features": [features + k for k in range(len(spec.cardinalities))] or None,
            "early_stopping": True,
            "random_state": derive(seed, "baseline") % 2**32,
        }
        if spec.outputs > 1:
            # Many classes are many trees: smaller ones, faster steps, and coarser bins where features are pixels.
            options |= {"learning_rate": 0.15, "max_leaf_nodes": 15, "max_features": 0.3, "n_iter_no_change": 5}
            options |= {"max_iter": max(5, min(100, self.trees // spec.outputs))}
            options |= {"max_bins": 63} if spec.image else {}
        else:
            options |= {"learning_rate": 0.1, "max_leaf_nodes": 31, "n_iter_no_change": 10}
            options |= {"max_iter": min(200, self.trees)}
        if spec.task == "regression":
            return HistGradientBoostingRegressor(**options)
        return HistGradientBoostingClassifier(**options)


def _frequent(code_N: np.ndarray) -> np.ndarray:
    """The codes that stay, most frequent first."""
    codes, counts = np.unique(code_N, return_counts=True)
    return codes[np.argsort(-counts, kind="stable")][: CODES - 1]


def _recode(code_N: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Codes as their place in ``codes``; all others as the place after the last."""
    order = np.argsort(codes)
    place_N = np.minimum(np.searchsorted(codes[order], code_N), len(codes) - 1)
    return np.where(codes[order][place_N] == code_N, order[place_N], len(codes))
