"""Class weights: how much a row of each class counts in a loss.

A row's loss is multiplied by the weight of its class and the sum is divided by the number of rows, not by the weights
in the batch, so that gradients of several batches add up to that of the large one. A row whose target is a mixture of
classes weighs as that mixture. Legend of shape suffixes: B batch, C classes or labels, T = 2: without the label, with.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BeforeValidator, Field, PrivateAttr
from torch import Tensor

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.errors import ParamsError
from nnops.losses.base import Loss


def _judge(value: Any) -> Any:
    if value is None or value == "balanced":
        return value
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be balanced, or a weight for each class such as {{spam: 5.0}}, got {value!r}.")
    for label, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight > 0:
            raise ValueError(f"the weight of class '{label}' must be a number above 0, got {weight!r}.")
    return {str(label): float(weight) for label, weight in value.items()}


ClassWeights = Annotated[Literal["balanced"] | dict[str, float] | None, BeforeValidator(_judge)]


class ClassLoss(Loss):
    """A loss of classes, which may weigh them."""

    class_weights: ClassWeights = Field(
        default=None, description="balanced: every class counts the same in all; or {CLASS: weight}, 1 where left out"
    )
    _weight: Tensor | None = PrivateAttr(default=None)

    def fitted(self, task: Task, classes: Sequence[str], target: Tensor) -> Self:
        """See :meth:`nnops.losses.base.Loss.fitted`."""
        if self.class_weights is None:
            return self
        several = task == "multilabel"
        share_TC = _shares(task, len(classes), target)
        if self.class_weights == "balanced":
            weight_TC = torch.where(share_TC > 0, 1 / (share_TC.shape[0 if several else 1] * share_TC), 1.0)
        else:
            for label in self.class_weights:
                if label not in classes:
                    raise ParamsError(f"params.yaml: loss.options.class_weights: {unknown('class', label, classes)}")
            given = torch.tensor([self.class_weights.get(label, 1.0) for label in classes], dtype=torch.float64)
            weight_TC = torch.stack([torch.ones_like(given), given]) if several else given[None]
        loss = self.model_copy()
        # Of a binary task the classes are the two sides of one label.
        weight = weight_TC.view(2, -1) if task not in ("multiclass", "segmentation") else weight_TC[0]
        loss._weight = weight.to(target.device, torch.float32)
        return loss

    def weigh(self, target_B: Tensor) -> Tensor:
        """The weight of each row, or of each label of each row, float32 in the shape of the outputs."""
        weight = self._weight
        assert weight is not None, "fitted() comes first"
        if weight.ndim == 1:
            return target_B.to(weight.dtype) @ weight if target_B.is_floating_point() else weight[target_B]
        without, with_ = weight.squeeze(1) if target_B.ndim == 1 else weight
        return torch.lerp(without.expand_as(target_B), with_.expand_as(target_B), target_B.to(weight.dtype))


def _shares(task: Task, classes: int, target: Tensor) -> Tensor:
    """The share of rows of each class ``[1, C]``; of a multilabel task those without and with each label ``[2, C]``."""
    if task == "multilabel":
        with_C = target.double().mean(0)
        return torch.stack([1 - with_C, with_C])
    return torch.bincount(target.long().flatten(), minlength=classes).double()[None] / target.numel()
