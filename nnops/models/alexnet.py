"""AlexNet (Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional networks", 3.5)."""

from typing import Annotated, Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, Widths, require_image
from nnops.models.convolution import Stack, by_channel, check_side
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm

_Width = Annotated[int, Field(ge=1)]


class Alexnet(Model):
    """Five convolutions, of which 1, 2 and 5 are followed by an overlapping 3x3 pooling; then fully connected layers.

    The first window is the paper's 11x11 with steps of 4 for images of at least 127 pixels, 7x7 with steps of 2 from
    63, else 5x5. Widths are a quarter of the paper's, ``channels: [96, 256, 384, 384, 256], hidden: [4096, 4096]``.
    Its local response normalisation is left out; ``norm`` is today's.
    """

    channels: tuple[_Width, _Width, _Width, _Width, _Width] = Field(
        default=(24, 64, 96, 96, 64), description="Channels of the five convolutions"
    )
    hidden: Widths = Field(default=(1024, 1024), description="Width of each fully connected layer before the last")
    activation: Activation = "relu"
    dropout: float = Field(default=0.5, ge=0, lt=1, description="Before each fully connected layer but the last")
    norm: Norm = "none"
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """A narrow one, and one with every option in use."""
        return [
            cls(channels=(4, 6, 8, 8, 6), hidden=(8,), dropout=0.0),
            cls(channels=(4, 6, 6, 6, 4), hidden=(16, 16), activation="elu", dropout=0.1, norm="layer"),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("alexnet", spec)
        check_side("alexnet", height, width, 15)
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Alexnet, spec: Spec) -> None:
        super().__init__()
        stack = Stack(*spec.shapes[0], norm=options.norm, activation=options.activation)
        side = min(stack.height, stack.width)
        kernel, stride = (11, 4) if side >= 127 else (7, 2) if side >= 63 else (5, 1)
        one, two, three, four, five = options.channels
        layers: list[nn.Module] = [
            *stack.convolve(one, kernel, stride),
            stack.pool(3),
            *stack.convolve(two, 5),
            stack.pool(3),
            *stack.convolve(three, 3),
            *stack.convolve(four, 3),
            *stack.convolve(five, 3),
            stack.pool(3),
            nn.Flatten(),
        ]
        size = stack.size
        for out in options.hidden:
            layers.append(build_dropout(options.dropout))
            layers += [nn.Linear(size, out), ACTIVATIONS[options.activation]()]
            size = out
        output = nn.Linear(size, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.layers(image_BCHW)
