"""A whole small project on a table with words, numbers and gaps: what the stages before register write."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.evaluation.evaluate import evaluate
from nnops.files import write_json
from nnops.params import Params, overlay, parse
from nnops.registry.bundle import Bundle, Sources, write_bundle
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

PARAMS = parse(
    {
        "data": {
            "source": {"name": "csv", "options": {"path": "people.csv"}},
            "target": "buys",
            "categories": "embedding",
        },
        "model": {"name": "mlp", "options": {"hidden": [8]}},
        "train": {
            "epochs": 8,
            "batch_size": 32,
            "optimizer": {"name": "adamw", "options": {"lr": 0.02}},
            "device": "cpu",
        },
        "evaluate": {"metrics": ["accuracy"], "baselines": ["majority"], "intervals": {"samples": 50}},
        "register": {"name": "people", "gate": ["accuracy >= 0.5"]},
    }
)


@dataclass(frozen=True)
class Project:
    """A folder with the outputs of all stages before register."""

    root: Path
    params: Params
    sources: Sources
    fingerprint: str

    def bundle(self, name: str = "bundle") -> Bundle:
        """Its bundle, written to a folder of this name."""
        return write_bundle(self.root / name, self.params, self.sources)


def people(rows: int, seed: int = 5) -> pd.DataFrame:
    """Raw rows: age with gaps, town, and whether they buy."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows).astype(float)
    town = rng.choice(["Bonn", "Kiel", "Ulm"], rows)
    buys = np.where((age > 45) ^ (town == "Ulm"), "yes", "no")
    age[rng.random(rows) < 0.05] = np.nan
    return pd.DataFrame({"age": age, "town": town, "buys": buys})


def build(root: Path, params: Params) -> Project:
    """Run the stages before register."""
    people(400).to_csv(root / "people.csv", index=False)
    stages = root / "artifacts"
    data = prepare(params, stages / "prepare", root)
    trained = train(params, data)
    write_model(stages / "train", trained, params, data)
    model = read_model(stages / "train")
    card = evaluate(model, data, params)
    write_json(stages / "evaluate" / "metrics.json", card.metrics())
    write_json(stages / "evaluate" / "scorecard.json", card.to_json())
    compress(model, data, params, stages / "compress", root)
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    return Project(root, params, sources, trained.fingerprint)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(tmp_path_factory.mktemp("people"), PARAMS)


@pytest.fixture(scope="session")
def other(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same project trained from another seed, so another model; only what a bundle reads is made anew."""
    root = tmp_path_factory.mktemp("other")
    shutil.copytree(project.root / "artifacts", root / "artifacts")
    params = overlay(PARAMS, {"seed": 8})
    sources = Sources(*(root / "artifacts" / name for name in ("prepare", "train", "evaluate", "compress")))
    return Project(root, params, sources, "f" * 64)


@pytest.fixture
def rows() -> pd.DataFrame:
    return people(20, seed=6)
