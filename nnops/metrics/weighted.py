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
        """Weight of the rows that are of each class."""
        return self._gather(self.predictions.cells.truth_K)

    @cached_property
    def label_SC(self) -> np.ndarray:
        """Weight of the rows that are called each class."""
        return self._gather(self.predictions.cells.label_K)

    @cached_property
    def hit_SC(self) -> np.ndarray:
        """Weight of the rows of each class that are called so."""
        cells = self.predictions.cells
        return self._gather(np.where(cells.truth_K == cells.label_K, cells.truth_K, self.predictions.classes))

    @cached_property
    def steps(self) -> tuple["Steps", ...]:
        """For each ranking of the predictions, what lies above each of its steps."""
        return tuple(_climb(ranking, self.weight_SN) for ranking in self.predictions.rankings)

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
    sorted_SN = weight_SN.take(ranking.order_N, 1)
    whole_SN = np.zeros((weight_SN.shape[0], weight_SN.shape[1] + 1))
    np.cumsum(sorted_SN, 1, out=whole_SN[:, 1:])
    positive_SG = np.cumsum(sorted_SN.take(ranking.positive_M, 1), 1).take(ranking.last_G, 1)
    positives_S = positive_SG[:, -1] if positive_SG.shape[1] else np.zeros(len(weight_SN))
    return Steps(
        gain_SG=np.diff(positive_SG, axis=1, prepend=0.0),
        positive_SG=positive_SG,
        above_SG=whole_SN.take(ranking.start_G, 1),
        down_SG=whole_SN.take(ranking.end_G + 1, 1),
        positives_S=positives_S,
        negatives_S=whole_SN[:, -1] - positives_S,
    )
