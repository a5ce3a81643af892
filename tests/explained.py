"""Data whose answers have a known reason, and networks trained on them, for tests of explanations."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.evaluation.explain.gather import gather, read_fitted
from nnops.evaluation.explain.subject import Subject
from nnops.params import Params, parse
from nnops.training.artifact import TrainedModel, read_model, write_model
from nnops.training.train import train


def people(rows: int = 400) -> pd.DataFrame:
    """Who buys: of the town and the age; the height and the shoe decide nothing."""
    rng = np.random.default_rng(5)
    age = rng.integers(18, 80, rows).astype(float)
    town = rng.choice(["Bonn", "Kiel", "Ulm"], rows)
    score = (age - 45) / 12 + 2.5 * (town == "Ulm") - 1.5 * (town == "Kiel")
    buys = np.where(score + 0.3 * rng.normal(size=rows) > 0, "yes", "no")
    age[rng.random(rows) < 0.05] = np.nan
    height, income = rng.normal(170, 9, rows).round(1), np.exp(rng.normal(8, 1, rows)).round()
    shoe = rng.choice(["boot", "clog"], rows)
    return pd.DataFrame({"age": age, "height": height, "income": income, "shoe": shoe, "town": town, "buys": buys})


def table_params(target: str = "buys", categories: str = "embedding") -> Params:
    return parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": "people.csv"}},
                "target": target,
                "categories": categories,
                "skewed": "log",
            },
            "model": {"name": "mlp", "options": {"hidden": [16]}},
            "train": {"epochs": 12, "optimizer": {"name": "adamw", "options": {"lr": 0.02}}, "device": "cpu"},
        }
    )


def _params(data: dict[str, Any], model: str, options: dict[str, Any], epochs: int) -> Params:
    return parse(
        {
            "data": data,
            "model": {"name": model, "options": options},
            "train": {"epochs": epochs, "optimizer": {"name": "adamw", "options": {"lr": 0.02}}, "device": "cpu"},
        }
    )


class Explained:
    """Prepared data and a trained network in a folder."""

    def __init__(self, root: Path, params: Params) -> None:
        self.root, self.params = root, params
        self.data: Prepared = prepare(params, root / "artifacts" / "prepare", root)
        write_model(root / "artifacts" / "train", train(params, self.data), params, self.data)

    @classmethod
    def table(cls, root: Path, **options: str) -> "Explained":
        people().to_csv(root / "people.csv", index=False)
        return cls(root, table_params(**options))

    @classmethod
    def images(cls, root: Path, model: str = "cnn") -> "Explained":
        """The class is the third of the image that is bright; all else is noise."""
        rng = np.random.default_rng(4)
        label = np.arange(240) % 3
        image = rng.integers(0, 90, (240, 12, 12)).astype(np.uint8)
        for row, place in enumerate(label):
            image[row, 4:8, 4 * place : 4 * place + 4] = 240
        np.savez(root / "images.npz", x=image, y=np.array(["left", "middle", "right"])[label])
        options: dict[str, Any] = {"channels": [4, 6], "hidden": []} if model == "cnn" else {"hidden": [16]}
        source = {"name": "npz", "options": {"path": "images.npz", "inputs": "x", "labels": "y"}}
        return cls(root, _params({"source": source}, model, options, 6))

    @classmethod
    def texts(cls, root: Path, model: str = "bag") -> "Explained":
        """One word decides; ten others are noise."""
        rng = np.random.default_rng(6)
        words = np.array(["a", "the", "of", "it", "we", "they", "on", "in", "at", "to"])
        rows: list[dict[str, str]] = []
        for row in range(300):
            text = list(rng.choice(words, rng.integers(3, 8)))
            text.insert(int(rng.integers(0, len(text))), ("lovely", "awful")[row % 2])
            rows.append({"text": " ".join(text), "mood": ("good", "bad")[row % 2]})
        pd.DataFrame(rows).to_csv(root / "texts.csv", index=False)
        data = {
            "source": {"name": "csv", "options": {"path": "texts.csv"}},
            "target": "mood",
            "kinds": {"text": "text"},
            "text": {"min_frequency": 1},
        }
        width: dict[str, Any] = {"bag": {"width": 8, "pairs": 64, "dropout": 0.0}}.get(model, {"width": 8})
        return cls(root, _params(data, model, width, 8))

    @classmethod
    def series(cls, root: Path) -> "Explained":
        """A wave and noise, forecast by a linear layer."""
        step = np.arange(260)
        noise = np.random.default_rng(8).normal(size=260)
        frame = pd.DataFrame({"step": step, "wave": np.sin(step / 3) * 4 + 20, "noise": noise})
        frame.to_csv(root / "waves.csv", index=False)
        data = {
            "source": {"name": "csv", "options": {"path": "waves.csv"}},
            "series": {"time": "step", "window": 12, "horizon": 3, "targets": ["wave"]},
        }
        return cls(root, _params(data, "mlp", {"hidden": []}, 6))

    @property
    def model(self) -> TrainedModel:
        return read_model(self.root / "artifacts" / "train")

    def subject(self, **options: Any) -> Subject:
        """Some rows of test."""
        given: dict[str, Any] = {"data": self.data, "rows": 6} | options
        return gather(self.model, read_fitted(self.data.folder), seed=7, **given)
