"""Tiny trainings whose numbers are kept in losses.json: they move only when somebody means it.

Bits differ between processors, so numbers are compared to 1e-4; without dropout, whose masks differ, too.
``python tests/golden/test_training.py`` writes the file anew; say in the commit why the numbers moved.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1]))

from small import Kind, params, small

from nnops.training.train import train

KEPT = Path(__file__).with_name("losses.json")

COSINE = {"name": "cosine", "options": {"warmup_epochs": 1}}
CASES: dict[str, tuple[Kind, dict[str, Any]]] = {
    "mlp image adamw": ("image", {"model": {"name": "mlp", "options": {"hidden": [16, 8], "norm": True}}}),
    "mlp mixed rmsprop": (
        "mixed",
        {
            "model": {"name": "mlp", "options": {"hidden": [8], "activation": "tanh"}},
            "loss": {"name": "binary_cross_entropy", "options": {"label_smoothing": 0.1}},
            "train": {"optimizer": {"name": "rmsprop", "options": {"lr": 0.005, "momentum": 0.5}}},
        },
    ),
    "mlp numeric sgd": (
        "numeric",
        {
            "model": {"name": "mlp", "options": {"hidden": [8, 8], "activation": "gelu"}},
            "loss": {"name": "huber", "options": {"delta": 0.5}},
            "train": {
                "optimizer": {"name": "sgd", "options": {"lr": 0.05, "momentum": 0.9, "nesterov": True}},
                "schedule": COSINE,
                "clip_norm": 1.0,
            },
        },
    ),
    "cnn image adam": (
        "image",
        {
            "model": {"name": "cnn", "options": {"channels": [4, 8], "hidden": [16]}},
            "train": {"optimizer": {"name": "adam", "options": {"lr": 0.005, "weight_decay": 0.01}}},
        },
    ),
    "resnet image adamw": (
        "image",
        {"model": {"name": "resnet", "options": {"channels": [4, 8]}}, "train": {"schedule": COSINE}},
    ),
}


def trained(case: str, folder: Path) -> list[dict[str, float]]:
    kind, sections = CASES[case]
    return train(params(**sections), small(folder, kind)).history


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_that_were_kept(case, tmp_path):
    kept = json.loads(KEPT.read_text())[case]
    history = trained(case, tmp_path)
    assert [list(row) for row in history] == [list(row) for row in kept]
    for row, old in zip(history, kept, strict=True):
        assert row == pytest.approx(old, rel=1e-4)


def test_nothing_is_kept_that_is_not_compared():
    assert set(json.loads(KEPT.read_text())) == set(CASES)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        table = {case: trained(case, Path(name) / case) for case in CASES}
    KEPT.write_text(json.dumps(table, indent=2) + "\n")
