"""The curves behind the areas: ROC, precision-recall, calibration; and the confusion matrix.

Legend of shape suffixes: N rows, C classes, T thresholds, B bins, G points of a grid.
"""

from dataclasses import dataclass

import numpy as np

from nnops.metrics.calibration import bin_of, sureness
from nnops.metrics.predictions import Predictions

#: Points of the grids that curves are written on, for tables whose lines compare from version to version.
GRID = 201


@dataclass(frozen=True)
class Curve:
    """ROC and precision-recall of one class against the rest, one point for each distinct score.

    Attributes:
        code: The class.
        false_positive_T: Share of the other rows scored at or above each threshold, from 0.
        recall_T: Share of the class's rows scored so, from 0.
        precision_T: Share of the rows scored so that are of the class; the first point repeats the second one.
    """

    code: int
    false_positive_T: np.ndarray
    recall_T: np.ndarray
    precision_T: np.ndarray

    def on_grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Recall at an even grid of false positive rates, and precision at the same grid of recalls ``[G]``."""
        grid_G = np.linspace(0, 1, GRID)
        # Several thresholds share a false positive rate: the last one has the highest recall.
        last_T = np.append(np.diff(self.false_positive_T) > 0, True)
        roc_G = np.interp(grid_G, self.false_positive_T[last_T], self.recall_T[last_T])
        # A recall is reached at the first threshold that has at least as much.
        reached_G = np.minimum(np.searchsorted(self.recall_T, grid_G - 1e-12), len(self.recall_T) - 1)
        return roc_G, self.precision_T[reached_G]


def curves(predictions: Predictions) -> list[Curve]:
    """The curves of each class that has rows in the split and is not all of it; of a binary task those of class 1."""
    found: list[Curve] = []
    codes = [1] if predictions.task == "binary" else range(predictions.classes)
    for code, ranking in zip(codes, predictions.rankings, strict=True):
        several = predictions.task == "multilabel"
        score_N = predictions.probability_NC[:, code]
        if several or predictions.task == "binary":
            score_N = predictions.output_NC[:, code if several else 0]
        hit_N = (predictions.truth_N[:, code] == 1 if several else predictions.truth_N == code)[ranking.order_N]
        if hit_N.all() or not hit_N.any():
            continue
        ends = np.append(np.flatnonzero(np.diff(score_N[ranking.order_N])), len(score_N) - 1)
        hits_T = np.cumsum(hit_N)[ends]
        precision_T = hits_T / (ends + 1)
        found.append(
            Curve(
                code,
                np.append(0.0, (ends + 1 - hits_T) / (~hit_N).sum()),
                np.append(0.0, hits_T / hit_N.sum()),
                np.append(precision_T[0], precision_T),
            )
        )
    return found


def confusion(predictions: Predictions) -> np.ndarray:
    """Rows by true class (down) and predicted class (across), int64 ``[C, C]``."""
    classes = predictions.classes
    cell_N = predictions.truth_N * classes + predictions.label_N
    return np.bincount(cell_N, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class Calibration:
    """How often the model is right when it is this sure (Guo et al. 2017, On Calibration of Modern Neural Networks).

    Of a binary task, how often class 1 is the truth at a probability of it; of a multilabel one, any label.

    Attributes:
        edge_B: Edges of the bins, one more than bins.
        rows_B: Rows in each bin.
        mean_B: Mean probability in each bin; NaN in an empty one.
        share_B: Share of rows that came true; NaN in an empty bin.
        error: Expected calibration error: mean over rows of |mean_B - share_B|, equation 3.
    """

    edge_B: np.ndarray
    rows_B: np.ndarray
    mean_B: np.ndarray
    share_B: np.ndarray
    error: float


def calibration(predictions: Predictions, bins: int = 10) -> Calibration:
    """Bin rows by probability, evenly wide: of class 1 for a binary task, of the predicted class otherwise."""
    sure_N, true_N = (array.ravel() for array in sureness(predictions))
    edge_B = np.linspace(0, 1, bins + 1)
    bin_N = bin_of(sure_N, bins)
    rows_B = np.bincount(bin_N, minlength=bins)
    divisor_B = np.where(rows_B, rows_B, np.nan)
    mean_B = np.bincount(bin_N, sure_N, bins) / divisor_B
    share_B = np.bincount(bin_N, true_N, bins) / divisor_B
    error = float(np.nansum(rows_B * np.abs(mean_B - share_B)) / rows_B.sum())
    return Calibration(edge_B, rows_B, mean_B, share_B, error)
