"""What edges are worth, and what a step over them costs: a planted graph, and two ways of the same sparse product.

``python -m benchmarks graphs`` prints two tables in Markdown.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from nnops.batch import Spec
from nnops.data.prepare import prepare
from nnops.evaluation.evaluate import evaluate
from nnops.models.graph import Graph
from nnops.params import Params, parse
from nnops.training.artifact import read_model, write_model
from nnops.training.ensemble import train_model

SEEDS = (7, 8, 9, 10, 11)
TURNS = 15


def plant(folder: Path, count: int = 500, inside: float = 0.04, outside: float = 0.004) -> None:
    """A stochastic block model (Holland et al. 1983): three classes, six numbers that say little of them."""
    rng = np.random.default_rng(3)
    code = rng.integers(0, 3, count)
    value = rng.normal(size=(count, 6)) + 0.4 * np.eye(3, 6)[code]
    lines = [f"{at},{','.join(f'{one:.3f}' for one in row)},c{code[at]}" for at, row in enumerate(value)]
    (folder / "nodes.csv").write_text("\n".join(["id,a,b,c,d,e,f,kind", *lines]) + "\n")
    chance = np.where(code[:, None] == code[None], inside, outside)
    pairs = np.argwhere(np.triu(rng.random(chance.shape) < chance, 1))
    (folder / "edges.csv").write_text("\n".join(["from,to", *(f"{a},{b}" for a, b in pairs)]) + "\n")


def settings(name: str, seed: int) -> Params:
    """A training of a family on the graph."""
    return parse(
        {
            "seed": seed,
            "data": {
                "source": {"name": "csv", "options": {"path": "nodes.csv"}},
                "target": "kind",
                "edges": {"source": {"name": "csv", "options": {"path": "edges.csv"}}, "id": "id"},
                "split": {"val": 0.2, "test": 0.2},
            },
            "model": {"name": name, "options": {"hidden": [32], "dropout": 0.5}},
            "train": {
                "epochs": 100,
                "batch_size": "all",
                "optimizer": {"name": "adam", "options": {"lr": 0.01, "weight_decay": 5e-4}},
                "early_stopping": {"metric": "val_loss", "patience": 20},
                "device": "cpu",
            },
            "evaluate": {"baselines": ["majority", "linear", "boosted_trees"], "intervals": {"samples": 0}},
        }
    )


def accuracies(folder: Path) -> dict[str, list[float]]:
    """Test accuracy by family or baseline, a value for each seed of splits and weights."""
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        for name in ("gcn", "mlp"):
            params = settings(name, seed)
            data = prepare(params, folder / "data", folder, pictures=False)
            write_model(folder / name, train_model(params, data), params, data)
            card = evaluate(read_model(folder / name), data, params)
            found.setdefault(name, []).append(card.test["accuracy"].value)
            for one in card.baselines if name == "gcn" else ():
                found.setdefault(one.name, []).append(one.test["accuracy"].value)
    return found


def random_graph(nodes: int, edges: int) -> Graph:
    """A graph of edges drawn at random."""
    rng = np.random.default_rng(0)
    pair = rng.integers(0, nodes, (2, edges))
    pair = np.concatenate([pair, pair[::-1]], 1)[:, np.tile(pair[0] != pair[1], 2)]
    key = torch.from_numpy(np.unique(pair[0] * nodes + pair[1]))
    graph = Graph(Spec("multiclass", ("numeric", "node"), ((1,), ()), (), 2, nodes=nodes, links=len(key)))
    links = {"row": key // nodes, "column": key % nodes, "weight": torch.ones(len(key))}
    graph.hold(links | {"numeric": torch.zeros(nodes, 1)})
    return graph


def products(graph: Graph, width: int) -> dict[str, Callable[[], None]]:
    """The product and its gradient, by rows as networks do it, and link by link."""
    nodes = len(graph.start_S) - 1
    value_ND = torch.randn(nodes, width, requires_grad=True)

    def by_rows() -> None:
        graph.multiply(value_ND).sum().backward()

    def by_links() -> None:
        sent_LD = value_ND.index_select(0, graph.column_L) * graph.weight_L.unsqueeze(1)
        torch.zeros(nodes, width).index_add(0, graph.row_L, sent_LD).sum().backward()

    return {"by rows": by_rows, "link by link": by_links}


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder))
        print("| | test accuracy, mean | least | most |\n|---|---:|---:|---:|")
        for name, values in accuracies(Path(folder)).items():
            print(f"| {name} | {sum(values) / len(values):.3f} | {min(values):.3f} | {max(values):.3f} |")
    print("\n| nodes, edges, width | by rows, ms | link by link, ms | ratio, median of turns |\n|---|---:|---:|---:|")
    for nodes, edges, width in ((2708, 5278, 64), (20_000, 100_000, 64)):
        took: dict[str, list[float]] = {}
        ways = products(random_graph(nodes, edges), width)
        for _ in range(TURNS):
            for name, way in ways.items():
                start_s = time.perf_counter()
                way()
                took.setdefault(name, []).append(1000 * (time.perf_counter() - start_s))
        ratios = [other / one for one, other in zip(took["by rows"], took["link by link"], strict=True)]
        rows, links = (median(took[name]) for name in ("by rows", "link by link"))
        print(f"| {nodes:,}, {edges:,}, {width} | {rows:.2f} | {links:.2f} | {median(ratios):.1f} |")


if __name__ == "__main__":
    main()
