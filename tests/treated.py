"""A table of people whose sex tells something of the answer, its data prepared and a small network trained on it."""

from pathlib import Path
from typing import Any

import numpy as np

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.params import Params, parse
from nnops.training.artifact import TrainedModel, read_model, write_model
from nnops.training.train import train


def people(rows: int = 900) -> str:
    """CSV: two numbers, the sex (two in three are m), a town, which some miss, and an answer."""
    rng = np.random.default_rng(4)
    sex = rng.random(rows) < 2 / 3
    skill, age = rng.normal(size=rows) + 0.8 * sex, rng.integers(20, 70, rows)
    town = rng.choice(["Bonn", "Kiel", ""], rows, p=[0.5, 0.45, 0.05])
    yes = skill + 0.02 * (age - 45) + 0.7 * rng.normal(size=rows) > 0.8
    lines = zip(skill, age, sex, town, yes, strict=True)
    return "skill,age,sex,town,hired\n" + "".join(
        f"{a:.3f},{b},{'m' if c else 'f'},{d},{'yes' if e else 'no'}\n" for a, b, c, d, e in lines
    )


def params(**sections: Any) -> Params:
    """Params of it; sections are laid over key by key."""
    record: dict[str, Any] = {
        "data": {
            "source": {"name": "csv", "options": {"path": "people.csv"}},
            "target": "hired",
            "groups": ["sex", "town"],
            "kinds": {"sex": "ignore"},
            "split": {"val": 0.3, "test": 0.3},
        },
        "model": {"name": "mlp", "options": {"hidden": [8]}},
        "train": {
            "epochs": 4,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "options": {"lr": 0.02}},
            "device": "cpu",
        },
        "evaluate": {"metrics": ["accuracy"], "baselines": [], "intervals": {"samples": 60}},
    }
    for name, section in sections.items():
        record[name] = record[name] | section if name in record else section
    return parse(record)


class Treated:
    """Prepared data and a trained model."""

    def __init__(self, folder: Path) -> None:
        (folder / "people.csv").write_text(people())
        self.root = folder
        self.params = params()
        self.data: Prepared = prepare(self.params, folder / "artifacts" / "prepare", folder, pictures=False)
        write_model(folder / "artifacts" / "train", train(self.params, self.data), self.params, self.data)

    @property
    def model(self) -> TrainedModel:
        return read_model(self.root / "artifacts" / "train")
