"""A perceptron for tables: each number becomes waves of learned length before the layers (Gorishniy et al. 2022).

Legend of shape suffixes: B batch, F features, E coordinates, K categorical columns, P periods, Q = 2 P, D width of what
is embedded.
"""

import math
from typing import Self, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, SomeWidths
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import initialise, initialise_embedding


class Tabular(Model):
    """Numbers and categories embedded, then ``[linear, activation, dropout?] * len(hidden), linear``.

    A number x becomes relu(W [cos v, sin v] + b) with v = 2 pi c x (the paper's PLR, eq. 3), its frequencies c
    drawn from N(0, ``frequency``) and learned, W its own. A sharp bend of the target is then as easy as a slope.

    The numbers of ``data.coordinates`` are embedded once more, together: c has a component for each of them, so that
    waves run in all directions and a spot on the map is as easy as a strip (Rahimi and Recht 2007, algorithm 1; the
    frequencies learned).
    """

    hidden: SomeWidths = Field(default=(256, 128), description="Width of each hidden layer")
    activation: Activation = "relu"
    dropout: float = Field(default=0.1, ge=0, lt=1)
    periods: int = Field(default=24, ge=1, description="Waves of each number")
    frequency: float = Field(default=0.1, gt=0, description="Deviation of their frequencies at first")
    width: int = Field(default=12, ge=1, description="Dimensions that a number is embedded in")
    plain: bool = Field(default=False, description="Numbers go on as they are, too, beside their waves")
    place_periods: int = Field(default=128, ge=1, description="Waves of data.coordinates together")
    place_frequency: float = Field(default=2.0, gt=0, description="Deviation of their frequencies at first")
    place_width: int = Field(default=64, ge=1, description="Dimensions that a place is embedded in")
    embedding_max: int = Field(default=32, ge=1, description="Most dimensions that a category is embedded in")

    @classmethod
    def examples(cls) -> list[Self]:
        """A small one, and one with every option in use."""
        return [
            cls(hidden=(8,), periods=4, width=4, dropout=0.0),
            cls(
                hidden=(8, 4),
                activation="gelu",
                dropout=0.2,
                periods=3,
                frequency=0.5,
                width=5,
                plain=True,
                place_periods=4,
                place_frequency=1.0,
                place_width=6,
                embedding_max=3,
            ),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network.

        Raises:
            ParamsError: The data are no table.
        """
        if not set(spec.inputs) <= {"numeric", "categories", "node"}:
            raise ParamsError(
                f"params.yaml: model.name: 'tabular' needs a table, but the data have {' and '.join(spec.inputs)};"
                " write 'mlp'."
            )
        return _Network(self, spec)


class Waves(nn.Module):
    """``numeric_BF`` to ``embedded_BFD``."""

    def __init__(self, features: int, periods: int, frequency: float, width: int) -> None:
        super().__init__()
        self.frequency_FP = nn.Parameter(torch.randn(features, periods) * frequency)
        bound = 1 / math.sqrt(2 * periods)
        self.weight_FQD = nn.Parameter(torch.empty(features, 2 * periods, width).uniform_(-bound, bound))
        self.bias_FD = nn.Parameter(torch.empty(features, width).uniform_(-bound, bound))

    def forward(self, numeric_BF: Tensor) -> Tensor:
        """Embed."""
        angle_FBP = 2 * math.pi * numeric_BF.t().unsqueeze(2) * self.frequency_FP.unsqueeze(1)
        wave_FBQ = torch.cat([angle_FBP.cos(), angle_FBP.sin()], 2)
        return torch.relu(torch.bmm(wave_FBQ, self.weight_FQD) + self.bias_FD.unsqueeze(1)).transpose(0, 1)


class Place(nn.Module):
    """Some of ``numeric_BF`` together to ``embedded_BD``."""

    def __init__(self, coordinates: tuple[int, ...], periods: int, frequency: float, width: int) -> None:
        super().__init__()
        self.register_buffer("place_E", torch.tensor(coordinates), persistent=False)
        self.frequency_EP = nn.Parameter(torch.randn(len(coordinates), periods) * frequency)
        bound = 1 / math.sqrt(2 * periods)
        self.weight_QD = nn.Parameter(torch.empty(2 * periods, width).uniform_(-bound, bound))
        self.bias_D = nn.Parameter(torch.empty(width).uniform_(-bound, bound))

    def forward(self, numeric_BF: Tensor) -> Tensor:
        """Embed."""
        angle_BP = 2 * math.pi * numeric_BF.index_select(1, cast(Tensor, self.place_E)) @ self.frequency_EP
        return torch.relu(torch.cat([angle_BP.cos(), angle_BP.sin()], 1) @ self.weight_QD + self.bias_D)


class _Network(nn.Module):
    def __init__(self, options: Tabular, spec: Spec) -> None:
        super().__init__()
        self.coded = spec.inputs.index("categories") if "categories" in spec.inputs else 0
        sizes = [min(options.embedding_max, round(1.6 * n**0.56)) for n in spec.cardinalities]
        self.waves = None
        if spec.features:
            self.waves = Waves(spec.features, options.periods, options.frequency, options.width)
        self.embeddings = nn.ModuleList(
            nn.Embedding(n, size) for n, size in zip(spec.cardinalities, sizes, strict=True)
        )
        layers: list[nn.Module] = []
        width = spec.features * (options.width + options.plain) + sum(sizes)
        self.plain = options.plain
        self.place = None
        if spec.coordinates:
            self.place = Place(spec.coordinates, options.place_periods, options.place_frequency, options.place_width)
            width += options.place_width
        for out in options.hidden:
            layers += [nn.Linear(width, out), ACTIVATIONS[options.activation]()]
            # A place of its own in any case: weights keep their names when the rate changes on the way.
            layers.append(build_dropout(options.dropout))
            width = out
        output = nn.Linear(width, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output)
        for embedding in self.embeddings:
            initialise_embedding(cast(nn.Embedding, embedding))

    def forward(self, *inputs: Tensor) -> Tensor:
        """``numeric_BF`` and then ``categories_BK``, whichever the spec has, to ``logits_BC``; links are not seen."""
        parts: list[Tensor] = []
        if self.waves is not None:
            parts.append(self.waves(inputs[0]).flatten(1))
            parts += [inputs[0]] if self.plain else []
        if self.place is not None:
            parts.append(self.place(inputs[0]))
        if len(self.embeddings):
            codes_BK = inputs[self.coded]
            parts += [embed(codes_BK[:, k]) for k, embed in enumerate(self.embeddings)]
        return self.layers(parts[0] if len(parts) == 1 else torch.cat(parts, 1))
