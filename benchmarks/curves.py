"""Learning curves to search on: the LCBench surrogate, and a formula that needs no file."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

Space = dict[str, dict[str, Any]]


class Task(Protocol):
    """Something to search on: more is better.

    Attributes:
        name: The task.
        space: As ``sweep.space``.
        epochs: The full fidelity.
        best: The best full training of many random ones; regret 0.
        median: The median full training of them; regret 1.
    """

    @property
    def name(self) -> str: ...
    @property
    def space(self) -> Space: ...
    @property
    def epochs(self) -> int: ...
    @property
    def best(self) -> float: ...
    @property
    def median(self) -> float: ...

    def __call__(self, config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """Value and seconds of each epoch."""
        ...


def regret(task: Task, found: float) -> float:
    """(best - found) / (best - median): below 0 is better than the best of the random ones."""
    return (task.best - found) / (task.best - task.median)


@dataclass(frozen=True)
class Formula:
    """Curves of a closed form: a bowl with a valley in the learning rate, seen more clearly from epoch to epoch."""

    name: str = "formula"
    epochs: int = 27
    best: float = 0.99
    median: float = 0.6

    @property
    def space(self) -> Space:
        """A range, a number of layers, a choice and what depends on it."""
        return {
            "rate": {"float": [1e-5, 1.0], "log": True},
            "layers": {"int": [1, 6]},
            "kind": {"choice": ["a", "b"]},
            "drop": {"float": [0.0, 0.9], "when": {"kind": "a"}},
        }

    def __call__(self, config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """Value and seconds of each epoch."""
        away = (math.log10(config["rate"]) + 2.5) ** 2 / 6 + (config["layers"] - 3) ** 2 / 25
        away += (config["drop"] - 0.2) ** 2 if config["kind"] == "a" else 0.15
        for epoch in range(1, self.epochs + 1):
            yield math.exp(-away) * (1 - 0.9 / (1 + epoch * (0.3 + config["rate"]))), 1.0 + 0.2 * config["layers"]


class LCBench:
    """One task of the YAHPO surrogate of LCBench: validation accuracy of a multilayer perceptron in percent.

    Args:
        folder: Holds model.onnx, encoding.json and anchors.json.
        name: The OpenML task.
    """

    #: The surrogate is asked for epochs 2 to 51.
    FIRST = 2
    #: Many trials stop early, so a curve is asked for in parts that end here.
    PARTS = (1, 3, 9, 27, 50)
    SPACE: ClassVar[Space] = {
        "batch_size": {"int": [16, 512], "log": True},
        "learning_rate": {"float": [1e-4, 1e-1], "log": True},
        "momentum": {"float": [0.1, 0.99]},
        "weight_decay": {"float": [1e-5, 1e-1]},
        "num_layers": {"int": [1, 5]},
        "max_units": {"int": [64, 1024], "log": True},
        "max_dropout": {"float": [0.0, 1.0]},
    }

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.space = name, self.SPACE
        anchors = json.loads((folder / "anchors.json").read_text())["tasks"][name]
        self.best, self.median = float(anchors["best"]), float(anchors["median"])
        self.epochs = self.PARTS[-1]
        self._code = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"][name]
        self._net = _net(folder / "model.onnx")

    def __call__(self, config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """Value and seconds of each epoch."""
        row = np.array([0.0, *(config[key] for key in self.space)], np.float32)
        begin, clock = 0, 0.0
        for end in self.PARTS:
            rows = np.tile(row, (end - begin, 1))
            rows[:, 0] = np.arange(begin, end) + self.FIRST
            found = self._net.run(None, {"x_cat": np.full((end - begin, 1), self._code, np.int32), "x_cont": rows})[0]
            for spent, value in found[:, :2].tolist():
                # The model's clock may stand still or go back.
                yield value, max(spent - clock, 1e-3)
                clock = max(clock, spent)
            begin = end

    @staticmethod
    def names(folder: Path) -> list[str]:
        """All tasks; those with an even place are for development, the odd ones for the last judgement."""
        return list(json.loads((folder / "anchors.json").read_text())["tasks"])


@lru_cache(maxsize=1)
def _net(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)
