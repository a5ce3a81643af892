"""Mean squared error."""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.base import Loss


class Mse(Loss):
    """Mean squared error of one output, or of all steps and targets of a forecast."""

    tasks: ClassVar[tuple[Task, ...]] = ("forecasting", "regression")

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        return F.mse_loss(output_BC.reshape(target_B.shape), target_B)
