"""Networks with one fault each, and one without, as a person might write them."""

import torch
from torch import Tensor, nn

from nnops.batch import Spec


def width(spec: Spec) -> int:
    """Numbers of a row."""
    return sum(torch.Size(shape).numel() for shape in spec.shapes)


class Sound(nn.Module):
    """All inputs as one row of numbers, two hidden layers."""

    def __init__(self, spec: Spec, units: int = 32) -> None:
        super().__init__()
        self.first = nn.Linear(width(spec), units)
        self.second = nn.Linear(units, units)
        self.last = nn.Linear(units, spec.outputs)

    def rows(self, inputs: tuple[Tensor, ...]) -> Tensor:
        return torch.cat([tensor.flatten(1).float() for tensor in inputs], 1)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.last(self.second(self.first(self.rows(inputs)).relu()).relu())


class Softmaxed(Sound):
    """Ends in a softmax before a loss that has one."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*inputs).softmax(1)


class Squashed(Sound):
    """Ends in a sigmoid before a loss that has one."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*inputs).sigmoid()


class NeverBelowZero(Sound):
    """A regression that ends in a relu."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*inputs).relu()


class Mixed(Sound):
    """Scales by the mean over the batch, the axis that must not be touched."""

    def forward(self, *inputs: Tensor) -> Tensor:
        x = self.rows(inputs)
        return self.last(self.second(self.first(x - x.mean(0)).relu()).relu())


class Deaf(Sound):
    """Forgets one of its inputs."""

    def rows(self, inputs: tuple[Tensor, ...]) -> Tensor:
        return torch.cat([inputs[0].flatten(1).float(), torch.zeros_like(inputs[1]).float()], 1)


class Detached(Sound):
    """Cuts the gradient on its way back."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.last(self.second(self.first(self.rows(inputs)).relu()).relu().detach())


class Held(Sound):
    """Its layers but the last are held."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.first.requires_grad_(False)
        self.second.requires_grad_(False)


class AllHeld(Sound):
    """Nothing of it learns."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.requires_grad_(False)


class Loud(Sound):
    """Begins with weights that are thirty times too large."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        with torch.no_grad():
            for weight in self.parameters():
                weight.mul_(30.0)


class Silent(Sound):
    """Begins with biases so far below zero that no unit answers."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.act = nn.ReLU()
        nn.init.constant_(self.second.bias, -100.0)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.last(self.act(self.second(self.act(self.first(self.rows(inputs))))))
