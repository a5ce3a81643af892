"""Graph convolutional network: a row is answered by its neighbours, too.

Kipf and Welling 2017, "Semi-supervised classification with graph convolutional networks".
Legend of shape suffixes: B batch, N nodes, D width.
"""

from itertools import pairwise
from typing import Self

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, Widths, require_graph
from nnops.models.dropout import build_dropout
from nnops.models.flat import Flat
from nnops.models.graph import Graph
from nnops.models.initialisation import Initialisation, initialise


class Gcn(Model):
    """Layers of Kipf and Welling 2017, eq. 2: ``H' = activation(A^ H W + b)``, A^ the normalised adjacency.

    A^ has self-loops. With one hidden layer a node sees its neighbours and theirs. All nodes of all splits are seen,
    their targets are not: a batch picks the rows that the loss is of. Dropout stands before each layer, as there.
    """

    hidden: Widths = Field(default=(64,), description="Width of each hidden layer; each sees one edge further")
    activation: Activation = "relu"
    dropout: float = Field(default=0.5, ge=0, lt=1)
    initialisation: Initialisation = "auto"
    embedding_max: int = Field(default=32, ge=1, description="Most dimensions that a category is embedded in")

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [
            cls(hidden=(16,), dropout=0.0),
            cls(hidden=(16, 8), activation="elu", dropout=0.1, initialisation="xavier", embedding_max=3),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network; it answers once it holds a graph, see :func:`nnops.models.graph.hold_graph`.

        Raises:
            ParamsError: The data are no graph.
        """
        require_graph("gcn", spec)
        return _Network(self, spec)


class _Network(Flat):
    def __init__(self, options: Gcn, spec: Spec) -> None:
        super().__init__(spec, options.embedding_max)
        self.graph = Graph(spec)
        widths = [self.width, *options.hidden]
        self.hidden = nn.ModuleList(_Layer(wide, out) for wide, out in pairwise(widths))
        self.activations = nn.ModuleList(ACTIVATIONS[options.activation]() for _ in options.hidden)
        self.dropout = build_dropout(options.dropout)
        self.output = _Layer(widths[-1], spec.outputs)
        initialise(self, options.activation, self.output.linear, options.initialisation)
        self.initialise_embeddings()

    def forward(self, *inputs: Tensor) -> Tensor:
        """``node_B``, the last input, to ``logits_BC``; the columns are those of the graph."""
        value_ND = self.flatten(self.graph.columns)
        for layer, activation in zip(self.hidden, self.activations, strict=True):
            value_ND = activation(layer(self.dropout(value_ND), self.graph))
        return self.output(self.dropout(value_ND), self.graph).index_select(0, inputs[-1])


class _Layer(nn.Module):
    """Eq. 2 before the activation."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out, bias=False)
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, value_ND: Tensor, graph: Graph) -> Tensor:
        """``[N, width]`` to ``[N, out]``."""
        return graph.multiply(self.linear(value_ND)) + self.bias
