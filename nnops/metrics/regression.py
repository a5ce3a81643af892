"""Metrics of predicted values, in the target's own unit; of a forecast the mean over its steps and targets."""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.weighted import Weighted


class _Regression(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"


class _Quantity(_Regression):
    tasks: ClassVar[tuple[Task, ...]] = ("forecasting", "regression")


class Mae(_Quantity):
    """Mean of the absolute error."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In the target's unit."""
        return weighted.mean(weighted.predictions.distance_N)


class Mse(_Quantity):
    """Mean of the squared error."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In the target's unit, squared."""
        return weighted.mean(weighted.predictions.square_N)


class Rmse(_Quantity):
    """Root of the mean squared error."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In the target's unit."""
        return np.sqrt(weighted.mean(weighted.predictions.square_N))


class R2(_Regression):
    """Coefficient of determination: 1 - mean squared error / variance of the truth."""

    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"
    needs: ClassVar[str] = "at least two different true values"

    def values(self, weighted: Weighted) -> np.ndarray:
        """At most 1; 0 is the mean of the split."""
        truth_N = weighted.predictions.truth_N
        # Centred first: a difference of two large squares would lose the digits that matter.
        centred_N = truth_N - truth_N.mean()
        spread_S = weighted.mean(centred_N**2) - weighted.mean(centred_N) ** 2
        fault_S = weighted.mean(weighted.predictions.error_N**2)
        defined_S = spread_S > np.finfo(float).eps * np.mean(truth_N**2)
        return 1 - np.divide(fault_S, spread_S, out=np.full(len(fault_S), np.nan), where=defined_S)


class Mape(_Regression):
    """Mean of |error / true value|; 0.1 is ten percent."""

    needs: ClassVar[str] = "true values other than 0"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        truth_N = weighted.predictions.truth_N
        if not truth_N.all():
            return np.full(len(weighted.weight_SN), np.nan)
        return weighted.mean(np.abs(weighted.predictions.error_N / truth_N))
