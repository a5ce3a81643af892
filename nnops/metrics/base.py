"""The interface of a metric, and what it is computed from."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.catalog import Component


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
    def value_N(self) -> np.ndarray:
        """Predicted values float64 in the target's own unit (regression)."""
        return self.output_NC[:, 0].astype(np.float64) * self.std + self.mean

    @cached_property
    def probability_NC(self) -> np.ndarray:
        """Probabilities float64 ``[N, C]``, C being 2 for binary; rows sum to 1."""
        logit_NC = self.output_NC.astype(np.float64)
        if self.task == "binary":
            logit_NC = np.concatenate([np.zeros_like(logit_NC), logit_NC], 1)
        power_NC = np.exp(logit_NC - logit_NC.max(1, keepdims=True))
        return power_NC / power_NC.sum(1, keepdims=True)

    def rows(self, rows_N: np.ndarray) -> "Predictions":
        """The same for some rows, by position."""
        return Predictions(self.task, self.output_NC[rows_N], self.target_N[rows_N], self.mean, self.std)


class Metric(Component):
    """One number of a split; ``direction`` says which way is better."""

    tasks: ClassVar[tuple[Task, ...]]
    direction: ClassVar[Literal["maximize", "minimize"]]

    @abstractmethod
    def __call__(self, predictions: Predictions) -> float:
        """The metric's value."""
