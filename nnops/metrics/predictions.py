"""What every metric is computed from: a model's outputs on a split and the truth.

Legend of shape suffixes: N rows, C classes, K cells of the confusion matrix that hold rows, M rows of one class,
G steps of a ranking that hold a row of the class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from nnops.batch import QUANTITIES, Task

T = TypeVar("T")


@dataclass(frozen=True)
class Predictions:
    """A model's raw outputs on a split and the truth.

    Attributes:
        task: What is predicted.
        output_NC: Logits ``[N, C]`` (multiclass, multilabel), one logit ``[N, 1]`` (binary), scaled values ``[N, 1]``
            (regression) or ``[N, C]`` (forecasting), logits ``[N, C, H, W]`` (segmentation); of a language model what
            :func:`nnops.metrics.tokens.tally` made of a row; of a sequence the tokens of the answer ``[N, T]``.
        target_N: Codes int64 (multiclass), 0 or 1 (binary; multilabel ``[N, C]``), scaled values (regression;
            forecasting ``[N, C]``), codes ``[N, H, W]`` (segmentation), see ``output_NC`` for the others.
        mean: With ``std``, undoes the scaling of a quantity: value = mean + std * output; ``[C]`` of a forecast.
        std: See ``mean``.
        cut: The logit above which a row is called positive (binary), one for all or float64 ``[N]``.
    """

    task: Task
    output_NC: np.ndarray
    target_N: np.ndarray
    mean: float | np.ndarray = 0.0
    std: float | np.ndarray = 1.0
    cut: float | np.ndarray = 0.0

    def __len__(self) -> int:
        return self.target_N.shape[0]

    @property
    def classes(self) -> int:
        """Number of classes or labels: 2 for binary, 0 for quantities."""
        if self.task in QUANTITIES:
            return 0
        if self.task == "multilabel":
            return self.output_NC.shape[1]
        return max(2, self.output_NC.shape[1])

    @cached_property
    def truth_N(self) -> np.ndarray:
        """Codes int64 (multilabel ``[N, C]``), or values float64 in the target's own unit, ``[N, C]`` of a forecast."""
        if self.task in QUANTITIES:
            return self.target_N.astype(np.float64) * self.std + self.mean
        return self.target_N.astype(np.int64)

    @cached_property
    def label_N(self) -> np.ndarray:
        """Predicted codes, or labels ``[N, C]``, int64; of binary above ``cut``, of multilabel above a half."""
        if self.task == "multilabel":
            return (self.output_NC > 0).astype(np.int64)
        if self.task == "binary":
            return (self.output_NC[:, 0].astype(np.float64) > self.cut).astype(np.int64)
        return self.output_NC.argmax(1)

    @cached_property
    def pixels_NCC(self) -> np.ndarray:
        """Pixels of each row by true and predicted class, float64 (segmentation)."""
        classes = self.classes
        cell_NP = (self.truth_N * classes + self.label_N).reshape(len(self), -1)
        counted = [np.bincount(cell_P, minlength=classes * classes) for cell_P in cell_NP]
        return np.stack(counted).reshape(-1, classes, classes).astype(np.float64)

    @cached_property
    def cells(self) -> "Cells":
        """The cells of the confusion matrix that hold rows."""
        code_K, cell_N = np.unique(self.truth_N * self.classes + self.label_N, return_inverse=True)
        return Cells(code_K // self.classes, code_K % self.classes, cell_N)

    @cached_property
    def value_N(self) -> np.ndarray:
        """Predicted values float64 in the target's own unit (regression), ``[N, C]`` of a forecast."""
        output_N = self.output_NC if self.task == "forecasting" else self.output_NC[:, 0]
        return output_N.astype(np.float64) * self.std + self.mean

    @cached_property
    def error_N(self) -> np.ndarray:
        """Predicted minus true value, float64, in the target's own unit (regression)."""
        return self.value_N - self.truth_N

    @cached_property
    def distance_N(self) -> np.ndarray:
        """The absolute error of each row, in the target's own unit; of a forecast its mean over steps and targets."""
        return _by_row(np.abs(self.error_N))

    @cached_property
    def square_N(self) -> np.ndarray:
        """The squared error of each row, see :attr:`distance_N`."""
        return _by_row(self.error_N**2)

    @cached_property
    def scaled_distance_N(self) -> np.ndarray:
        """As :attr:`distance_N`, in scaled units (forecasting)."""
        return _by_row(np.abs(self.output_NC.astype(np.float64) - self.target_N))

    @cached_property
    def scaled_square_N(self) -> np.ndarray:
        """As :attr:`square_N`, in scaled units (forecasting)."""
        return _by_row((self.output_NC.astype(np.float64) - self.target_N) ** 2)

    @cached_property
    def probability_NC(self) -> np.ndarray:
        """Probabilities float64 ``[N, C]``, C being 2 for binary; rows sum to 1, but for multilabel."""
        logit_NC = self.output_NC.astype(np.float64)
        if self.task == "multilabel":
            return 0.5 * (1.0 + np.tanh(0.5 * logit_NC))
        if self.task == "binary":
            logit_NC = np.concatenate([np.zeros_like(logit_NC), logit_NC], 1)
        power_NC = np.exp(logit_NC - logit_NC.max(1, keepdims=True))
        return power_NC / power_NC.sum(1, keepdims=True)

    @cached_property
    def surprise_N(self) -> np.ndarray:
        """-log of the probability given to the true class, float64, from logits, so that it never overflows."""
        logit_NC = self.output_NC.astype(np.float64)
        if self.task == "multilabel":
            return np.logaddexp(0.0, np.where(self.truth_N == 1, -logit_NC, logit_NC)).mean(1)
        if self.task == "binary":
            return np.logaddexp(0.0, np.where(self.truth_N == 1, -logit_NC[:, 0], logit_NC[:, 0]))
        logit_NC = logit_NC - logit_NC.max(1, keepdims=True)
        true_N = np.take_along_axis(logit_NC, self.truth_N[:, None], 1)[:, 0]
        return np.log(np.exp(logit_NC).sum(1)) - true_N

    @cached_property
    def rankings(self) -> "tuple[Ranking, ...]":
        """How rows rank as each class against the rest; for binary as class 1 alone."""
        if self.task == "binary":
            return (rank(self.output_NC[:, 0], self.truth_N == 1),)
        if self.task == "multilabel":
            return tuple(rank(self.output_NC[:, c], self.truth_N[:, c] == 1) for c in range(self.classes))
        return tuple(rank(self.probability_NC[:, c], self.truth_N == c) for c in range(self.classes))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What a metric makes of all rows, made once, however many weightings of them it is asked for."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    def rows(self, rows_N: np.ndarray) -> "Predictions":
        """The same for some rows, by position."""
        cut = self.cut[rows_N] if isinstance(self.cut, np.ndarray) else self.cut
        return Predictions(self.task, self.output_NC[rows_N], self.target_N[rows_N], self.mean, self.std, cut)


def _by_row(value_N: np.ndarray) -> np.ndarray:
    return value_N.mean(1) if value_N.ndim > 1 else value_N


@dataclass(frozen=True)
class Cells:
    """The cells of a confusion matrix that hold rows.

    Attributes:
        truth_K: The true class of each cell, int64.
        label_K: The predicted class of each cell, int64.
        cell_N: The cell that each row is in, int64.
    """

    truth_K: np.ndarray
    label_K: np.ndarray
    cell_N: np.ndarray


@dataclass(frozen=True)
class Ranking:
    """Rows from the highest score to the lowest, for one class against the rest; equal scores form one step.

    Attributes:
        order_N: Rows by falling score, int64.
        positive_M: Places in ``order_N`` that hold a row of the class, rising, int64.
        last_G: For each step that holds a row of the class, the place in ``positive_M`` of its last such row.
        start_G: For each such step, the place in ``order_N`` of its first row.
        end_G: The same of its last row.
        segment_N: Where each row lies, int64: 3 g before step g and after the one before it, 3 g + 1 in it and of the
            class, 3 g + 2 in it and not; 3 G after the last step.
    """

    order_N: np.ndarray
    positive_M: np.ndarray
    last_G: np.ndarray
    start_G: np.ndarray
    end_G: np.ndarray
    segment_N: np.ndarray


def rank(score_N: np.ndarray, positive_N: np.ndarray) -> Ranking:
    """Rank rows by falling score.

    Args:
        score_N: A higher score speaks for the class.
        positive_N: Whether a row is of the class, bool.
    """
    order_N = np.argsort(-score_N, kind="stable")
    fresh_N = np.ones(len(score_N), bool)
    fresh_N[1:] = np.diff(score_N[order_N]) != 0
    step_N = np.cumsum(fresh_N) - 1
    starts = np.flatnonzero(fresh_N)
    ends = np.append(starts[1:], len(score_N)) - 1
    positive_M = np.flatnonzero(positive_N[order_N])
    step_M = step_N[positive_M]
    last_G = np.flatnonzero(np.append(np.diff(step_M) != 0, True)) if len(step_M) else step_M
    steps = step_M[last_G]
    start_G, end_G = starts[steps], ends[steps]
    place_N = np.arange(len(score_N))
    before_N = np.searchsorted(end_G, place_N)
    inside_N = np.append(start_G, len(score_N))[before_N] <= place_N
    segment_N = np.empty(len(score_N), np.int64)
    segment_N[order_N] = 3 * before_N + np.where(inside_N, np.where(positive_N[order_N], 1, 2), 0)
    return Ranking(order_N, positive_M, last_G, start_G, end_G, segment_N)
