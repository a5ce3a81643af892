"""Small prepared data for tests of models and training: a few hundred rows that a network learns in a second."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nnops.batch import Spec
from nnops.data.prepared import SPLITS, Prepared
from nnops.files import write_json
from nnops.params import Params, parse

Kind = Literal["image", "mixed", "numeric"]
ROWS = {"train": 150, "val": 60, "test": 60}


def small(
    folder: Path, kind: Kind = "image", rows: dict[str, int] = ROWS, shape: tuple[int, ...] = (1, 8, 8)
) -> Prepared:
    """Write and open data: images of 3 classes; a table of 2 classes with categories; a table of numbers to predict."""
    rng = np.random.default_rng(3)
    means = rng.uniform(0, 255, (3, *shape))
    weights = rng.normal(size=(2, 4))
    effects = rng.normal(size=(2, 9))
    digest = hashlib.sha256()
    for split in SPLITS:
        n = rows[split]
        numeric = rng.normal(size=(n, 4)).astype(np.float32)
        codes = np.stack([rng.integers(1, 5, n), rng.integers(1, 9, n)], 1)
        score = numeric @ weights[0] + effects[0][codes[:, 0]] + effects[1][codes[:, 1]]
        if kind == "image":
            target: np.ndarray = np.arange(n) % 3
            shown = np.where(rng.random(n) < 0.15, rng.integers(0, 3, n), target)  # some are mislabelled
            image = np.clip(means[shown] + rng.normal(scale=60, size=(n, *shape)), 0, 255).astype(np.uint8)
            arrays = {"image": image, "target": target.astype(np.int64)}
        elif kind == "mixed":
            arrays = {"numeric": numeric, "categories": codes, "target": (score > 0).astype(np.float32)}
        else:
            value = np.tanh(numeric @ weights[0]) + 0.1 * rng.normal(size=n)
            arrays = {"numeric": numeric, "target": value.astype(np.float32)}
        for name, array in arrays.items():
            (folder / split).mkdir(parents=True, exist_ok=True)
            np.save(folder / split / f"{name}.npy", array)
            digest.update(array.tobytes())
    spec = SPECS[kind] if kind != "image" else image_spec(shape)
    schema: dict[str, Any] = {
        "spec": spec.to_json(),
        "rows": rows,
        "hash": digest.hexdigest(),
        "classes": {"image": ["a", "b", "c"], "mixed": ["no", "yes"], "numeric": []}[kind],
        "target_mean": 20.0 if kind == "numeric" else 0.0,
        "target_std": 5.0 if kind == "numeric" else 1.0,
        "image_mean": [0.5] * shape[0],
        "image_std": [0.25] * shape[0],
    }
    write_json(folder / "schema.json", schema)
    return Prepared.open(folder)


def image_spec(shape: tuple[int, ...] = (1, 8, 8)) -> Spec:
    """Images of 3 classes."""
    return Spec("multiclass", ("image",), (shape,), (), 3)


SPECS: dict[Kind, Spec] = {
    "image": image_spec(),
    "mixed": Spec("binary", ("numeric", "categories"), ((4,), (2,)), (5, 9), 1),
    "numeric": Spec("regression", ("numeric",), ((4,),), (), 1),
}


def params(**sections: Any) -> Params:
    """Params of a short training; sections are laid over it key by key."""
    record: dict[str, Any] = {
        "model": {"name": "mlp", "options": {"hidden": [16, 8]}},
        "train": {
            "epochs": 4,
            "batch_size": 32,
            "optimizer": {"name": "adamw", "options": {"lr": 0.01}},
            "device": "cpu",
        },
    }
    for name, section in sections.items():
        record[name] = record.get(name, {}) | section if isinstance(section, dict) else section
    return parse(record)
