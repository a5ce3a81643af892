"""What init writes: a project whose sweep holds the configuration that it begins with."""

from pathlib import Path
from typing import Any

import pytest

from nnops.cli.scaffold import LARGE, Project, params_text
from nnops.params import load
from nnops.sweep.space import Space
from nnops.sweep.warm import whole_config

TABLE: dict[str, Any] = {"source": {"name": "csv", "options": {"path": "data/a.csv"}}, "target": "y"}
KINDS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "table": ("multiclass", False, TABLE),
    "regression": ("regression", False, TABLE),
    "labels": ("multilabel", False, TABLE | {"target": ["y", "z"], "task": "multilabel"}),
    "places": ("regression", False, TABLE | {"coordinates": ["lon", "lat"]}),
    "text": ("binary", False, TABLE | {"kinds": {"words": "text"}}),
    "graph": (
        "multiclass",
        False,
        TABLE | {"edges": {"source": TABLE["source"], "id": "id", "ends": ["from", "to"]}},
    ),
    "images": ("multiclass", True, TABLE | {"source": {"name": "images", "options": {"path": "data/a"}}}),
    "masks": ("segmentation", True, TABLE | {"task": "segmentation"}),
    "series": (
        "forecasting",
        False,
        {"source": TABLE["source"], "series": {"time": "t", "targets": ["y"], "window": 96, "horizon": 24}},
    ),
    "running text": ("language_model", False, TABLE | {"task": "language_model"}),
    "answers": ("sequence", False, TABLE | {"task": "sequence"}),
}


@pytest.mark.parametrize("rows", [LARGE - 1, LARGE])
@pytest.mark.parametrize("kind", KINDS)
def test_the_space_holds_what_the_project_begins_with(tmp_path: Path, kind: str, rows: int) -> None:
    task, image, data = KINDS[kind]
    path = tmp_path / "params.yaml"
    path.write_text(params_text(Project("p", data, {}, task, image, rows)), encoding="utf-8")
    params = load(path)
    config = whole_config(Space.parse(params.sweep.space), params, {}, "here")
    assert set(config) == set(params.sweep.space)
    assert config["train.optimizer.options.lr"] == params.train.optimizer.options["lr"]
    # And there is something to choose from.
    for key, choice in params.sweep.space.items():
        values = choice.get("choice", [0, 1]) if isinstance(choice, dict) else [0, 1]
        assert len(values) > 1, key
