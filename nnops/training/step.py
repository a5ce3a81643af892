"""The step: one model, its loss and its optimizer behind the seam that the loop drives.

The loop knows epochs, batches, rates and reports; the step knows tensors. A step that trains many lanes in one tensor
program stands behind the same seam.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from nnops.losses.base import Loss
from nnops.training.adversary import Adversary
from nnops.training.fairness import FairLoss
from nnops.training.penalty import Penalty
from nnops.training.precision import Mixed
from nnops.training.ranks import Ranks
from nnops.training.update import Update

#: What ``loss.backward()`` ends in; its checks in Python cost a tenth of a small network's step.
_run_backward = torch.autograd.Variable._execution_engine.run_backward


class Step(Protocol):
    """What the loop needs of whatever it trains."""

    def train(
        self, inputs: tuple[Tensor, ...], target_B: Tensor, rate: float, share: float = 1.0, more: bool = False
    ) -> Tensor:
        """Take one optimisation step at learning rate ``rate``; return the loss before it, a detached scalar.

        Where gradients of several batches make one step, ``share`` is the batch's part of its rows, and ``more`` says
        that the step waits for another one.
        """
        ...

    def agree(self) -> None:
        """Make equal in all processes of a training what each of them counted on its own rows."""
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
        penalty: L1 and L2 terms, or None.
        mixed: Passes in 16 bits, or None; val is looked at in 32, as the model will be used.
        ranks: The processes that take the same step, or None where there is one.
        adversary: Attacks each batch before it is learnt from, or None.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss | FairLoss,
        update: Update,
        clip_norm: float | None,
        penalty: Penalty | None = None,
        mixed: Mixed | None = None,
        ranks: Ranks | None = None,
        adversary: Adversary | None = None,
    ) -> None:
        self.model = model
        self.loss = loss
        self._update = update
        self._clip_norm = clip_norm
        self._penalty = penalty
        self._mixed = mixed
        self._ranks = ranks
        self._adversary = adversary
        self._weights = trainable(model)
        self._begun = False
        self._one = torch.ones((), device=self._weights[0].device)

    def train(
        self, inputs: tuple[Tensor, ...], target_B: Tensor, rate: float, share: float = 1.0, more: bool = False
    ) -> Tensor:
        """See :class:`Step`."""
        if not self.model.training:
            self.model.train()
        if not self._begun:
            for weight in self._weights:
                weight.grad = None
        if self._ranks is not None and not len(target_B):
            return self._wait(rate, more)
        if self._adversary is not None:
            inputs = self._adversary.meet(self.model, self.loss, inputs, target_B)
        slope = self._one if share == 1.0 else self._one * share
        if self._mixed is None:
            loss = self.loss(self.model(*inputs), target_B)
        else:
            loss, slope = self._mixed.forward(self.model, self.loss, inputs, target_B), self._mixed.scaled(slope)
        _run_backward((loss,), (slope,), False, False, (), allow_unreachable=True, accumulate_grad=True)
        self._begun = more
        if not more:
            self._change(self._gradients(), rate)
        return loss.detach()

    def _wait(self, rate: float, more: bool) -> Tensor:
        """The step of a process that no row of a small batch is left for."""
        self._begun = more
        if not more:
            self._change(self._gradients(), rate)
        return self._one * 0

    def _gradients(self) -> list[Tensor]:
        """Of each weight; zero where none came, as to a part of the module that these rows did not use."""
        found: list[Tensor] = []
        for weight in self._weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            found.append(weight.grad)
        return found

    def agree(self) -> None:
        """See :class:`Step`: statistics of normalisations become their mean over the processes."""
        if self._ranks is not None:
            counting = [part for part in self.model.modules() if isinstance(part, _NormBase) and part.training]
            kept = [tensor for part in counting for tensor in (part.running_mean, part.running_var)]
            self._ranks.mean([tensor for tensor in kept if tensor is not None])

    def _change(self, gradients: list[Tensor], rate: float) -> None:
        if self._ranks is not None:
            self._ranks.sum(gradients)
        if self._mixed is not None and not self._mixed.settle(gradients):
            return
        if self._penalty is not None:
            self._penalty.add(gradients)
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self._weights, self._clip_norm)
        self._update.apply(gradients, rate)

    @torch.no_grad()
    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """See :class:`Step`."""
        if self.model.training:
            self.model.eval()
        return self.model(*inputs)

    def tensors(self) -> dict[str, Tensor]:
        """See :class:`Step`; what the optimizer remembers is named ``optimizer.<name>.<weight's place>``."""
        state = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self._mixed is not None:
            state |= {f"optimizer.{name}": tensor for name, tensor in self._mixed.tensors().items()}
        return state | {f"optimizer.{name}": tensor for name, tensor in self._update.tensors().items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """See :class:`Step`."""
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])


def trainable(model: nn.Module) -> list[Tensor]:
    """The weights that a gradient changes, in the module's order."""
    return [weight for weight in model.parameters() if weight.requires_grad]
