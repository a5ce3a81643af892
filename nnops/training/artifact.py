"""A trained model on disk: weights in safetensors, how to build it in JSON, the history as a table.

FOLDER/model.safetensors   the weights, no metadata
FOLDER/model.json          model name and options, Spec, seed, fingerprint, hash of the weights, best epoch
FOLDER/history.csv         one row an epoch
"""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from nnops.batch import Spec
from nnops.data.prepared import Prepared
from nnops.errors import DataError, IntegrityError
from nnops.files import read_json, write_bytes, write_json
from nnops.models import MODELS
from nnops.params import Named, Params
from nnops.training.ensemble import Ensemble, members
from nnops.training.train import Trained, hash_weights


@dataclass(frozen=True)
class TrainedModel:
    """A trained model read back: the module in evaluation mode, and its record."""

    module: nn.Module
    record: dict[str, Any]

    @property
    def spec(self) -> Spec:
        """The contract of its inputs and outputs."""
        return Spec.from_json(self.record["spec"])


def write_model(folder: Path, trained: Trained, params: Params, data: Prepared) -> dict[str, Any]:
    """Write a trained model; the same result gives the same bytes.

    Returns:
        The record in model.json.
    """
    record = {
        "model": _lasting(params.model),
        **({"members": [_lasting(one.model) for one in members(params)]} if params.train.several else {}),
        "spec": data.spec.to_json(),
        "seed": params.seed,
        "fingerprint": trained.fingerprint,
        "data_hash": data.hash,
        "weights_sha256": trained.weights_sha256,
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
        "ended": trained.ended,
        # JSON has no NaN, which a metric gives where it is not defined.
        "val": {k: v for k, v in trained.best.items() if k.startswith("val_") and math.isfinite(v)},
    }
    write_bytes(folder / "model.safetensors", save({k: v.contiguous() for k, v in trained.weights.items()}))
    write_bytes(folder / "history.csv", _history(trained.history).encode())
    write_json(folder / "model.json", record)
    return record


def read_model(folder: Path) -> TrainedModel:
    """Read a trained model and check its weights' hash.

    Raises:
        DataError: There is no model in the folder.
        IntegrityError: The weights are not those that were written.
    """
    path = folder / "model.json"
    if not path.exists():
        raise DataError(f"{folder}: no trained model here; run 'dvc repro train' first.")
    record = read_json(path)
    weights = load((folder / "model.safetensors").read_bytes())
    if hash_weights(weights) != record["weights_sha256"]:
        raise IntegrityError(f"{folder / 'model.safetensors'}: the weights are damaged; run 'dvc repro --force train'.")
    return TrainedModel(rebuild(record, weights), record)


def rebuild(record: dict[str, Any], weights: dict[str, torch.Tensor]) -> nn.Module:
    """The module that a record names, with these weights, in evaluation mode."""
    spec = Spec.from_json(record["spec"])
    networks = [
        MODELS.build(one["name"], one["options"]).build(spec) for one in record.get("members", [record["model"]])
    ]
    module = Ensemble(networks, spec.task) if "members" in record else networks[0]
    module.load_state_dict(weights)
    return module.eval().requires_grad_(False)


def _lasting(model: Named) -> dict[str, Any]:
    """What builds the network anywhere."""
    return {"name": model.name, "options": MODELS.build(model.name, model.options, where="model").lasting()}


def _history(history: list[dict[str, float]]) -> str:
    text = io.StringIO()
    names = ["epoch", *history[0]]
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    for epoch, row in enumerate(history, start=1):
        table.writerow([epoch, *(repr(row[name]) for name in names[1:])])
    return text.getvalue()
