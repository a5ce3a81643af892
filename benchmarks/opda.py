"""Recorded curves of random searches on large networks (OPDA), to search on: as a table, and as a surrogate.

Symbols: N recorded configs, D keys, F fractions of a training's length. An epoch is one evaluation. A diverged training
counts as 0 from the evaluation at which it broke.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.curves import Space

#: Where a surrogate knows a curve, as parts of the training's length.
FRACTIONS = np.arange(1, 51) / 50
#: Trees of a surrogate (Geurts, Ernst and Wehenkel 2006), and random configs that its regret is normalised by.
TREES, DRAWS = 200, 2_000
#: Rows of MultiNLI that are learned from, and steps from one evaluation to the next; each epoch ends with one more.
ROWS, STEPS = 392_702, 1_000
VISION: Space = {
    "train.epochs": {"int": [20, 100]},
    "batch_size": {"int": [128, 1024], "log": True},
    "lr": {"float": [5e-3, 50.0], "log": True},
    "lr_peak_epoch": {"int": [0, 80]},
    "momentum": {"float": [0.7, 0.9995]},
    "weight_decay": {"float": [1e-6, 1e-3], "log": True},
    "label_smoothing": {"float": [0.0, 0.5]},
}
TEXT: Space = {
    "num_train_epochs": {"int": [1, 4]},
    "train_batch_size": {"int": [16, 64], "log": True},
    "learning_rate": {"float": [1e-6, 1e-3], "log": True},
    "warmup_steps": {"int": [0, 15_000]},
    "cls_drop_out": {"float": [0.0, 0.3]},
}
NAMES = ("alexnet", "convnext_tiny", "deberta_base", "deberta_v3_base")


class Records:
    """What was recorded of one network.

    Args:
        folder: Holds NAME_configs.parquet and NAME_curves.parquet.
        name: One of ``NAMES``.

    Attributes:
        text: Whether it is a language model.
        space: As ``sweep.space``.
        points: The configs in the unit cube of the space, [N, D].
        curves: Value and seconds of each evaluation of each config; the last value is NaN where it diverged.
        finals: Its last value, [N].
        lengths: How many evaluations each config was to have, [N].
    """

    def __init__(self, folder: Path, name: str) -> None:
        import pandas as pd

        self.text = name.startswith("deberta")
        self.space = TEXT if self.text else VISION
        found = pd.read_parquet(folder / f"{name}_configs.parquet").rename(columns={"epochs": "train.epochs"})
        configs = found.to_dict("records")
        curves = pd.read_parquet(folder / f"{name}_curves.parquet")
        step, value = ("step", "matched_acc") if self.text else ("epoch", "top_1")
        parts = {number: part.sort_values(step) for number, part in curves.groupby("config_id")}
        self.curves: list[list[tuple[float, float]]] = []
        for config in configs:
            part = parts.get(config["config_id"])
            values = [] if part is None else [float(one) for one in part[value]]
            ticks = [1.0] * len(values)
            if part is not None and not self.text:
                ticks = np.diff(part["time"], prepend=0.0).tolist()
            curve = list(zip(values, (max(tick, 1e-3) for tick in ticks), strict=True))
            if not self.text and (config["nan_train_loss"] or len(values) < config["train.epochs"]):
                curve.append((math.nan, 1.0))
            self.curves.append(curve)
        self.finals = np.array([0.0 if math.isnan(curve[-1][0]) else curve[-1][0] for curve in self.curves])
        self.points = np.array([self.point(config) for config in configs])
        self.lengths = np.array([self.length(config) for config in configs])

    def point(self, config: dict[str, Any]) -> list[float]:
        """A config in the unit cube of the space, which the recorded ones may leave by a little."""
        point: list[float] = []
        for key, entry in self.space.items():
            low, high = entry.get("int") or entry["float"]
            scale = math.log if entry.get("log") else float
            point.append((scale(config[key]) - scale(low)) / (scale(high) - scale(low)))
        return point

    def length(self, config: dict[str, Any]) -> int:
        """How many evaluations a config has."""
        if not self.text:
            return int(config["train.epochs"])
        epochs = int(config["num_train_epochs"])
        return int(ROWS * epochs / config["train_batch_size"] // STEPS) + epochs

    def resampled(self) -> np.ndarray:
        """Every curve at ``FRACTIONS`` of its length, [N, F]."""
        rows: list[np.ndarray] = []
        for curve, length in zip(self.curves, self.lengths, strict=True):
            values = np.nan_to_num(np.array([value for value, _ in curve]))[:length]
            values = np.append(values, np.zeros(length - len(values)))
            rows.append(np.interp(FRACTIONS * length, np.arange(1, length + 1), values))
        return np.array(rows)


class Recorded:
    """A task made of what was recorded.

    Args:
        folder: See :class:`Records`.
        name: One of ``NAMES``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._records = _records(folder, name)
        self.space = self._records.space


