"""The interface of a loss."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from nnops.batch import Task
from nnops.catalog import Component


class Loss(Component):
    """A scalar, the mean over the batch, of a model's outputs against the target."""

    tasks: ClassVar[tuple[Task, ...]]

    @abstractmethod
    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """The mean loss of a batch.

        Args:
            output_BC: Float outputs of the model; logits for classification. ``[B, 1]`` for binary and regression.
            target_B: int64 codes (multiclass), float32 0 or 1 (binary), float32 (regression).

        Returns:
            A scalar tensor.
        """
