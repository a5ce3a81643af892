"""VGG: small windows after each other (Simonyan and Zisserman 2015, "Very deep convolutional networks", section 2)."""

from typing import Annotated, Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, SomeWidths, Widths, require_image
from nnops.models.convolution import Stack, by_channel, check_halvings
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm


class Vgg(Model):
    """Stages of 3x3 convolutions, each ended by a pooling that halves the image; then fully connected layers.

    The paper's VGG-16 is ``channels: [64, 128, 256, 512, 512], convolutions: [2, 2, 3, 3, 3], hidden: [4096, 4096]``
    without ``norm``.
    """

    channels: SomeWidths = Field(default=(32, 64, 128), description="Channels of each stage")
    convolutions: int | tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=2, description="Convolutions in each stage, one number or one for each"
    )
    hidden: Widths = Field(default=(256,), description="Width of each fully connected layer before the last")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Behind each fully connected layer")
    norm: Norm = "batch"
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """One stage, and two stages with every option in use."""
        return [
            cls(channels=(4,), convolutions=1, hidden=()),
            cls(channels=(4, 6), convolutions=(1, 2), hidden=(8,), activation="elu", dropout=0.1, norm="group"),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("vgg", spec)
        check_halvings("vgg", len(self.channels), height, width)
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Vgg, spec: Spec) -> None:
        super().__init__()
        stack = Stack(*spec.shapes[0], norm=options.norm, activation=options.activation)
        layers: list[nn.Module] = []
        for out, count in zip(options.channels, _counts(options), strict=True):
            for _ in range(count):
                layers += stack.convolve(out, 3)
            layers.append(stack.pool())
        layers.append(nn.Flatten())
        size = stack.size
        for out in options.hidden:
            layers += [nn.Linear(size, out), ACTIVATIONS[options.activation]()]
            layers.append(build_dropout(options.dropout))
            size = out
        output = nn.Linear(size, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.layers(image_BCHW)


def _counts(options: Vgg) -> tuple[int, ...]:
    if isinstance(options.convolutions, int):
        return (options.convolutions,) * len(options.channels)
    if len(options.convolutions) != len(options.channels):
        raise ParamsError(
            f"params.yaml: model.options.convolutions must be one number or {len(options.channels)} of them, one for"
            f" each stage in channels, got {list(options.convolutions)}."
        )
    return options.convolutions
