"""gcn: the paper's equation, its gradient, the exported way, and that edges are worth something where they tell."""

from pathlib import Path

import numpy as np
import pytest
import torch
from graphs import write_graph
from small import SPECS, params, ring, small

from nnops.data.prepare import prepare
from nnops.models.gcn import Gcn
from nnops.models.graph import Graph, graph_names, hold_graph
from nnops.training.train import train

SPEC = SPECS["graph"]


def dense(graph):
    """Eq. 2 of the paper with whole matrices, in NumPy."""
    count = len(graph["numeric"])
    adjacency = np.zeros((count, count))
    adjacency[graph["row"], graph["column"]] = graph["weight"]
    adjacency += np.eye(count)
    scale = np.diag(adjacency.sum(1) ** -0.5)
    return scale @ adjacency @ scale


def weighted():
    """The ring, one edge of which weighs 3."""
    graph = ring()
    one, other = 4, 5
    edge = (graph["row"] == one) & (graph["column"] == other) | (graph["row"] == other) & (graph["column"] == one)
    return graph | {"weight": torch.where(edge, 3.0, 1.0)}


def test_a_layer_is_the_papers_equation():
    model = Gcn(hidden=(16,), dropout=0.0, activation="tanh").build(SPEC).eval()
    hold_graph(model, weighted)
    matrix = dense(weighted())
    values = model.flatten(model.graph.columns).detach().numpy()
    (first,), last = model.hidden, model.output
    with torch.no_grad():
        first.bias.uniform_(-1, 1)
        last.bias.uniform_(-1, 1)
    hidden = np.tanh(matrix @ values @ first.linear.weight.detach().numpy().T + first.bias.detach().numpy())
    expected = matrix @ hidden @ last.linear.weight.detach().numpy().T + last.bias.detach().numpy()
    node = torch.tensor([3, 3, 200, 5])
    numeric, categories = model.graph.columns
    output = model(numeric[node], categories[node], node).detach().numpy()
    np.testing.assert_allclose(output, expected[node], rtol=1e-4, atol=1e-5)


def test_the_gradient_is_that_of_the_whole_matrix():
    graph = Graph(SPEC)
    graph.hold(weighted())
    value = torch.randn(SPEC.nodes, 5, requires_grad=True)
    weight = torch.randn(SPEC.nodes, 5)
    (graph.multiply(value) * weight).sum().backward()
    expected = torch.from_numpy(dense(weighted())).float().T @ weight
    torch.testing.assert_close(value.grad, expected, rtol=1e-4, atol=1e-5)


def test_the_way_of_export_and_of_gpus_is_the_same_product(monkeypatch):
    graph = Graph(SPEC)
    graph.hold(weighted())
    value = torch.randn(SPEC.nodes, 5)
    by_rows = graph.multiply(value)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(graph.multiply(value), by_rows, rtol=1e-5, atol=1e-6)


def test_a_neighbour_of_a_neighbour_tells_and_the_next_one_does_not():
    model = Gcn(hidden=(16,), dropout=0.0, activation="tanh").build(SPEC).eval()
    hold_graph(model, ring)
    node = torch.arange(SPEC.nodes)

    def answers():
        return model(*model.graph.columns, node)

    before = answers()
    model.graph.numeric[100] += 1
    changed = (answers() != before).any(1)
    assert node[changed].tolist() == [98, 99, 100, 101, 102]


def test_a_transfer_takes_weights_and_keeps_its_own_graph(tmp_path):
    from safetensors.torch import save_file

    from nnops.params import overlay

    data = small(tmp_path / "data", "graph")
    chosen = params(model={"name": "gcn", "options": {"hidden": [8]}}, train={"epochs": 1, "batch_size": "all"})
    first = train(chosen, data)
    names = graph_names(Gcn(hidden=(8,)).build(data.spec))
    other = {name: tensor + (1 if name in names else 0) for name, tensor in first.weights.items()}
    save_file(other, tmp_path / "other.safetensors")
    start = {"train.transfer": {"weights": str(tmp_path / "other.safetensors")}}
    second = train(overlay(chosen, start), data)
    assert {"graph.numeric", "graph.row_L"} <= names
    assert all(torch.equal(second.weights[name], first.weights[name]) for name in names)
    assert second.history[0]["train_loss"] < first.history[0]["train_loss"]


def reached(root: Path, name: str, **options):
    chosen = params(
        data={
            "source": {"name": "csv", "options": {"path": "data/papers.csv"}},
            "target": "field",
            "edges": {"source": {"name": "csv", "options": {"path": "data/citations.csv"}}, "id": "paper"},
        },
        model={"name": name, "options": {"hidden": [32], "dropout": 0.5, **options}},
        train={"epochs": 100, "batch_size": "all", "optimizer": {"name": "adam", "options": {"lr": 0.01}}},
    )
    data = prepare(chosen, root / f"{name}-data", root)
    return train(chosen, data), data


def test_edges_that_tell_are_learned_from_and_bits_repeat(tmp_path):
    write_graph(tmp_path)
    gcn, data = reached(tmp_path, "gcn")
    mlp, plain = reached(tmp_path, "mlp")
    assert data.hash == plain.hash  # the very same rows in the same splits
    assert gcn.best["val_accuracy"] > 0.8
    assert gcn.best["val_accuracy"] > mlp.best["val_accuracy"] + 0.2
    again, _ = reached(tmp_path, "gcn")
    assert again.weights_sha256 == gcn.weights_sha256


def test_an_mlp_is_trained_as_if_there_were_no_edges(tmp_path):
    write_graph(tmp_path, count=120)
    linked, _ = reached(tmp_path, "mlp")
    alone = params(
        data={
            "source": {"name": "csv", "options": {"path": "data/papers.csv"}},
            "target": "field",
            "kinds": {"paper": "ignore"},
        },
        model={"name": "mlp", "options": {"hidden": [32], "dropout": 0.5}},
        train={"epochs": 100, "batch_size": "all", "optimizer": {"name": "adam", "options": {"lr": 0.01}}},
    )
    plain = train(alone, prepare(alone, tmp_path / "plain", tmp_path))
    assert plain.weights_sha256 == linked.weights_sha256


@pytest.mark.parametrize("precision", ["bf16"])
def test_sixteen_bits_train(tmp_path, precision):
    data = small(tmp_path / "data", "graph")
    chosen = params(
        model={"name": "gcn", "options": {"hidden": [8], "dropout": 0.0}},
        train={"batch_size": 32, "precision": precision},
    )
    history = train(chosen, data).history
    assert history[-1]["train_loss"] < history[0]["train_loss"]
