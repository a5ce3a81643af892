"""Metrics of probabilities: whether they are as good as they say."""

from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted

#: Bins of probability, evenly wide.
BINS = 10


class _OfProbability(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass", "multilabel")
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"


class Brier(_OfProbability):
    """Mean squared difference of probability and truth (Brier 1950).

    Of a binary task that of class 1; of several classes the sum over them; of labels the mean over them.
    """

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1], of several classes in [0, 2]."""
        predictions = weighted.predictions
        return weighted.mean(predictions.once("brier", lambda: _squares(predictions)))


class CalibrationError(_OfProbability):
    """Expected calibration error: how far the share that comes true is from the probability, in bins of it.

    Guo et al. 2017, "On calibration of modern neural networks", equation 3; of class 1 for a binary task, of the
    predicted class for several ones, of any label for labels.
    """

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        predictions = weighted.predictions
        bins, off = predictions.once("calibration_error", lambda: _binned(predictions))
        if off.ndim == 1:
            gap_SB = np.stack([np.bincount(bins, weight_N * off, BINS) for weight_N in weighted.weight_SN])
            return np.abs(gap_SB).sum(1) / weighted.total_S
        off_NB = np.stack([np.where(bins == place, off, 0.0).sum(1) for place in range(BINS)], 1)
        gap_SB = np.einsum("sn,nb->sb", weighted.weight_SN, off_NB)
        return np.abs(gap_SB).sum(1) / (weighted.total_S * off.shape[1])


def _squares(predictions: Predictions) -> np.ndarray:
    """The score of each row, float64 ``[N]``."""
    off_NC = predictions.probability_NC - truth_of(predictions)
    if predictions.task == "binary":
        return off_NC[:, 1] ** 2
    square_NC = off_NC**2
    return square_NC.mean(1) if predictions.task == "multilabel" else square_NC.sum(1)


def _binned(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """The bin of each row or label, and how far its probability is from the truth."""
    sure, true = sureness(predictions)
    return bin_of(sure), sure - true


def sureness(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """How sure a model is, float64, and whether it came true, bool; ``[N]``, of labels ``[N, C]``."""
    if predictions.task == "multilabel":
        return predictions.probability_NC, predictions.truth_N == 1
    if predictions.task == "binary":
        return predictions.probability_NC[:, 1], predictions.truth_N == 1
    return predictions.probability_NC.max(1), predictions.truth_N == predictions.label_N


def bin_of(sure: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each probability, int64 in [0, bins)."""
    return np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), sure, side="right") - 1, 0, bins - 1)


def truth_of(predictions: Predictions) -> np.ndarray:
    """The truth as 0 and 1 for each class or label, float64 ``[N, C]``."""
    if predictions.task == "multilabel":
        return predictions.truth_N.astype(np.float64)
    return np.eye(predictions.classes)[predictions.truth_N]
