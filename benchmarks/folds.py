"""What an ensemble of folds gains beside one network and beside five seeds, on scikit-learn's bundled sets.

``python -m benchmarks folds`` prints a table in Markdown: means over six seeds of splits and weights.
"""

import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from nnops.data.prepare import prepare
from nnops.evaluation.evaluate import evaluate
from nnops.params import overlay, parse
from nnops.training.artifact import read_model, write_model
from nnops.training.ensemble import train_model

SETS = {"breast_cancer": ("accuracy", "log_loss"), "digits": ("accuracy", "log_loss"), "diabetes": ("r2", "rmse")}
SEEDS = range(7, 13)


def ways(seed: int) -> dict[str, dict[str, Any]]:
    """What is compared, as dotted keys laid over the params."""
    return {
        "one network": {},
        "five folds": {"train.folds": 5},
        "five seeds": {"train.ensemble": [{"seed": 100 * seed + place} for place in range(5)]},
    }


def reached(name: str, root: Path) -> dict[str, list[tuple[float, ...]]]:
    """The metrics of a set on test by way, one entry for each seed."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for seed in SEEDS:
        params = parse(
            {
                "seed": seed,
                "data": {"source": {"name": "sklearn", "options": {"set": name}}},
                "model": {"name": "mlp", "options": {"hidden": [64, 32], "dropout": 0.1}},
                "train": {
                    "epochs": 40,
                    "batch_size": 32,
                    "optimizer": {"name": "adamw", "options": {"lr": 3e-3, "weight_decay": 1e-4}},
                    "early_stopping": {"metric": "val_loss", "patience": 8},
                    "device": "cpu",
                },
                "evaluate": {"baselines": [], "intervals": {"samples": 0}, "slices": 0},
            }
        )
        data = prepare(params, root / name, root, pictures=False)
        for way, sets in ways(seed).items():
            laid = overlay(params, sets)
            write_model(root / "model", train_model(laid, data), laid, data)
            card = evaluate(read_model(root / "model"), data, laid)
            found.setdefault(way, []).append(tuple(card.test[metric].value for metric in SETS[name]))
    return found


def main() -> None:
    """Print the table."""
    print("| set, metrics on test | one network | five folds | five seeds |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, metrics in SETS.items():
            cells = [
                ", ".join(f"{fmean(values):.4g}" for values in zip(*rows, strict=True))
                for rows in reached(name, Path(folder)).values()
            ]
            print(f"| {name}, {' and '.join(metrics)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
