"""Convolutional network in the manner of LeNet-5 (LeCun et al. 1998): convolve, pool, repeat; then connect fully."""

from typing import Literal, Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, SomeWidths, Widths, require_image
from nnops.models.convolution import Window, by_channel
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm, build_norm

POOLINGS: dict[str, type[nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


class Cnn(Model):
    """``[convolution, norm?, activation, pooling] * n, [linear, activation, dropout?] * m, linear``.

    A convolution keeps the size of its image (it is padded with zeros), a pooling halves it.
    """

    channels: SomeWidths = Field(default=(16, 32), description="Channels that each convolution gives")
    kernel: Window = Field(default=3, description="Side of each convolution's window, odd")
    pooling: Literal["average", "max"] = "max"
    hidden: Widths = Field(default=(128,), description="Width of each fully connected layer before the last")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    norm: Norm = Field(default="none", description="After each convolution")
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [
            cls(channels=(4,), hidden=()),
            cls(
                channels=(4, 6), kernel=5, pooling="average", hidden=(8,), activation="tanh", dropout=0.1, norm="batch"
            ),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("cnn", spec)
        side = min(height, width)
        if self.kernel > side:
            raise ParamsError(
                f"params.yaml: model.options.kernel must be at most {side}, the shorter side of the"
                f" {height}x{width} images, got {self.kernel}."
            )
        halvings = side.bit_length() - 1
        if len(self.channels) > halvings:
            raise ParamsError(
                f"params.yaml: model.options.channels must name at most {halvings} convolutions, since each is followed"
                f" by a pooling that halves the {height}x{width} images, got {len(self.channels)}."
            )
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Cnn, spec: Spec) -> None:
        super().__init__()
        depth, height, width = spec.shapes[0]
        layers: list[nn.Module] = []
        for out in options.channels:
            # Normalisation adds a bias of its own.
            bias = options.norm == "none"
            layers.append(nn.Conv2d(depth, out, options.kernel, padding=options.kernel // 2, bias=bias))
            layers += build_norm(options.norm, out, (height, width))
            layers += [ACTIVATIONS[options.activation](), POOLINGS[options.pooling](2)]
            depth, height, width = out, height // 2, width // 2
        layers.append(nn.Flatten())
        size = depth * height * width
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
