"""The step: one model, its loss and its optimizer behind the seam that the loop drives.

The loop knows epochs, batches, rates and reports; the step knows tensors. A step that trains many lanes in one tensor
program stands behind the same seam.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from nnops.losses.base import Loss
from nnops.training.update import Update

#: What ``loss.backward()`` ends in; its checks in Python cost a tenth of a small network's step.
_run_backward = torch.autograd.Variable._execution_engine.run_backward


class Step(Protocol):
    """What the loop needs of whatever it trains."""

    def train(self, inputs: tuple[Tensor, ...], target_B: Tensor, rate: float) -> Tensor:
        """Take one optimisation step at learning rate ``rate``; return the loss before it, a detached scalar."""
        ...

    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """The outputs ``[B, C]`` in evaluation mode, without gradients."""
        ...

    def loss(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """The loss of given outputs, a scalar."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that the next step depends on, live; weights and buffers under ``model.``."""
        ...

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over the values of tensors of these names."""
        ...


class SoloStep:
    """One ``nn.Module`` trained by one optimizer's update.

    Args:
        model: The module.
        loss: Its loss.
        update: Built over :func:`trainable` weights of the module.
        clip_norm: Largest norm of the whole gradient, or None (Pascanu et al. 2013, algorithm 1).
    """

    def __init__(self, model: nn.Module, loss: Loss, update: Update, clip_norm: float | None) -> None:
        self.model = model
        self.loss = loss
        self._update = update
        self._clip_norm = clip_norm
        self._weights = trainable(model)
        self._one = torch.ones((), device=self._weights[0].device)

    def train(self, inputs: tuple[Tensor, ...], target_B: Tensor, rate: float) -> Tensor:
        """See :class:`Step`."""
        if not self.model.training:
            self.model.train()
        for weight in self._weights:
            weight.grad = None
        loss = self.loss(self.model(*inputs), target_B)
        _run_backward((loss,), (self._one,), False, False, (), allow_unreachable=True, accumulate_grad=True)
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self._weights, self._clip_norm)
        self._update.apply([weight.grad for weight in self._weights], rate)  # type: ignore[misc]
        return loss.detach()

    @torch.no_grad()
    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """See :class:`Step`."""
        if self.model.training:
            self.model.eval()
        return self.model(*inputs)

    def tensors(self) -> dict[str, Tensor]:
        """See :class:`Step`; what the optimizer remembers is named ``optimizer.<name>.<weight's place>``."""
        state = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        return state | {f"optimizer.{name}": tensor for name, tensor in self._update.tensors().items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """See :class:`Step`."""
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])


def trainable(model: nn.Module) -> list[Tensor]:
    """The weights that a gradient changes, in the module's order."""
    return [weight for weight in model.parameters() if weight.requires_grad]
