"""The step: one model, its loss and its optimizer behind the seam that the loop drives.

The loop knows epochs, batches, rates and reports; the step knows tensors. A step that trains many lanes in one tensor
program has the same five methods.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from nnops.losses.base import Loss


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

    def state(self) -> dict[str, Tensor]:
        """Copies of all tensors that the next step depends on; weights and buffers under ``model.``."""
        ...

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over a state."""
        ...


class SoloStep:
    """One ``nn.Module`` trained by one ``torch.optim`` optimizer.

    Args:
        model: The module.
        loss: Its loss.
        optimizer: Built over the module's weights.
        clip_norm: Largest norm of the whole gradient, or None.
    """

    def __init__(self, model: nn.Module, loss: Loss, optimizer: torch.optim.Optimizer, clip_norm: float | None) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self._clip_norm = clip_norm
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]

    def train(self, inputs: tuple[Tensor, ...], target_B: Tensor, rate: float) -> Tensor:
        """See :class:`Step`."""
        if not self.model.training:
            self.model.train()
        for weight in self._weights:
            weight.grad = None
        loss = self.loss(self.model(*inputs), target_B)
        loss.backward()
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self._weights, self._clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """See :class:`Step`."""
        if self.model.training:
            self.model.eval()
        return self.model(*inputs)

    def state(self) -> dict[str, Tensor]:
        """See :class:`Step`; the optimizer's tensors are named ``optimizer.<weight's place>.<name>``."""
        tensors = {f"model.{name}": tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        for place, weight in enumerate(self._weights):
            for name, value in self.optimizer.state.get(weight, {}).items():
                if value is not None:
                    tensors[f"optimizer.{place}.{name}"] = torch.as_tensor(value).detach().clone()
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """See :class:`Step`."""
        weights = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
        self.model.load_state_dict(weights)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, place, key = name.split(".", 2)
                state.setdefault(int(place), {})[key] = tensor
        if state:
            record = self.optimizer.state_dict()
            self.optimizer.load_state_dict({"state": state, "param_groups": record["param_groups"]})
