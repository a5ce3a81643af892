"""Predictions under several weightings of their rows at once: a bootstrap draw is one, all ones is the split itself.

Sums avoid BLAS, whose order of addition, and so the last bit, depends on its number of threads.
Legend of shape suffixes: S weightings, N rows, C classes, K cells, G steps of a ranking that hold a row of the class.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnops.metrics.predictions import Predictions, Ranking


@dataclass(frozen=True)
class Weighted:
    """Predictions with weights of their rows.

    Attributes:
        predictions: The outputs and the truth of N rows.
        weight_SN: Weights float64, not negative.
    """

    predictions: Predictions
    weight_SN: np.ndarray

    @classmethod
    def once(cls, predictions: Predictions) -> "Weighted":
        """Every row counted once: S is 1."""
        return cls(predictions, np.ones((1, len(predictions))))

    @cached_property
    def total_S(self) -> np.ndarray:
        """The sum of all weights, float64."""
        return self.weight_SN.sum(1)

    def mean(self, value_N: np.ndarray) -> np.ndarray:
        """The weighted mean of one number a row, float64 ``[S]``."""
        return np.einsum("sn,n->s", self.weight_SN, value_N.astype(np.float64)) / self.total_S

    @cached_property
    def cell_SK(self) -> np.ndarray:
        """Weight in each cell of ``predictions.cells``."""
        cells = self.predictions.cells
        return np.stack([np.bincount(cells.cell_N, weight_N, len(cells.truth_K)) for weight_N in self.weight_SN])

    @cached_property
    def truth_SC(self) -> np.ndarray:
        """Weight of the rows (of a segmentation the pixels) that are of each class, or have each label."""
        if self.predictions.task == "multilabel":
            return self._count(self.predictions.truth_N)
        if self.predictions.task == "segmentation":
            return self._count(self.predictions.pixels_NCC.sum(2))
        return self._gather(self.predictions.cells.truth_K)

    @cached_property
    def label_SC(self) -> np.ndarray:
        """Weight of the rows that are called each class or label."""
        if self.predictions.task == "multilabel":
            return self._count(self.predictions.label_N)
        if self.predictions.task == "segmentation":
            return self._count(self.predictions.pixels_NCC.sum(1))
        return self._gather(self.predictions.cells.label_K)

    @cached_property
    def hit_SC(self) -> np.ndarray:
        """Weight of the rows of each class or label that are called so."""
        if self.predictions.task == "multilabel":
            return self._count(self.predictions.truth_N * self.predictions.label_N)
        if self.predictions.task == "segmentation":
            return self._count(np.diagonal(self.predictions.pixels_NCC, axis1=1, axis2=2))
        cells = self.predictions.cells
        return self._gather(np.where(cells.truth_K == cells.label_K, cells.truth_K, self.predictions.classes))

    @cached_property
    def steps(self) -> tuple["Steps", ...]:
        """For each ranking of the predictions, what lies above each of its steps."""
        return tuple(_climb(ranking, self.weight_SN) for ranking in self.predictions.rankings)

    def _count(self, there_NC: np.ndarray) -> np.ndarray:
        """Weight of the rows that have each label."""
        return np.einsum("sn,nc->sc", self.weight_SN, there_NC.astype(np.float64))

    def _gather(self, code_K: np.ndarray) -> np.ndarray:
        """Cells added up by a code; a code of C is left out."""
        classes = self.predictions.classes
        return np.stack([np.bincount(code_K, weight_K, classes)[:classes] for weight_K in self.cell_SK])


@dataclass(frozen=True)
class Steps:
    """Weights met on the way down a ranking, at the steps that hold a row of the class.

    Attributes:
        gain_SG: Weight of the class's rows in the step.
        positive_SG: Weight of the class's rows down to the end of the step.
        above_SG: Weight of all rows before the step.
        down_SG: Weight of all rows down to the end of the step.
        positives_S: Weight of the class's rows.
        negatives_S: Weight of the other rows.
    """

    gain_SG: np.ndarray
    positive_SG: np.ndarray
    above_SG: np.ndarray
    down_SG: np.ndarray
    positives_S: np.ndarray
    negatives_S: np.ndarray


def _climb(ranking: Ranking, weight_SN: np.ndarray) -> Steps:
    # Rows are added up by where they lie, so that what follows is as long as the steps, not as the rows.
    size = 3 * len(ranking.start_G) + 1
    sum_SX = np.stack([np.bincount(ranking.segment_N, weight_N, size) for weight_N in weight_SN])
    before_SG, gain_SG, other_SG = (np.ascontiguousarray(sum_SX[:, place:-1:3]) for place in range(3))
    inside_SG = gain_SG + other_SG
    down_SG = np.cumsum(before_SG + inside_SG, 1)
    positive_SG = np.cumsum(gain_SG, 1)
    positives_S = positive_SG[:, -1] if positive_SG.shape[1] else np.zeros(len(weight_SN))
    return Steps(
        gain_SG=gain_SG,
        positive_SG=positive_SG,
        above_SG=down_SG - inside_SG,
        down_SG=down_SG,
        positives_S=positives_S,
        negatives_S=sum_SX.sum(1) - positives_S,
    )
