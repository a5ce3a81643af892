"""The training loop beside its peers, in one run, on one thread: digits, MLP 64-128-64-10, batches of 64.

    python benchmarks/training_loop.py [--epochs 40] [--repeats 9] [--check]

recipe        the usual torch recipe: DataLoader, nn.Sequential, default AdamW, val accuracy each epoch
hand-written  the best loop written by hand: tensors, an index a batch, fused AdamW, loss and accuracy on val each epoch
nnops         nnops.training.train(), the same look at val
+ checkpoint  the same with a checkpoint offered each epoch
+ tracking    the same with checkpoints and each epoch reported to MLflow through the spool

The five take turns, and a ratio is the median over the turns of ratios within a turn, since a shared machine has slow
and fast minutes. A warm-up turn comes first.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import nn
from torch.nn import functional as F

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.params import parse
from nnops.report import Report
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import RunInfo
from nnops.training.train import train

BATCH = 64
RATE = 1e-3
#: Most time that nnops may take, as a ratio to a peer's.
LIMITS = {
    ("nnops", "recipe"): 0.8,
    ("nnops", "hand-written"): 1.03,
    ("+ checkpoint", "hand-written"): 1.05,
    ("+ tracking", "hand-written"): 1.05,
}


def network() -> nn.Sequential:
    """The network of all five."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def recipe(data: Prepared, epochs: int) -> float:
    """What torch's tutorials show."""
    train_split, val = data.tensors("train"), data.tensors("val")
    rows = torch.utils.data.TensorDataset(*train_split.inputs, train_split.target)
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH, shuffle=True)
    model, loss_of = network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    accuracy = 0.0
    for _ in range(epochs):
        model.train()
        for inputs, target in loader:
            optimizer.zero_grad()
            loss = loss_of(model(inputs), target)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(*val.inputs).argmax(1) == val.target).float().mean().item()
    return accuracy


def hand_written(data: Prepared, epochs: int) -> float:
    """As few calls as torch's public face allows."""
    train_split, val = data.tensors("train"), data.tensors("val")
    inputs, target = train_split.inputs[0], train_split.target
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    accuracy = 0.0
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(target)).split(BATCH):
            loss = F.cross_entropy(model(inputs.index_select(0, rows)), target.index_select(0, rows))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            output = model(val.inputs[0])
            F.cross_entropy(output, val.target).item()
            accuracy = (output.argmax(1) == val.target).float().mean().item()
    return accuracy


def ours(data: Prepared, epochs: int, folder: Path | None = None, tracked: bool = False) -> float:
    """nnops, with what a stage does around it."""
    params = parse(
        {
            "model": {"name": "mlp", "options": {"hidden": [128, 64]}},
            "train": {"epochs": epochs, "batch_size": BATCH, "optimizer": {"name": "adamw", "options": {"lr": RATE}}},
        }
    )
    if not tracked or folder is None:
        return train(params, data, checkpoints=folder).history[-1]["val_accuracy"]
    tracker = SpoolTracker(folder.parent, uri=f"sqlite:///{folder.parent / 'mlflow.db'}", experiment="benchmark")
    run = tracker.open(RunInfo(uid=f"benchmark-{time.monotonic_ns()}", name="benchmark", kind="pipeline"))

    def report(moment: Report) -> bool:
        run.log(moment.epoch, moment.metrics)
        return True

    trained = train(params, data, checkpoints=folder, report=report)
    run.finish("FINISHED")
    tracker.close()
    return trained.history[-1]["val_accuracy"]


def measure(epochs: int, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds (median) and the last turn's val accuracy of each, and the median of its ratio to each peer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        data = prepare(parse({}), root / "data", root)
        checkpoints = root / "checkpoints"
        ways: dict[str, Callable[[], float]] = {
            "recipe": lambda: recipe(data, epochs),
            "hand-written": lambda: hand_written(data, epochs),
            "nnops": lambda: ours(data, epochs),
            "+ checkpoint": lambda: ours(data, epochs, checkpoints),
            "+ tracking": lambda: ours(data, epochs, checkpoints, tracked=True),
        }
        turns: list[dict[str, float]] = []
        accuracy: dict[str, float] = {}
        for turn in range(repeats + 1):
            seconds: dict[str, float] = {}
            order = list(ways)
            for way in order[turn % len(order) :] + order[: turn % len(order)]:
                shutil.rmtree(checkpoints, ignore_errors=True)
                start_s = time.perf_counter()
                accuracy[way] = ways[way]()
                seconds[way] = time.perf_counter() - start_s
            turns.append(seconds)
        turns = turns[1:]
    return {
        way: {
            "seconds": statistics.median(turn[way] for turn in turns),
            "ms_per_epoch": statistics.median(turn[way] for turn in turns) / epochs * 1e3,
            "val_accuracy": accuracy[way],
            **{f"/ {peer}": statistics.median(t[way] / t[peer] for t in turns) for peer in ("recipe", "hand-written")},
        }
        for way in ways
    }


def main() -> int:
    """Print the table; with --check, exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    table = measure(arguments.epochs, arguments.repeats)
    if arguments.json:
        print(json.dumps(table, indent=2))
    else:
        print(f"{'':14}" + "".join(f"{column:>16}" for column in next(iter(table.values()))))
        for way, row in table.items():
            print(f"{way:14}" + "".join(f"{value:16.3f}" for value in row.values()))
    missed = [
        f"{way} / {peer} is {table[way][f'/ {peer}']:.3f}, the limit is {limit}"
        for (way, peer), limit in LIMITS.items()
        if table[way][f"/ {peer}"] > limit
    ]
    print("\n".join(missed) or "all ratios are within their limits")
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
