"""Small sweeps for tests: iris, a tiny network, epochs of milliseconds."""

import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from nnops.data.prepare import cached
from nnops.params import Params, overlay, parse
from nnops.sweep.event import Event
from nnops.sweep.run import run_sweep
from nnops.sweep.summary import Summary
from nnops.sweep.trial import data_cache
from nnops.tracking.null import NullTracker

LR = "train.optimizer.options.lr"
DROPOUT = "model.options.dropout"
RECORD: dict[str, Any] = {
    "seed": 3,
    "data": {"source": {"name": "sklearn", "options": {"set": "iris"}}},
    "model": {"name": "mlp", "options": {"hidden": [8]}},
    "train": {"epochs": 6, "batch_size": 32},
    "sweep": {
        "objective": {"metric": "val_loss", "direction": "minimize"},
        "sampler": {"name": "random"},
        "engine": "inline",
        "budget": {"trials": 6},
        "space": {LR: {"float": [1e-4, 1e-1], "log": True}, DROPOUT: {"float": [0.0, 0.5]}},
    },
}


def sweep_params(config: dict[str, Any] | None = None, space: dict[str, Any] | None = None) -> Params:
    """The params of a small sweep with dotted keys laid over them, and perhaps another space."""
    record = json.loads(json.dumps(RECORD))
    if space is not None:
        record["sweep"]["space"] = space
    return overlay(parse(record), config or {})


def project(root: Path, params: Params | None = None) -> Path:
    """A folder with params.yaml and data that are prepared already."""
    params = params or sweep_params()
    root.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (root / "params.yaml").write_text(json.dumps(params.record(), indent=1))
    shutil.copytree(_prepared(json.dumps(params.record("data", "seed"))), data_cache(root), dirs_exist_ok=True)
    return root


def sweep(root: Path, params: Params | None = None, name: str = "s", **options: Any) -> tuple[Summary, list[Event]]:
    """Run a sweep untracked; its summary and its events."""
    events: list[Event] = []
    options.setdefault("tracker", NullTracker())
    summary = run_sweep(params or sweep_params(), root, name, on_event=events.append, **options)
    return summary, events


@functools.cache
def _prepared(record: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nnops-test-data-"))
    params = parse(json.loads(record))
    cached(params, folder, folder)
    return folder
