"""LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", II.B)."""

from typing import Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, require_image
from nnops.models.convolution import Stack, by_channel, check_side
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import Norm


class Lenet(Model):
    """The paper's layers C1 to F6: 6 and 16 channels of 5x5 windows, each averaged over 2x2, then 120 and 84 neurons.

    C1 is padded by two pixels, so images of 28x28 have the paper's sizes. The paper's partial connections, scaled
    tanh and radial output are left out, as today's copies do.
    """

    activation: Activation = "tanh"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Behind F6")
    norm: Norm = "none"
    initialisation: Initialisation = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """The paper's, and with every option in use."""
        return [cls(), cls(activation="leaky_relu", dropout=0.1, norm="batch", initialisation="orthogonal")]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("lenet", spec)
        check_side("lenet", height, width, 12)
        return by_channel(_Network(self, spec))


class _Network(nn.Module):
    def __init__(self, options: Lenet, spec: Spec) -> None:
        super().__init__()
        stack = Stack(*spec.shapes[0], norm=options.norm, activation=options.activation)
        layers: list[nn.Module] = [
            *stack.convolve(6, 5),
            stack.pool(kind=nn.AvgPool2d),
            *stack.convolve(16, 5, padding=0),
            stack.pool(kind=nn.AvgPool2d),
            nn.Flatten(),
        ]
        size = stack.size
        for out in (120, 84):
            layers += [nn.Linear(size, out), ACTIVATIONS[options.activation]()]
            size = out
        layers.append(build_dropout(options.dropout))
        output = nn.Linear(size, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output, options.initialisation)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        return self.layers(image_BCHW)
