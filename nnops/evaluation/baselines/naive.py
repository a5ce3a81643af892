"""Forecasts without weights: the last value goes on, or the last season is repeated (Hyndman and Athanasopoulos, 5.2).

Legend of shape suffixes: N windows, L steps of a window, V target variables, H steps of a horizon, C = H * V.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from nnops.batch import Spec, Task
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows

#: A season whose error is at most so many times the least one is as good.
ENOUGH = 1.05


class _Naive(Baseline):
    tasks: ClassVar[tuple[Task, ...]] = ("forecasting",)


class LastValue(_Naive):
    """Each step ahead is the last one of the window."""

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "last_value"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del train, val, seed
        return Fitted(lambda inputs: _repeat(inputs[0], spec, 1))


class SeasonalNaive(_Naive):
    """Each step ahead is the one a season before it; the season is the one whose repeat is best on train."""

    windows: int = Field(default=400, ge=1, description="Windows of train that seasons are tried on")

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "seasonal_naive"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del val
        sample = train.sample(self.windows, seed)
        target_NC = sample.target_N.astype(np.float64)
        steps = spec.shapes[0][0]
        errors = [
            float(np.square(_repeat(sample.inputs[0], spec, season) - target_NC).mean())
            for season in range(1, steps + 1)
        ]
        # Of seasons that are all but as good the shortest: two days are no better a guess than one.
        season = int(np.argmax(np.array(errors) <= ENOUGH * min(errors))) + 1
        return Fitted(lambda inputs: _repeat(inputs[0], spec, season), f"a season of {season} steps")


def _repeat(series_NLV: np.ndarray, spec: Spec, season: int) -> np.ndarray:
    """The last ``season`` steps over and over, float64 ``[N, C]``."""
    place_H = series_NLV.shape[1] - season + np.arange(spec.horizon) % season
    forecast_NHV = series_NLV[:, place_H][:, :, list(spec.targets)]
    return forecast_NHV.reshape(len(series_NLV), -1).astype(np.float64)
