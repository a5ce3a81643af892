"""Binary cross-entropy of one logit, or of one for each label."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.weights import ClassLoss


class BinaryCrossEntropy(ClassLoss):
    """-y log s(z) - (1 - y) log(1 - s(z)), y drawn towards 1/2 by label smoothing; the mean over labels."""

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and smoothed."""
        return [cls(), cls(label_smoothing=0.1)]

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        output = output_BC[:, 0] if target_B.ndim == 1 else output_BC
        weight = None if self.class_weights is None else self.weigh(target_B)
        if self.label_smoothing:
            target_B = target_B * (1 - self.label_smoothing) + self.label_smoothing / 2
        return F.binary_cross_entropy_with_logits(output, target_B, weight)
