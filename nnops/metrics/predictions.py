"""What every metric is computed from: a model's outputs on a split and the truth.

Legend of shape suffixes: N rows, C classes, K cells of the confusion matrix that hold rows, M rows of one class,
G steps of a ranking that hold a row of the class.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnops.batch import Task


@dataclass(frozen=True)
class Predictions:
    """A model's raw outputs on a split and the truth.

    Attributes:
        task: What is predicted.
        output_NC: Logits ``[N, C]`` (multiclass), one logit ``[N, 1]`` (binary), scaled values ``[N, 1]`` (regression).
        target_N: Codes int64 (multiclass), 0 or 1 (binary), values (regression, scaled).
        mean: With ``std``, undoes the scaling of a regression target: value = mean + std * output.
        std: See ``mean``.
    """

    task: Task
    output_NC: np.ndarray
    target_N: np.ndarray
    mean: float = 0.0
    std: float = 1.0

    def __len__(self) -> int:
        return self.target_N.shape[0]

    @property
    def classes(self) -> int:
        """Number of classes: 2 for binary, 0 for regression."""
        if self.task == "regression":
            return 0
        return max(2, self.output_NC.shape[1])

    @cached_property
    def truth_N(self) -> np.ndarray:
        """Codes int64, or values float64 in the target's own unit."""
        if self.task == "regression":
            return self.target_N.astype(np.float64) * self.std + self.mean
        return self.target_N.astype(np.int64)

    @cached_property
    def label_N(self) -> np.ndarray:
        """Predicted codes int64; for binary the threshold is a probability of 1/2."""
        if self.task == "binary":
            return (self.output_NC[:, 0] > 0).astype(np.int64)
        return self.output_NC.argmax(1)

    @cached_property
    def cells(self) -> "Cells":
        """The cells of the confusion matrix that hold rows."""
        code_K, cell_N = np.unique(self.truth_N * self.classes + self.label_N, return_inverse=True)
        return Cells(code_K // self.classes, code_K % self.classes, cell_N)

    @cached_property
    def value_N(self) -> np.ndarray:
        """Predicted values float64 in the target's own unit (regression)."""
        return self.output_NC[:, 0].astype(np.float64) * self.std + self.mean

    @cached_property
    def error_N(self) -> np.ndarray:
        """Predicted minus true value, float64, in the target's own unit (regression)."""
        return self.value_N - self.truth_N

    @cached_property
    def probability_NC(self) -> np.ndarray:
        """Probabilities float64 ``[N, C]``, C being 2 for binary; rows sum to 1."""
        logit_NC = self.output_NC.astype(np.float64)
        if self.task == "binary":
            logit_NC = np.concatenate([np.zeros_like(logit_NC), logit_NC], 1)
        power_NC = np.exp(logit_NC - logit_NC.max(1, keepdims=True))
        return power_NC / power_NC.sum(1, keepdims=True)

    @cached_property
    def surprise_N(self) -> np.ndarray:
        """-log of the probability given to the true class, float64, from logits, so that it never overflows."""
        logit_NC = self.output_NC.astype(np.float64)
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
        return tuple(rank(self.probability_NC[:, c], self.truth_N == c) for c in range(self.classes))

    def rows(self, rows_N: np.ndarray) -> "Predictions":
        """The same for some rows, by position."""
        return Predictions(self.task, self.output_NC[rows_N], self.target_N[rows_N], self.mean, self.std)


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
    """

    order_N: np.ndarray
    positive_M: np.ndarray
    last_G: np.ndarray
    start_G: np.ndarray
    end_G: np.ndarray


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
    return Ranking(order_N, positive_M, last_G, starts[steps], ends[steps])
