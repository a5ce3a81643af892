"""Categorical cross-entropy of logits."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.base import Loss


class CrossEntropy(Loss):
    """-log softmax(logits)[target], with label smoothing (Szegedy et al. 2016, section 7)."""

    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and smoothed."""
        return [cls(), cls(label_smoothing=0.1)]

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        return F.cross_entropy(output_BC, target_B, label_smoothing=self.label_smoothing)
