"""Binary cross-entropy of one logit."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.base import Loss


class BinaryCrossEntropy(Loss):
    """-y log s(z) - (1 - y) log(1 - s(z)), y drawn towards 1/2 by label smoothing."""

    tasks: ClassVar[tuple[Task, ...]] = ("binary",)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and smoothed."""
        return [cls(), cls(label_smoothing=0.1)]

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        if self.label_smoothing:
            target_B = target_B * (1 - self.label_smoothing) + self.label_smoothing / 2
        return F.binary_cross_entropy_with_logits(output_BC[:, 0], target_B)
