"""Metrics of how well scores rank rows: areas under the ROC and the precision-recall curve.

Of a binary task for the class with code 1; of a multiclass or multilabel task the plain mean over classes, each one
against the rest. A class that has no row, or all rows, in the split is left out of the mean; where that leaves none,
there is no value.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.weighted import Steps, Weighted


class _Ranking(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass", "multilabel")
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"
    needs: ClassVar[str] = "rows of at least two classes"


class RocAuc(_Ranking):
    """Chance that a row of the class scores above a row of another one, equal scores counting half (Mann-Whitney)."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]; 0.5 is chance."""
        return _macro(weighted, _roc_auc)


class PrAuc(_Ranking):
    """Average precision: precision at each step of the ranking, weighted by the recall gained there."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]; chance is the class's share of rows."""
        return _macro(weighted, _average_precision)


def _macro(weighted: Weighted, area: Callable[[Steps], np.ndarray]) -> np.ndarray:
    area_CS = np.stack([area(steps) for steps in weighted.steps])
    defined_CS = np.stack([(steps.positives_S > 0) & (steps.negatives_S > 0) for steps in weighted.steps])
    count_S = defined_CS.sum(0)
    total_S = np.where(defined_CS, area_CS, 0.0).sum(0)
    return np.divide(total_S, count_S, out=np.full(len(total_S), np.nan), where=count_S > 0)


def _roc_auc(steps: Steps) -> np.ndarray:
    # Negatives above the step, plus half of those in it.
    beaten_SG = (steps.above_SG + steps.down_SG + steps.gain_SG) / 2 - steps.positive_SG
    won_S = np.einsum("sg,sg->s", steps.gain_SG, steps.negatives_S[:, None] - beaten_SG)
    pairs_S = steps.positives_S * steps.negatives_S
    return won_S / np.maximum(pairs_S, np.finfo(float).tiny)


def _average_precision(steps: Steps) -> np.ndarray:
    precision_SG = steps.positive_SG / np.maximum(steps.down_SG, np.finfo(float).tiny)
    total_S = np.einsum("sg,sg->s", steps.gain_SG, precision_SG)
    return total_S / np.maximum(steps.positives_S, np.finfo(float).tiny)
