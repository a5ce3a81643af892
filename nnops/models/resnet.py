"""Residual network of basic blocks (He, Zhang, Ren and Sun 2016, "Deep residual learning", section 4.2)."""

from dataclasses import replace
from typing import Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, SomeWidths, require_image
from nnops.models.convolution import Stack, by_channel
from nnops.models.dropout import Dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm


class Resnet(Model):
    """The paper's network for small images: a 3x3 convolution, stages of blocks, global average pooling, linear.

    Each stage but the first halves the image. The paper's ResNet-20 is ``channels: [16, 32, 64], blocks: 3``.
    """

    channels: SomeWidths = Field(default=(16, 32, 64), description="Channels of each stage")
    blocks: int = Field(default=1, ge=1, description="Blocks in a stage, of two convolutions each")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Before the last layer")
    norm: Norm = "batch"
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """One stage, and two stages with every option in use."""
        return [cls(channels=(4,)), cls(channels=(4, 6), blocks=2, activation="silu", dropout=0.1)]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network; any size of image fits."""
        require_image("resnet", spec)
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Resnet, spec: Spec) -> None:
        super().__init__()
        stack = Stack(*spec.shapes[0], norm=options.norm, activation=options.activation)
        self.stem = nn.Sequential(*stack.convolve(options.channels[0], 3))
        blocks: list[nn.Module] = []
        for stage, out in enumerate(options.channels):
            blocks += [_Block(stack, out, 2 if stage and not place else 1) for place in range(options.blocks)]
        self.blocks = nn.Sequential(*blocks)
        output = nn.Linear(stack.channels, spec.outputs)
        pooled: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.head = nn.Sequential(*pooled, *([Dropout(options.dropout)] if options.dropout else []), output)
        initialise(self, options.activation, output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.head(self.blocks(self.stem(image_BCHW)))


class _Block(nn.Module):
    """``activation(F(x) + shortcut(x))`` (eq. 2); a 1x1 convolution where the shape changes (section 4.1, option B)."""

    def __init__(self, stack: Stack, out: int, stride: int) -> None:
        super().__init__()
        aside = replace(stack)
        self.residual = nn.Sequential(*stack.convolve(out, 3, stride), *stack.convolve(out, 3, active=False))
        self.shortcut = (
            nn.Identity()
            if stride == 1 and aside.channels == out
            else nn.Sequential(*aside.convolve(out, 1, stride, active=False))
        )
        self.activation = ACTIVATIONS[stack.activation]()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The image, halved where the stride is 2."""
        return self.activation(self.residual(x_BCHW) + self.shortcut(x_BCHW))
