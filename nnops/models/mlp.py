"""Multilayer perceptron over numeric features, embedded categories or flattened pixels."""

from typing import Self, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, Widths
from nnops.models.initialisation import initialise, initialise_embedding


class Mlp(Model):
    """Fully connected layers: ``[linear, norm?, activation, dropout?] * len(hidden), linear``.

    Without hidden layers it is a linear model. Categories are embedded: a column of n codes gets
    ``min(embedding_max, round(1.6 * n**0.56))`` dimensions (the rule of fastai's tabular learner).
    """

    hidden: Widths = Field(default=(128, 64), description="Width of each hidden layer")
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    norm: bool = Field(default=False, description="Batch normalisation before each activation")
    embedding_max: int = Field(default=32, ge=1, description="Most dimensions that a category is embedded in")

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [cls(hidden=(8,)), cls(hidden=(8, 4), activation="gelu", dropout=0.1, norm=True)]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network."""
        return _Network(self, spec)


class _Network(nn.Module):
    def __init__(self, options: Mlp, spec: Spec) -> None:
        super().__init__()
        sizes = [min(options.embedding_max, round(1.6 * n**0.56)) for n in spec.cardinalities]
        self.embeddings = nn.ModuleList(
            nn.Embedding(n, size) for n, size in zip(spec.cardinalities, sizes, strict=True)
        )
        self.numeric = "numeric" in spec.inputs or "image" in spec.inputs
        layers: list[nn.Module] = []
        width = spec.features + sum(sizes)
        for out in options.hidden:
            layers.append(nn.Linear(width, out))
            if options.norm:
                layers.append(nn.BatchNorm1d(out))
            layers.append(ACTIVATIONS[options.activation]())
            if options.dropout:
                layers.append(nn.Dropout(options.dropout))
            width = out
        output = nn.Linear(width, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output)
        for embedding in self.embeddings:
            initialise_embedding(cast(nn.Embedding, embedding))

    def forward(self, *inputs: Tensor) -> Tensor:
        """``numeric_BF`` or ``image_BCHW`` and then ``categories_BK``, whichever the spec has, to ``logits_BC``."""
        parts: list[Tensor] = [inputs[0].flatten(1)] if self.numeric else []
        if len(self.embeddings):
            codes_BK = inputs[-1]
            parts += [embed(codes_BK[:, k]) for k, embed in enumerate(self.embeddings)]
        return self.layers(parts[0] if len(parts) == 1 else torch.cat(parts, 1))
