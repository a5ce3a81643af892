"""What a network knows of a graph: the columns of all nodes, and how nodes are linked.

It is kept with the weights, so that a trained network is whole: it answers for the nodes that it was trained among.
Legend of shape suffixes: N nodes, S row starts (N + 1), L links with self-loops, F features, K categorical columns,
D width.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from nnops.batch import Spec


class Graph(nn.Module):
    """The columns of all nodes and the symmetrically normalised adjacency with self-loops.

    Kipf and Welling 2017, eq. 2: ``D^-1/2 (A + I) D^-1/2``, D being the row sums of A + I. It is stored by rows.

    Args:
        spec: Says how large they are; :meth:`hold` says what they are.
    """

    start_S: Tensor
    row_L: Tensor
    column_L: Tensor
    weight_L: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        links = spec.links + spec.nodes
        for name, shape in zip(spec.inputs, spec.shapes, strict=True):
            if name != "node":
                dtype = torch.int64 if name == "categories" else torch.float32
                self.register_buffer(name, torch.zeros((spec.nodes, *shape), dtype=dtype))
        # Until a graph is held, all links lead from the last node to the first and weigh nothing.
        start_S = torch.zeros(spec.nodes + 1, dtype=torch.int64)
        start_S[-1] = links
        self.register_buffer("start_S", start_S)
        self.register_buffer("row_L", torch.full((links,), spec.nodes - 1))
        self.register_buffer("column_L", torch.zeros(links, dtype=torch.int64))
        self.register_buffer("weight_L", torch.zeros(links))
        self._inputs = tuple(name for name in spec.inputs if name != "node")

    @torch.no_grad()
    def hold(self, graph: Mapping[str, Tensor]) -> None:
        """Take over a graph, see :meth:`nnops.data.prepared.Prepared.graph`, and normalise its links."""
        nodes = len(self.start_S) - 1
        self_N = torch.arange(nodes)
        row_L, column_L = torch.cat([graph["row"], self_N]), torch.cat([graph["column"], self_N])
        weight_L = torch.cat([graph["weight"].double(), torch.ones(nodes, dtype=torch.float64)])
        order_L = torch.argsort(row_L * nodes + column_L)
        row_L, column_L, weight_L = row_L[order_L], column_L[order_L], weight_L[order_L]
        degree_N = torch.zeros(nodes, dtype=torch.float64).index_add_(0, row_L, weight_L)
        found = {
            "start_S": torch.searchsorted(row_L, torch.arange(nodes + 1)),
            "row_L": row_L,
            "column_L": column_L,
            "weight_L": weight_L / (degree_N[row_L] * degree_N[column_L]).sqrt(),
            **{name: graph[name] for name in self._inputs},
        }
        for name, tensor in found.items():
            cast(Tensor, getattr(self, name)).copy_(tensor)

    @property
    def columns(self) -> tuple[Tensor, ...]:
        """``numeric_NF`` and ``categories_NK``, those that the spec has."""
        return tuple(cast(Tensor, getattr(self, name)) for name in self._inputs)

    def multiply(self, value_ND: Tensor) -> Tensor:
        """The normalised adjacency times ``value_ND``, float32 ``[N, D]``."""
        links = (self.start_S, self.row_L, self.column_L, self.weight_L)
        if torch.compiler.is_exporting():
            return _product(value_ND, *links)
        return cast(Tensor, _Product.apply(value_ND, *links))


class _Product(torch.autograd.Function):
    """A product with a symmetric matrix: the gradient is the product of the gradient with the same matrix."""

    @staticmethod
    def forward(ctx: Any, value_ND: Tensor, *links: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(*links)
        return _product(value_ND, *links)

    @staticmethod
    def backward(ctx: Any, gradient_ND: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _product(gradient_ND, *ctx.saved_tensors), None, None, None, None


def _product(value_ND: Tensor, start_S: Tensor, row_L: Tensor, column_L: Tensor, weight_L: Tensor) -> Tensor:
    """By rows on a CPU, many times as fast as one link after the other, which is exported and repeats on a GPU."""
    value_ND = value_ND.to(weight_L.dtype)
    if torch.compiler.is_exporting() or value_ND.device.type != "cpu":
        sent_LD = value_ND.index_select(0, column_L) * weight_L.unsqueeze(1)
        return torch.zeros_like(value_ND).index_add(0, row_L, sent_LD)
    nodes = len(value_ND)
    with warnings.catch_warnings(), torch.autocast("cpu", enabled=False):
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
        return torch.sparse_csr_tensor(start_S, column_L, weight_L, (nodes, nodes), check_invariants=False) @ value_ND


def hold_graph(model: nn.Module, read: Callable[[], Mapping[str, Tensor]]) -> None:
    """Give the graph that ``read`` gives to all parts of a network that want one."""
    for part in model.modules():
        if isinstance(part, Graph):
            part.hold(read())


def graph_names(model: nn.Module) -> set[str]:
    """Names of the tensors that are of a graph, not weights."""
    return {
        f"{name}.{key}" if name else key
        for name, part in model.named_modules()
        if isinstance(part, Graph)
        for key in part.state_dict()
    }
