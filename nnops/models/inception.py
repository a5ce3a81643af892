"""Inception (Szegedy et al. 2015, "Going deeper with convolutions", section 4 and table 1)."""

from dataclasses import replace
from typing import Annotated, Any, Self

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import Activation
from nnops.models.base import Model, SomeWidths, require_image
from nnops.models.convolution import Stack, by_channel, check_halvings
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm


def _eighths(widths: tuple[int, ...]) -> Any:
    wrong = next((width for width in widths if width % 8), None)
    if wrong is not None:
        raise ValueError(f"must hold multiples of 8, as a module's branches have 2, 4, 1 and 1 eighths, got {wrong}.")
    return widths


class Inception(Model):
    """A 3x3 convolution, stages of modules, global average pooling, linear.

    A module puts four branches side by side: 1x1; 1x1 and 3x3; 1x1 and 5x5; pooling and 1x1. Their shares of the
    channels are those of the paper's module 3a. Each stage but the first halves the image by an overlapping pooling.
    Batch normalisation is that of Ioffe and Szegedy 2015; the paper's auxiliary classifiers are left out.
    """

    channels: Annotated[SomeWidths, AfterValidator(_eighths)] = Field(
        default=(64, 128, 256), description="Channels that the modules of each stage give, multiples of 8"
    )
    modules: int = Field(default=1, ge=1, description="Modules in a stage")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Before the last layer; the paper has 0.4")
    norm: Norm = "batch"
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """One stage, and two stages with every option in use."""
        return [
            cls(channels=(16,)),
            cls(channels=(16, 24), modules=2, activation="silu", dropout=0.1, initialisation="orthogonal"),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("inception", spec)
        check_halvings("inception", len(self.channels) - 1, height, width)
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Inception, spec: Spec) -> None:
        super().__init__()
        stack = Stack(*spec.shapes[0], norm=options.norm, activation=options.activation)
        layers: list[nn.Module] = stack.convolve(options.channels[0] // 2, 3)
        for stage, out in enumerate(options.channels):
            if stage:
                layers.append(stack.pool(3, 2, 1))
            layers += [_Module(stack, out) for _ in range(options.modules)]
        drop = build_dropout(options.dropout)
        output = nn.Linear(stack.channels, spec.outputs)
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), drop, output)
        initialise(self, options.activation, output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.layers(image_BCHW)


class _Module(nn.Module):
    """Figure 2 (b): four views of an image, one behind the other in the channels."""

    def __init__(self, stack: Stack, out: int) -> None:
        super().__init__()
        one, three, five, pooled = (replace(stack) for _ in range(4))
        self.one = nn.Sequential(*one.convolve(out // 4, 1))
        self.three = nn.Sequential(*three.convolve(out * 3 // 8, 1), *three.convolve(out // 2, 3))
        self.five = nn.Sequential(*five.convolve(max(out // 16, 1), 1), *five.convolve(out // 8, 5))
        self.pooled = nn.Sequential(pooled.pool(3, 1, 1), *pooled.convolve(out // 8, 1))
        stack.channels = out

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The image in its size."""
        return torch.cat([self.one(x_BCHW), self.three(x_BCHW), self.five(x_BCHW), self.pooled(x_BCHW)], 1)
