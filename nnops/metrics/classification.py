"""Metrics of classification."""

from typing import ClassVar, Literal

from nnops.batch import Task
from nnops.metrics.base import Metric, Predictions


class _Classification(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass")
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"


class Accuracy(_Classification):
    """Share of rows whose predicted class is the true one."""

    def __call__(self, predictions: Predictions) -> float:
        """In [0, 1]."""
        return float((predictions.label_N == predictions.truth_N).mean())
