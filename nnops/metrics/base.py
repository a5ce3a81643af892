"""The interface of a metric."""

import re
from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.catalog import Component
from nnops.errors import DataError
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted


class Metric(Component):
    """One number of a split; ``direction`` says which way is better.

    Attributes:
        tasks: The tasks that it fits.
        direction: Which way is better.
        needs: What the truth of the rows must hold for the metric to be defined, for messages; "" if nothing.
    """

    tasks: ClassVar[tuple[Task, ...]]
    direction: ClassVar[Literal["maximize", "minimize"]]
    needs: ClassVar[str] = ""

    @abstractmethod
    def values(self, weighted: Weighted) -> np.ndarray:
        """The metric under each weighting of the rows, float64 ``[S]``; NaN where it is not defined."""

    def __call__(self, predictions: Predictions) -> float:
        """The metric of all rows, each counted once.

        Raises:
            DataError: The metric is not defined on these rows.
        """
        value = float(self.values(Weighted.once(predictions))[0])
        if np.isnan(value) and np.isfinite(predictions.output_NC).all():
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
            raise DataError(
                f"the metric {name} is not defined on these {len(predictions)} rows: it needs"
                f" {self.needs}; use another metric or another split."
            )
        return value


def better(metric: type[Metric] | Metric, value: float, other: float) -> bool:
    """Whether ``value`` is better than ``other`` in the metric's direction."""
    return value > other if metric.direction == "maximize" else value < other
