"""What goes on in each layer: how large its gradient is beside its weights, and how many of its units say anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nnops.losses.base import Loss
from nnops.training.step import trainable

#: Activations that are zero below some input, and those that end at bounds (lowest, highest).
CUTTING = (nn.ReLU, nn.ReLU6)
BOUNDED: dict[type[nn.Module], tuple[float, float]] = {nn.Sigmoid: (0.0, 1.0), nn.Tanh: (-1.0, 1.0)}
#: How close to a bound, as a part of the way between both, is saturated.
CLOSE = 0.02


@dataclass(frozen=True)
class Flow:
    """The gradient of one weight.

    Attributes:
        name: The weight's.
        norm: Of its gradient; None where the loss does not depend on it.
        weight: The weight's own norm.
    """

    name: str
    norm: float | None
    weight: float

    @property
    def relative(self) -> float:
        """The gradient's norm as a part of the weight's."""
        return (self.norm or 0.0) / self.weight if self.weight else 0.0


@dataclass(frozen=True)
class Layer:
    """The units of one activation.

    Attributes:
        name: The module's.
        kind: The activation.
        units: How many there are; a channel of a picture is one.
        dead: The part of them that is zero for every row.
        saturated: The part of all values that lies at a bound.
    """

    name: str
    kind: str
    units: int
    dead: float
    saturated: float


def measure_flow(module: nn.Module, loss: Loss, inputs: tuple[Tensor, ...], target_B: Tensor) -> list[Flow]:
    """The gradients of all weights of two axes or more, in the module's order, without dropout.

    Normalisations over rows take the statistics of these rows, as in training; what they remember is put back.
    """
    names = {id(weight): name for name, weight in module.named_parameters()}
    weights = trainable(module)
    with _training(module):
        found = torch.autograd.grad(loss(module(*inputs), target_B), weights, allow_unused=True)
    return [
        Flow(names[id(weight)], None if slope is None else float(slope.norm()), float(weight.detach().norm()))
        for weight, slope in zip(weights, found, strict=True)
        if weight.ndim > 1
    ]


@torch.no_grad()
def measure_units(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Layer]:
    """The units of all activations that can die or saturate, in the order in which they are called, as in use."""
    said: list[Layer] = []
    hooks = []
    for name, part in module.named_modules():
        if isinstance(part, (*CUTTING, *BOUNDED)):

            def keep(part: nn.Module, _: object, output: Tensor, name: str = name) -> None:
                said.append(_judge(name, part, output))

            hooks.append(part.register_forward_hook(keep))
    training = module.training
    try:
        module.eval()(*inputs)
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return said


def _judge(name: str, part: nn.Module, output: Tensor) -> Layer:
    # The axis of units is the second one of pictures and of vectors, the last one of steps.
    values = output.movedim(1 if output.ndim == 4 else -1, -1).flatten(0, -2)
    dead = float((values == 0).all(0).float().mean()) if isinstance(part, CUTTING) else 0.0
    saturated = 0.0
    if type(part) in BOUNDED:
        low, high = BOUNDED[type(part)]
        margin = CLOSE * (high - low)
        saturated = float(((values < low + margin) | (values > high - margin)).float().mean())
    return Layer(name, type(part).__name__, values.shape[1], dead, saturated)


@contextmanager
def _training(module: nn.Module) -> Iterator[None]:
    """The module as it trains, but for dropout; its buffers and modes are as before afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    kept = [buffer.clone() for buffer in module.buffers()]
    module.train()
    for part in module.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
        with torch.no_grad():
            for buffer, before in zip(module.buffers(), kept, strict=True):
                buffer.copy_(before)
