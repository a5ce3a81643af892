"""Metrics of regression, in the target's own unit."""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric, Predictions


class _Regression(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"


class Rmse(_Regression):
    """Root of the mean squared error."""

    def __call__(self, predictions: Predictions) -> float:
        """In the target's unit."""
        return float(np.sqrt(np.mean((predictions.value_N - predictions.truth_N) ** 2)))
