"""Huber's loss: quadratic near zero, linear in the tails."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.base import Loss


class Huber(Loss):
    """1/2 e^2 for |e| <= delta, else delta (|e| - delta/2) (Huber 1964); e in units of the scaled target."""

    tasks: ClassVar[tuple[Task, ...]] = ("forecasting", "regression")
    delta: float = Field(default=1.0, gt=0)

    @classmethod
    def examples(cls) -> list[Self]:
        """With the default bend, and with a sharper one."""
        return [cls(), cls(delta=0.25)]

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        return F.huber_loss(output_BC.reshape(target_B.shape), target_B, delta=self.delta)
