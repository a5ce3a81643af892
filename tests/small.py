"""Small prepared data for tests of models and training: a few hundred rows that a network learns in a second."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from nnops.batch import Spec
from nnops.data.prepared import SPLITS, Prepared
from nnops.files import write_json
from nnops.params import Params, parse

Kind = Literal["graph", "image", "language", "masks", "mixed", "numeric", "places", "sequence", "series", "text"]
ROWS = {"train": 150, "val": 60, "test": 60}


def small(
    folder: Path, kind: Kind = "image", rows: dict[str, int] = ROWS, shape: tuple[int, ...] = (1, 8, 8)
) -> Prepared:
    """Write and open data: images, masks, texts, a graph of 3 classes; a table of 2 with categories; numbers; waves."""
    if kind == "series":
        return waves(folder, rows)
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
        elif kind == "masks":
            image = rng.integers(0, 256, (n, *SPECS[kind].shapes[0])).astype(np.uint8)
            arrays = {"image": image, "target": (image[:, 0] // 86).astype(np.uint8)}
        elif kind == "text":
            target = np.arange(n) % 3
            length = rng.integers(1, 7, n)[:, None]
            word = np.where(rng.random((n, 6)) < 0.5, 2 + target[:, None], rng.integers(1, 12, (n, 6)))
            arrays = {"text": np.where(np.arange(6) < length, word, 0), "target": target.astype(np.int64)}
        elif kind == "language":
            # Counting up and down in turns of 3, from any token: what comes is told by the two before it.
            walk = np.cumsum(np.tile([1, 1, -1], 40))[:7] + rng.integers(0, 9, (n, 1))
            token = 3 + walk % 9
            arrays = {"text": token[:, :6], "target": token[:, 1:]}
        elif kind == "sequence":
            # Up to 4 tokens, answered by the same ones turned round; 2 stands before and after an answer.
            length = rng.integers(1, 5, n)[:, None]
            text = np.where(np.arange(6) < length, rng.integers(3, 9, (n, 6)), 0)
            turned = np.take_along_axis(text, (length - 1 - np.arange(6)) % 6, 1)
            told = np.where(np.arange(5) < length, turned[:, :5], np.where(np.arange(5) == length, 2, 0))
            answer = np.concatenate([np.full((n, 1), 2), told[:, :-1]], 1)
            arrays = {"text": text, "answer": np.where(told > 0, answer, 0), "target": told}
        elif kind == "graph":
            node = RING[sum(rows[name] for name in SPLITS[: SPLITS.index(split)]) :][:n]
            target = node * 3 // len(RING)  # thirds of the ring, which its columns hardly tell
            numeric[:, :3] += 0.3 * np.eye(3)[target]
            arrays = {"numeric": numeric, "categories": codes, "node": node, "target": target.astype(np.int64)}
        elif kind in ("mixed", "places"):
            arrays = {"numeric": numeric, "categories": codes, "target": (score > 0).astype(np.float32)}
        else:
            value = np.tanh(numeric @ weights[0]) + 0.1 * rng.normal(size=n)
            arrays = {"numeric": numeric, "target": value.astype(np.float32)}
        for name, array in arrays.items():
            (folder / split).mkdir(parents=True, exist_ok=True)
            np.save(folder / split / f"{name}.npy", array)
            digest.update(array.tobytes())
    if kind == "graph":
        (folder / "graph").mkdir()
        for name in ("row", "column", "weight"):
            np.save(folder / "graph" / f"{name}.npy", ring()[name].numpy())
    spec = SPECS[kind] if kind != "image" else image_spec(shape)
    schema: dict[str, Any] = {
        "spec": spec.to_json(),
        "rows": rows,
        "hash": digest.hexdigest(),
        "classes": {"mixed": ["no", "yes"], "places": ["no", "yes"], "numeric": [], "language": [], "sequence": []}.get(
            kind, ["a", "b", "c"]
        ),
        "target_mean": 20.0 if kind == "numeric" else 0.0,
        "target_std": 5.0 if kind == "numeric" else 1.0,
        "image_mean": [0.5] * shape[0],
        "image_std": [0.25] * shape[0],
    }
    write_json(folder / "schema.json", schema)
    return Prepared.open(folder)


def waves(folder: Path, rows: dict[str, int]) -> Prepared:
    """Write and open three noisy waves, of which two are forecast; ``rows`` counts windows."""
    rng = np.random.default_rng(3)
    digest = hashlib.sha256()
    spec = SPECS["series"]
    for split in SPLITS:
        steps = rows[split] + spec.shapes[0][0] + spec.horizon - 1
        place_T1 = np.arange(steps)[:, None]
        series_TV = np.sin(place_T1 / np.array([2.0, 3.0, 5.0])) + 0.1 * rng.normal(size=(steps, 3))
        series_TV = series_TV.astype(np.float32)
        for name, array in {"series": series_TV, "target": series_TV[:, list(spec.targets)]}.items():
            (folder / split).mkdir(parents=True, exist_ok=True)
            np.save(folder / split / f"{name}.npy", np.ascontiguousarray(array))
            digest.update(array.tobytes())
    spans = {split: [[0, rows[split] + spec.shapes[0][0] + spec.horizon - 1]] for split in SPLITS}
    schema: dict[str, Any] = {
        "spec": spec.to_json(),
        "rows": rows,
        "hash": digest.hexdigest(),
        "classes": [],
        "target": "a, c",
        "target_mean": [20.0, 0.5],
        "target_std": [5.0, 2.0],
        "series": {"stride": 1, "targets": ["a", "c"], "spans": spans},
    }
    write_json(folder / "schema.json", schema)
    return Prepared.open(folder)


def image_spec(shape: tuple[int, ...] = (1, 8, 8)) -> Spec:
    """Images of 3 classes."""
    return Spec("multiclass", ("image",), (shape,), (), 3)


#: Numbers of the nodes of a graph in the order of its rows; each is linked to the next number and the one before it.
RING = np.random.default_rng(5).permutation(sum(ROWS.values()))


def ring() -> dict[str, torch.Tensor]:
    """The links of the ring, and columns of all nodes that say nothing."""
    rng, count = np.random.default_rng(6), len(RING)
    row = torch.arange(count).repeat_interleave(2)
    column = torch.stack([(torch.arange(count) + step) % count for step in (-1, 1)], 1).sort(1).values.flatten()
    return {
        "row": row,
        "column": column,
        "weight": torch.ones(len(row)),
        "numeric": torch.from_numpy(rng.normal(size=(count, 4)).astype(np.float32)),
        "categories": torch.from_numpy(np.stack([rng.integers(1, 5, count), rng.integers(1, 9, count)], 1)),
    }


SPECS: dict[Kind, Spec] = {
    "graph": Spec(
        "multiclass",
        ("numeric", "categories", "node"),
        ((4,), (2,), ()),
        (5, 9),
        3,
        nodes=len(RING),
        links=2 * len(RING),
    ),
    "image": image_spec(),
    "language": Spec("language_model", ("text",), ((6,),), (), 12, vocabulary=12),
    "masks": Spec("segmentation", ("image",), ((1, 9, 7),), (), 3),
    "mixed": Spec("binary", ("numeric", "categories"), ((4,), (2,)), (5, 9), 1),
    "numeric": Spec("regression", ("numeric",), ((4,),), (), 1),
    "places": Spec("binary", ("numeric", "categories"), ((4,), (2,)), (5, 9), 1, coordinates=(2, 0)),
    "sequence": Spec("sequence", ("text", "answer"), ((6,), (5,)), (), 9, vocabulary=9),
    "series": Spec("forecasting", ("series",), ((8, 3),), (), 2 * 2, targets=(0, 2)),
    "text": Spec("multiclass", ("text",), ((6,),), (), 3, vocabulary=12),
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
