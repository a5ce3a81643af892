"""Focal loss: cross-entropy that cares less for what is right already."""

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.weights import ClassLoss

#: Least 1 - p: below it the slope of its power may not be finite.
TINY = 1e-12


class Focal(ClassLoss):
    """-(1 - p)^gamma log p, p the probability of the true class (Lin et al. 2017, equation 4).

    ``class_weights`` is the paper's alpha (equation 5).
    A mixed target y gives the sum of y_c times the loss of class c.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass", "multilabel")
    gamma: float = Field(default=2.0, ge=0, description="0 is the cross-entropy")

    @classmethod
    def examples(cls) -> list[Self]:
        """The paper's, and one between it and the cross-entropy."""
        return [cls(), cls(gamma=0.5)]

    _exclusive: bool = PrivateAttr(default=False)

    def fitted(self, task: Task, classes: Sequence[str], target: Tensor) -> Self:
        """See :meth:`nnops.losses.base.Loss.fitted`; mixed classes and labels have targets of the same shape."""
        loss = super().fitted(task, classes, target).model_copy()
        loss._exclusive = task == "multiclass"
        return loss

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        if not target_B.is_floating_point() or self._exclusive:
            loss = self._of_classes(F.log_softmax(output_BC, 1), target_B)
        else:
            output = output_BC[:, 0] if target_B.ndim == 1 else output_BC
            loss = target_B * self._modulated(F.logsigmoid(output))
            loss = loss + (1 - target_B) * self._modulated(F.logsigmoid(-output))
        return (loss if self.class_weights is None else loss * self.weigh(target_B)).mean()

    def _of_classes(self, log_p_BC: Tensor, target_B: Tensor) -> Tensor:
        if target_B.is_floating_point():
            return (target_B * self._modulated(log_p_BC)).sum(1)
        return self._modulated(log_p_BC.gather(1, target_B[:, None])[:, 0])

    def _modulated(self, log_p: Tensor) -> Tensor:
        return -log_p * (-torch.expm1(log_p)).clamp_min(TINY) ** self.gamma
