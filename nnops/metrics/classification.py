"""Metrics of predicted classes and probabilities.

Precision, recall and F1 of a binary task are those of the positive class, the one with code 1; of a multiclass or
multilabel task the plain mean over classes (macro). A ratio whose denominator is zero counts as zero.
"""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.weighted import Weighted


class _Classification(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass", "multilabel")
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"


class Accuracy(_Classification):
    """Share of rows whose predicted class is the true one."""

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass")

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return weighted.mean(weighted.predictions.label_N == weighted.predictions.truth_N)


class BalancedAccuracy(_Classification):
    """Mean over classes of the share of a class's rows that are found; classes without a row are left out."""

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass")

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return _mean(ratio(weighted.hit_SC, weighted.truth_SC), weighted.truth_SC > 0)


class Precision(_Classification):
    """Share of the rows called a class that are of it."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return _summary(weighted, weighted.hit_SC, weighted.label_SC)


class Recall(_Classification):
    """Share of the rows of a class that are called so."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return _summary(weighted, weighted.hit_SC, weighted.truth_SC)


class F1(_Classification):
    """Harmonic mean of precision and recall: 2 hits / (rows called + rows of the class)."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return _summary(weighted, 2 * weighted.hit_SC, weighted.label_SC + weighted.truth_SC)


class LogLoss(_Classification):
    """Mean of -log(probability given to the truth), in nats; the cross-entropy, of labels the mean over them."""

    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        return weighted.mean(weighted.predictions.surprise_N)


def _summary(weighted: Weighted, above_SC: np.ndarray, below_SC: np.ndarray) -> np.ndarray:
    """The positive class's ratio, or the mean over the classes that are seen in truth or predictions."""
    ratio_SC = ratio(above_SC, below_SC)
    if weighted.predictions.task == "binary":
        return ratio_SC[:, 1]
    return _mean(ratio_SC, weighted.truth_SC + weighted.label_SC > 0)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The ratio; 0 where the denominator is."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _mean(value_SC: np.ndarray, seen_SC: np.ndarray) -> np.ndarray:
    return ratio((value_SC * seen_SC).sum(1), seen_SC.sum(1).astype(np.float64))
