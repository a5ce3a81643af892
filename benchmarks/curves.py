"""Learning curves to search on: the LCBench surrogate, the tables of OPDA, and a formula that needs no file."""

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


class Opda:
    """Recorded curves of random searches on large networks; any config gets the curve of the nearest recorded one.

    An epoch is one evaluation. The best and the median are those of all recorded configs; diverged ones count as 0,
    and as a trial they end in NaN.

    Args:
        folder: Holds NAME_configs.parquet and NAME_curves.parquet.
        name: ``alexnet``, ``convnext_tiny``, ``deberta_base`` or ``deberta_v3_base``.
    """

    _VISION: ClassVar[Space] = {
        "epochs": {"int": [20, 100]},
        "batch_size": {"int": [128, 1024], "log": True},
        "lr": {"float": [5e-3, 50.0], "log": True},
        "lr_peak_epoch": {"int": [0, 80]},
        "momentum": {"float": [0.7, 0.9995]},
        "weight_decay": {"float": [1e-6, 1e-3], "log": True},
        "label_smoothing": {"float": [0.0, 0.5]},
    }
    _TEXT: ClassVar[Space] = {
        "num_train_epochs": {"int": [1, 4]},
        "train_batch_size": {"int": [16, 64], "log": True},
        "learning_rate": {"float": [1e-6, 1e-3], "log": True},
        "warmup_steps": {"int": [0, 15_000]},
        "cls_drop_out": {"float": [0.0, 0.3]},
    }
    NAMES = ("alexnet", "convnext_tiny", "deberta_base", "deberta_v3_base")

    def __init__(self, folder: Path, name: str) -> None:
        import pandas as pd

        self.name = name
        text = name.startswith("deberta")
        self.space = self._TEXT if text else self._VISION
        configs = pd.read_parquet(folder / f"{name}_configs.parquet")
        curves = pd.read_parquet(folder / f"{name}_curves.parquet")
        step, value = ("step", "matched_acc") if text else ("epoch", "top_1")
        parts = {number: part.sort_values(step) for number, part in curves.groupby("config_id")}
        self._curves: list[list[tuple[float, float]]] = []
        finals: list[float] = []
        for config in configs.to_dict("records"):
            part = parts.get(config["config_id"])
            values = [] if part is None else [float(one) for one in part[value]]
            ticks = (
                [] if part is None else np.diff(part["time"], prepend=0.0).tolist() if not text else [1.0] * len(values)
            )
            diverged = not text and (config["nan_train_loss"] or len(values) < config["epochs"])
            curve = list(zip(values, (max(tick, 1e-3) for tick in ticks), strict=True))
            if diverged:
                curve.append((math.nan, 1.0))
            self._curves.append(curve)
            finals.append(0.0 if diverged else values[-1])
        self.epochs = max(len(curve) for curve in self._curves)
        self.best, self.median = max(finals), float(np.median(finals))
        self._points = np.array([self._point(config) for config in configs.to_dict("records")])

    def __call__(self, config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """Value and seconds of each evaluation."""
        away = ((self._points - self._point(config)) ** 2).sum(1)
        return iter(self._curves[int(np.argmin(away))])

    def _point(self, config: dict[str, Any]) -> list[float]:
        """A config in the unit cube of the space, which the recorded ones may leave by a little."""
        point: list[float] = []
        for key, entry in self.space.items():
            low, high = entry.get("int") or entry["float"]
            scale = math.log if entry.get("log") else float
            point.append((scale(config[key]) - scale(low)) / (scale(high) - scale(low)))
        return point
