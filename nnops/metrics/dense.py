"""Metrics of masks, over the pixels of all images together."""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.weighted import Weighted


class _Mask(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("segmentation",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"


class PixelAccuracy(_Mask):
    """Share of pixels that are called right."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return weighted.hit_SC.sum(1) / weighted.truth_SC.sum(1)


class MeanIou(_Mask):
    """Mean over classes of the pixels that are both of a class and called so, over those that are either (Jaccard).

    A class that no pixel has and none is called is left out.
    """

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return mean_there(weighted.hit_SC, weighted.truth_SC + weighted.label_SC - weighted.hit_SC)


class Dice(_Mask):
    """Mean over classes of 2 hits / (pixels of the class + pixels called so), see :class:`MeanIou`."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        return mean_there(2 * weighted.hit_SC, weighted.truth_SC + weighted.label_SC)


def mean_there(above_SC: np.ndarray, below_SC: np.ndarray) -> np.ndarray:
    """The mean of the ratios whose denominator is above zero, float64 ``[S]``."""
    there_SC = below_SC > 0
    share_SC = np.divide(above_SC, below_SC, out=np.zeros_like(below_SC), where=there_SC)
    return share_SC.sum(1) / there_SC.sum(1)
