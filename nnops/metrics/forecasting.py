"""Metrics of forecasts in scaled units, a target's deviation in train being 1: means over windows, steps and targets.

Published numbers on series (of ETT, say) are of this kind. The same in the targets' own units are ``mae``, ``mse`` and
``rmse``, which add up what may be degrees and volts.
"""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.weighted import Weighted


class _Scaled(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("forecasting",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"


class ScaledMae(_Scaled):
    """Mean of the absolute error, in scaled units."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        return weighted.mean(weighted.predictions.scaled_distance_N)


class ScaledMse(_Scaled):
    """Mean of the squared error, in scaled units."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity); always answering the mean of train gives about 1."""
        return weighted.mean(weighted.predictions.scaled_square_N)


class ScaledRmse(_Scaled):
    """Root of the mean squared error, in scaled units."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        return np.sqrt(weighted.mean(weighted.predictions.scaled_square_N))