class Table(Recorded):
    """Any config gets the curve of the nearest recorded one, so what lies near a config has its very result.

    Regret 0 is the best of all recorded configs, which nothing beats; 1 is their median. A diverged trial ends in NaN.
    """

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self.epochs = max(len(curve) for curve in self._records.curves)
        self.best, self.median = float(self._records.finals.max()), float(np.median(self._records.finals))

    def __call__(self, config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """Value and seconds of each evaluation."""
        away = ((self._records.points - self._records.point(config)) ** 2).sum(1)
        return iter(self._records.curves[int(np.argmin(away))])


class Surrogate(Recorded):
    """A forest of extremely randomised trees fitted to all recorded curves: it passes through each of them.

    Between them it is their mean, weighted by how many trees find them alike. Regret is normalised as that of LCBench's
    surrogate: 0 is the best of 2,000 random full trainings on the surrogate, 1 their median.
    """

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self._forest, self.best, self.median = _forest(folder, name)
        longest = {key: max(entry.get("int") or entry["float"]) for key, entry in self.space.items()}
        least = {"train_batch_size": 16} if self._records.text else {}
        self.epochs = self._records.length({**longest, **least})

    def __call__(self, config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        """Value and seconds of each evaluation."""
        length = self._records.length(config)
        *values, log_s = self._forest(np.array([self._records.point(config)], np.float32))[0]
        found = np.interp(np.arange(1, length + 1) / length, FRACTIONS, values)
        return ((float(value), math.exp(log_s)) for value in found)


class Forest:
    """Trees as arrays: scikit-learn takes ten times as long for one row."""

    def __init__(self, X: np.ndarray, Y: np.ndarray, seed: int = 0) -> None:
        from sklearn.ensemble import ExtraTreesRegressor

        fitted = ExtraTreesRegressor(TREES, random_state=seed).fit(X, Y)
        self._trees = [(tree.tree_, tree.tree_.value[:, :, 0]) for tree in fitted.estimators_]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Means over trees, [M, outputs], for float32 rows [M, D]."""
        return np.mean([values[tree.apply(X)] for tree, values in self._trees], axis=0)


@lru_cache
def _records(folder: Path, name: str) -> Records:
    return Records(folder, name)


@lru_cache
def _forest(folder: Path, name: str) -> tuple[Forest, float, float]:
    """The fitted forest, and the best and the median last value of random configs."""
    records = _records(folder, name)
    ticks = [[tick for value, tick in curve if not math.isnan(value)] for curve in records.curves]
    usual = float(np.median(np.log([tick for each in ticks for tick in each])))
    log_s = np.array([np.mean(np.log(each)) if each else usual for each in ticks])
    forest = Forest(records.points, np.column_stack([records.resampled(), log_s]))
    luck = np.random.default_rng(0)
    finals = forest(luck.random((DRAWS, records.points.shape[1])).astype(np.float32))[:, -2]
    return forest, float(finals.max()), float(np.median(finals))
