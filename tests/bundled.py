"""scikit-learn's bundled sets, prepared, with a network trained on each for a few epochs."""

from pathlib import Path

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.params import Params, parse
from nnops.training.artifact import TrainedModel, read_model, write_model
from nnops.training.train import train

SETS = {"multiclass": "digits", "binary": "breast_cancer", "regression": "diabetes"}
TASKS = tuple(SETS)


def settings(task: str, **evaluate) -> Params:
    return parse(
        {
            "data": {"source": {"name": "sklearn", "options": {"set": SETS[task]}}},
            "train": {"epochs": 8, "optimizer": {"name": "adamw", "options": {"lr": 0.01}}},
            "evaluate": {"intervals": {"samples": 200}, **evaluate},
        }
    )


class Project:
    """Prepared data and a trained model of one task."""

    def __init__(self, task: str, folder: Path) -> None:
        self.task = task
        self.params = settings(task)
        self.data: Prepared = prepare(self.params, folder / "prepare")
        self.train = folder / "train"
        write_model(self.train, train(self.params, self.data), self.params, self.data)

    @property
    def model(self) -> TrainedModel:
        return read_model(self.train)
