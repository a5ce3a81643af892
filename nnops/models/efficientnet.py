"""EfficientNet (Tan and Le 2019, "EfficientNet: Rethinking model scaling for convolutional networks", table 1)."""

from dataclasses import replace
from typing import Self

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, SomeWidths, require_image
from nnops.models.convolution import Stack, Window, by_channel, check_halvings
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm


class Efficientnet(Model):
    """A 3x3 convolution, stages of MBConv blocks, a 1x1 convolution, global average pooling, linear.

    A block widens (1x1), convolves each channel alone, weighs the channels by squeeze and excitation, and narrows
    (1x1) without activation (Sandler et al. 2018, table 1; Hu, Shen and Sun 2018, eq. 2 to 4). Each stage but the
    first halves the image. Width, depth and resolution are scaled by ``channels``, ``blocks`` and the size of the
    images.
    """

    channels: SomeWidths = Field(default=(16, 24, 40), description="Channels of each stage")
    blocks: int = Field(default=2, ge=1, description="Blocks in a stage")
    expand: int = Field(default=4, ge=1, description="Times that a block widens its channels; the paper has 6")
    kernel: Window = Field(default=3, description="Side of a block's window, odd")
    squeeze: float = Field(default=0.25, gt=0, le=1, description="Neurons that weigh channels, as a share of a block's")
    head: int = Field(default=128, ge=1, description="Channels before the last layer")
    activation: Activation = "silu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Before the last layer")
    norm: Norm = "batch"
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """One stage, and two stages with every option in use."""
        return [
            cls(channels=(4,), blocks=1, head=8),
            cls(
                channels=(4, 6), expand=3, kernel=5, squeeze=0.5, head=12, activation="gelu", dropout=0.1, norm="group"
            ),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("efficientnet", spec)
        check_halvings("efficientnet", len(self.channels) - 1, height, width)
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Efficientnet, spec: Spec) -> None:
        super().__init__()
        stack = Stack(*spec.shapes[0], norm=options.norm, activation=options.activation)
        layers: list[nn.Module] = stack.convolve(options.channels[0], 3)
        for stage, out in enumerate(options.channels):
            layers += [_Block(stack, out, 2 if stage and not place else 1, options) for place in range(options.blocks)]
        layers += stack.convolve(options.head, 1)
        drop = build_dropout(options.dropout)
        output = nn.Linear(options.head, spec.outputs)
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), drop, output)
        initialise(self, options.activation, output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.layers(image_BCHW)


class _Block(nn.Module):
    """MBConv; its input is added where the shape stays."""

    def __init__(self, stack: Stack, out: int, stride: int, options: Efficientnet) -> None:
        super().__init__()
        before = replace(stack)
        wide = before.channels * options.expand
        self.residual = nn.Sequential(
            *(stack.convolve(wide, 1) if options.expand > 1 else []),
            *stack.convolve(wide, options.kernel, stride, groups=wide),
            _Excitation(wide, max(1, round(before.channels * options.squeeze)), options.activation),
            *stack.convolve(out, 1, active=False),
        )
        self.adds = stride == 1 and before.channels == out

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The image, halved where the stride is 2."""
        after = self.residual(x_BCHW)
        return x_BCHW + after if self.adds else after


class _Excitation(nn.Module):
    """``x s(W2 a(W1 mean(x)))``: each channel weighed by a number in (0, 1) that all channels decide."""

    def __init__(self, channels: int, squeezed: int, activation: Activation) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            ACTIVATIONS[activation](),
            nn.Conv2d(squeezed, channels, 1),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The image in its shape."""
        return x_BCHW * torch.sigmoid(self.weigh(x_BCHW))
