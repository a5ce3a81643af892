"""The interface of a loss."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from torch import Tensor

from nnops.batch import Task
from nnops.catalog import Component


class Loss(Component):
    """A scalar, the mean over the batch, of a model's outputs against the target."""

    tasks: ClassVar[tuple[Task, ...]]

    def fitted(self, task: Task, classes: Sequence[str], target: Tensor) -> Self:
        """The loss as it is for these data.

        Args:
            task: What is predicted.
            classes: Labels as text in the order of the codes.
            target: The target of train, on the device that is trained on.

        Raises:
            ParamsError: An option names a class that does not exist.
        """
        del task, classes, target
        return self

    @abstractmethod
    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """The mean loss of a batch.

        Args:
            output_BC: Float outputs of the model; logits for classification. ``[B, 1]`` for binary and regression.
            target_B: int64 codes or probabilities float32 ``[B, C]`` (multiclass), float32 in [0, 1] (binary), the same
                ``[B, C]`` (multilabel), float32 (regression), ``[B, C]`` (forecasting), int64 ``[B, H, W]`` of outputs
                ``[B, C, H, W]`` (segmentation), int64 ``[B, T]`` of outputs ``[B, T, C]``, 0 where nothing is told
                (language_model, sequence), of which the mean is one over tokens.

        Returns:
            A scalar tensor.
        """
