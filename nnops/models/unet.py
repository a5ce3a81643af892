"""U-Net (Ronneberger, Fischer and Brox 2015, "U-Net: Convolutional networks for biomedical image segmentation")."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.activation import Activation
from nnops.models.base import Model, SomeWidths, require_image
from nnops.models.convolution import Stack, by_channel
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm


class Unet(Model):
    """Halves the image stage by stage and doubles it again, each stage on the way up seeing the one on the way down.

    As in figure 1, but with convolutions that keep the size of their image, and images padded at the right and below,
    their edge repeated, to what can be halved so often; the answer is cropped to the image.
    """

    dense: ClassVar[str] = "mask"

    channels: SomeWidths = Field(default=(16, 32, 64), description="Channels of each stage; each but the last halves")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Of the lowest stage")
    norm: Norm = Field(default="batch", description="After each convolution")
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [
            cls(channels=(4, 6), norm="none"),
            cls(channels=(4, 6, 8), activation="elu", dropout=0.1, norm="group"),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("unet", spec)
        if spec.task != "segmentation":
            raise ParamsError(
                f"params.yaml: model.name: 'unet' answers with a class for each pixel, but the task is {spec.task};"
                " write 'cnn'."
            )
        most = min(height, width).bit_length()
        if len(self.channels) > most:
            raise ParamsError(
                f"params.yaml: model.options.channels must name at most {most} stages, since each but the last halves"
                f" the {height}x{width} images, got {len(self.channels)}."
            )
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Unet, spec: Spec) -> None:
        super().__init__()
        depth, height, width = spec.shapes[0]
        step = 2 ** (len(options.channels) - 1)
        self.height, self.width = height, width
        self.padding = (0, -width % step, 0, -height % step)
        stack = Stack(depth, height + self.padding[3], width + self.padding[1], options.norm, options.activation)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        self.widen = nn.ModuleList()
        for place, out in enumerate(options.channels):
            if place:
                stack.height, stack.width = stack.height // 2, stack.width // 2
            self.down.append(nn.Sequential(*stack.convolve(out, 3), *stack.convolve(out, 3)))
        self.dropout = build_dropout(options.dropout)
        for out in reversed(options.channels[:-1]):
            # A pixel becomes four: as much as the transposed convolution of the paper, without its chequered pattern.
            self.widen.append(nn.Conv2d(stack.channels, out, 1))
            stack.channels, stack.height, stack.width = 2 * out, 2 * stack.height, 2 * stack.width
            self.up.append(nn.Sequential(*stack.convolve(out, 3), *stack.convolve(out, 3)))
        self.output = nn.Conv2d(stack.channels, spec.outputs, 1)
        initialise(self, options.activation, self.output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BCHW``."""
        if any(self.padding):
            image_BCHW = F.pad(image_BCHW, self.padding, mode="replicate")
        passed: list[Tensor] = []
        for place, stage in enumerate(self.down):
            image_BCHW = stage(F.max_pool2d(image_BCHW, 2) if place else image_BCHW)
            passed.append(image_BCHW)
        image_BCHW = self.dropout(passed.pop())
        for widen, stage in zip(self.widen, self.up, strict=True):
            image_BCHW = stage(torch.cat([passed.pop(), F.interpolate(widen(image_BCHW), scale_factor=2.0)], 1))
        return self.output(image_BCHW)[:, :, : self.height, : self.width]
