"""Multilayer perceptron over numeric features, embedded categories, flattened pixels or a flattened window."""

from typing import Self

from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, Widths, require_table
from nnops.models.dropout import build_dropout
from nnops.models.flat import Flat
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.norm import VectorNorm, build_vector_norm


class Mlp(Model):
    """Fully connected layers: ``[linear, norm?, activation, dropout?] * len(hidden), linear``.

    Without hidden layers it is a linear model. Categories are embedded: a column of n codes gets
    ``min(embedding_max, round(1.6 * n**0.56))`` dimensions (the rule of fastai's tabular learner).
    """

    hidden: Widths = Field(default=(128, 64), description="Width of each hidden layer")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    norm: VectorNorm = Field(default="none", description="Before each activation")
    initialisation: Initialisation = "auto"
    embedding_max: int = Field(default=32, ge=1, description="Most dimensions that a category is embedded in")

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [cls(hidden=(8,)), cls(hidden=(8, 4), activation="gelu", dropout=0.1, norm="batch")]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network."""
        require_table("mlp", spec)
        return _Network(self, spec)


class _Network(Flat):
    def __init__(self, options: Mlp, spec: Spec) -> None:
        super().__init__(spec, options.embedding_max)
        layers: list[nn.Module] = []
        width = self.width
        for out in options.hidden:
            layers.append(nn.Linear(width, out))
            layers += build_vector_norm(options.norm, out)
            layers.append(ACTIVATIONS[options.activation]())
            layers.append(build_dropout(options.dropout))
            width = out
        output = nn.Linear(width, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output, options.initialisation)
        self.initialise_embeddings()

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs in the order of the spec, to ``logits_BC``."""
        return self.layers(self.flatten(inputs))
