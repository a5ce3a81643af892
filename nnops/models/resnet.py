"""Residual network of basic blocks (He, Zhang, Ren and Sun 2016, "Deep residual learning", section 4.2)."""

from typing import Self

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, SomeWidths, require_image
from nnops.models.initialisation import initialise


class Resnet(Model):
    """The paper's network for small images: a 3x3 convolution, stages of blocks, global average pooling, linear.

    Each stage but the first halves the image. The paper's ResNet-20 is ``channels: [16, 32, 64], blocks: 3``.
    """

    channels: SomeWidths = Field(default=(16, 32, 64), description="Channels of each stage")
    blocks: int = Field(default=1, ge=1, description="Blocks in a stage, of two convolutions each")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Before the last layer")

    @classmethod
    def examples(cls) -> list[Self]:
        """One stage, and two stages with every option in use."""
        return [cls(channels=(4,)), cls(channels=(4, 6), blocks=2, activation="silu", dropout=0.1)]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network; any size of image fits."""
        channels, _, _ = require_image("resnet", spec)
        # Laid out channel by channel, a CPU convolves in three quarters of the time.
        return _Network(self, spec, channels).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class _Network(nn.Module):
    def __init__(self, options: Resnet, spec: Spec, depth: int) -> None:
        super().__init__()
        activation = ACTIVATIONS[options.activation]
        width = options.channels[0]
        self.stem = nn.Sequential(_convolution(depth, width, 1), nn.BatchNorm2d(width), activation())
        blocks: list[nn.Module] = []
        for stage, out in enumerate(options.channels):
            for place in range(options.blocks):
                blocks.append(_Block(width, out, 2 if stage and not place else 1, activation))
                width = out
        self.blocks = nn.Sequential(*blocks)
        output = nn.Linear(width, spec.outputs)
        pooled: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.head = nn.Sequential(*pooled, *([nn.Dropout(options.dropout)] if options.dropout else []), output)
        initialise(self, options.activation, output)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.head(self.blocks(self.stem(image_BCHW)))


class _Block(nn.Module):
    """``activation(F(x) + shortcut(x))`` (eq. 2); a 1x1 convolution where the shape changes (section 4.1, option B)."""

    def __init__(self, width: int, out: int, stride: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(width, out, stride),
            nn.BatchNorm2d(out),
            activation(),
            _convolution(out, out, 1),
            nn.BatchNorm2d(out),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and width == out
            else nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )
        self.activation = activation()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The image, halved where the stride is 2."""
        return self.activation(self.residual(x_BCHW) + self.shortcut(x_BCHW))


def _convolution(width: int, out: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(width, out, 3, stride, padding=1, bias=False)
