"""Mean absolute error."""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.base import Loss


class Mae(Loss):
    """Mean absolute error of one output."""

    tasks: ClassVar[tuple[Task, ...]] = ("forecasting", "regression")

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        return F.l1_loss(output_BC.reshape(target_B.shape), target_B)
