"""Categorical cross-entropy of logits.

Legend of shape suffixes: B batch, C classes or tokens of a vocabulary, T tokens of a row.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import TOKENS, Task
from nnops.errors import ParamsError
from nnops.losses.weights import ClassLoss


class CrossEntropy(ClassLoss):
    """-log softmax(logits)[target], with label smoothing (Szegedy et al. 2016, section 7); of a mask by pixel.

    Where each token is told it is the mean over them, padding left out; where gradients of several batches make one
    step, each batch weighs as its rows, however many tokens they have.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("language_model", "multiclass", "segmentation", "sequence")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and smoothed."""
        return [cls(), cls(label_smoothing=0.1)]

    def fitted(self, task: Task, classes: Sequence[str], target: Tensor) -> Self:
        """See :meth:`nnops.losses.base.Loss.fitted`."""
        if task in TOKENS and self.class_weights is not None:
            raise ParamsError(
                f"params.yaml: loss.options.class_weights weigh classes, and the task {task} has none; leave them out."
            )
        return super().fitted(task, classes, target)

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        if output_BC.ndim == 3:
            # Padding is told by nobody.
            return F.cross_entropy(
                output_BC.flatten(0, 1), target_B.flatten(), ignore_index=0, label_smoothing=self.label_smoothing
            )
        if self.class_weights is None:
            return F.cross_entropy(output_BC, target_B, label_smoothing=self.label_smoothing)
        row_B = F.cross_entropy(output_BC, target_B, reduction="none", label_smoothing=self.label_smoothing)
        return (row_B * self.weigh(target_B)).mean()
