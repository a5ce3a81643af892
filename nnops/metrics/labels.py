"""Metrics of rows that have several labels, or none."""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.classification import ratio
from nnops.metrics.weighted import Weighted


class SubsetAccuracy(Metric):
    """Share of rows whose labels are all right, and no other one is called."""

    tasks: ClassVar[tuple[Task, ...]] = ("multilabel",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        predictions = weighted.predictions
        return weighted.mean((predictions.label_N == predictions.truth_N).all(1))


class HammingLoss(Metric):
    """Share of all labels of all rows that are wrong, called or not."""

    tasks: ClassVar[tuple[Task, ...]] = ("multilabel",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        predictions = weighted.predictions
        return weighted.mean((predictions.label_N != predictions.truth_N).mean(1))


class F1Micro(Metric):
    """F1 of all labels together: 2 hits / (labels called + labels there), frequent ones counting more."""

    tasks: ClassVar[tuple[Task, ...]] = ("multilabel",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        hit_S, called_S, there_S = (each.sum(1) for each in (weighted.hit_SC, weighted.label_SC, weighted.truth_SC))
        return ratio(2 * hit_S, called_S + there_S)
