"""Residual multilayer perceptron (Gorishniy et al. 2021, "Revisiting deep learning models for tabular data", 3.2)."""

from typing import Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, require_table
from nnops.models.dropout import build_dropout
from nnops.models.flat import Flat
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import VectorNorm, build_vector_norm


class Resmlp(Model):
    """``linear, blocks, norm?, activation, linear``; a block adds ``linear(activation(linear(norm?(x))))`` to x.

    Takes what ``mlp`` takes, and embeds categories likewise.
    """

    width: int = Field(default=128, ge=1, description="Numbers that pass from block to block")
    blocks: int = Field(default=2, ge=1)
    expand: float = Field(default=2.0, gt=0, description="Neurons within a block in widths")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Behind both linear layers of a block")
    norm: VectorNorm = "batch"
    initialisation: Initialisation = "auto"
    embedding_max: int = Field(default=32, ge=1, description="Most dimensions that a category is embedded in")

    @classmethod
    def examples(cls) -> list[Self]:
        """One block, and two with every option in use."""
        return [
            cls(width=8, blocks=1),
            cls(width=6, blocks=2, expand=1.5, activation="prelu", dropout=0.1, norm="layer", embedding_max=3),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network."""
        require_table("resmlp", spec)
        return _Network(self, spec)


class _Network(Flat):
    def __init__(self, options: Resmlp, spec: Spec) -> None:
        super().__init__(spec, options.embedding_max)
        output = nn.Linear(options.width, spec.outputs)
        self.layers = nn.Sequential(
            nn.Linear(self.width, options.width),
            *(_Block(options) for _ in range(options.blocks)),
            *build_vector_norm(options.norm, options.width),
            ACTIVATIONS[options.activation](),
            output,
        )
        initialise(self, options.activation, output, options.initialisation)
        self.initialise_embeddings()

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs in the order of the spec, to ``logits_BC``."""
        return self.layers(self.flatten(inputs))


class _Block(nn.Module):
    def __init__(self, options: Resmlp) -> None:
        super().__init__()
        inner = max(1, round(options.width * options.expand))
        self.residual = nn.Sequential(
            *build_vector_norm(options.norm, options.width),
            nn.Linear(options.width, inner),
            ACTIVATIONS[options.activation](),
            build_dropout(options.dropout),
            nn.Linear(inner, options.width),
            build_dropout(options.dropout),
        )

    def forward(self, x_BD: Tensor) -> Tensor:
        """The vectors in their shape."""
        return x_BD + self.residual(x_BD)
