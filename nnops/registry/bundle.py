"""A bundle: one folder that holds a whole model, without pickle. Raw rows go in, answers come out.

BUNDLE/manifest.json       format, name, task, variant, sha256 of every other file, and a hash over all of it
BUNDLE/model.onnx          the chosen variant; what answers
BUNDLE/model.safetensors   the trained weights, with model.json: how to build the module for them
BUNDLE/schema.json         the columns and classes, with preprocess.json: the fitted preprocessing
BUNDLE/metrics.json        all numbers of the evaluation and of the variants
BUNDLE/lineage.json        data, parameters, seed, fingerprint, versions that it was made from

The same result gives the same bytes. Answering needs ONNX Runtime, NumPy and pandas; torch is never imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError, IntegrityError
from nnops.files import read_json, write_bytes, write_json
from nnops.fingerprint import hash_file, hash_json
from nnops.params import Params

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from nnops.compression.graph import Graph
    from nnops.data.preprocess import Preprocess

MANIFEST = "manifest.json"
FORMAT = 1
#: Whose versions decide what a model answers; written into its lineage.
LIBRARIES = ("nnops", "numpy", "onnx", "onnxruntime", "pandas", "torch")


@dataclass(frozen=True)
class Sources:
    """The folders that a bundle is made from: what the stages wrote."""

    prepare: Path
    train: Path
    evaluate: Path
    compress: Path


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; every file's hash was checked.

    Attributes:
        folder: Where it is.
        manifest: What is in it.
    """

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "Bundle":
        """Open a bundle and check every file's hash.

        Raises:
            InputError: There is no bundle, or it is of a later format.
            IntegrityError: A file is damaged or missing; the message names it.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise InputError(f"{folder}: no model bundle here; a bundle is a folder with {MANIFEST}.")
        manifest = _read_manifest(path)
        if manifest["format"] > FORMAT:
            raise InputError(f"{path}: format {manifest['format']} is newer than this nnops knows; update nnops.")
        for name, expected in manifest["files"].items():
            file = folder / name
            if not file.is_file():
                raise IntegrityError(f"{file}: this file of the bundle is missing; take the bundle anew.")
            if hash_file(file) != expected:
                raise IntegrityError(
                    f"{file}: the content must have the sha256 {expected[:12]}… that {MANIFEST} says, but has another;"
                    " it is damaged or was edited, so take the bundle anew."
                )
        return cls(folder, manifest)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest["name"]

    @property
    def variant(self) -> str:
        """The variant that answers, such as ``onnx_int8``."""
        return self.manifest["variant"]

    @property
    def hash(self) -> str:
        """Names the content; equal hashes are equal bundles."""
        return self.manifest["hash"]

    @cached_property
    def schema(self) -> dict[str, Any]:
        """What the data looked like."""
        return read_json(self.folder / "schema.json")

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Numbers by dotted name."""
        return read_json(self.folder / "metrics.json")

    @cached_property
    def lineage(self) -> dict[str, Any]:
        """What it was made from."""
        return read_json(self.folder / "lineage.json")

    @cached_property
    def preprocess(self) -> "Preprocess":
        """The fitted preprocessing."""
        from nnops.data.preprocess import Preprocess

        return Preprocess.from_json(read_json(self.folder / "preprocess.json"))

    @cached_property
    def graph(self) -> "Graph":
        """The variant, ready to run."""
        from nnops.compression.graph import Graph

        return Graph((self.folder / "model.onnx").read_bytes())

    @property
    def classes(self) -> tuple[str, ...]:
        """Class labels in the order of the probabilities; empty for a regression."""
        return self.preprocess.target.classes

    def predict(self, rows: "pd.DataFrame | np.ndarray") -> "pd.DataFrame":
        """Answer raw rows.

        Args:
            rows: A table with the columns of the source, in any order, with or without the target; or images
                [N, C, H, W] (also flat) of values 0 .. 255.

        Returns:
            One row for each, with its index: ``class`` and ``p(LABEL)`` for each class, or ``value``.

        Raises:
            DataError: Missing or extra columns, values of another kind, no rows.
        """
        import pandas as pd

        if isinstance(rows, pd.DataFrame):
            inputs, index = self.preprocess.transform(rows), rows.index
        else:
            inputs, index = self.preprocess.transform_images(rows), None
        answers = self.preprocess.decode(self.graph.run(inputs))
        if "value" in answers:
            return pd.DataFrame({"value": answers["value"]}, index=index)
        columns = {f"p({label})": answers["probability"][:, place] for place, label in enumerate(self.classes)}
        return pd.DataFrame({"class": answers["label"], **columns}, index=index)


def write_bundle(out: Path, params: Params, sources: Sources) -> Bundle:
    """Write the bundle of a pipeline result; the manifest comes last, so that a part of a bundle is none.

    Args:
        out: The bundle's folder.
        params: The whole of params.yaml.
        sources: The stages' outputs.

    Raises:
        InputError: A stage's output is missing.
    """
    choice = _read(sources.compress / "choice.json", "compress")
    model = _read(sources.train / "model.json", "train")
    schema = _read(sources.prepare / "schema.json", "prepare")
    numbers: Mapping[str, float] = _read(sources.evaluate / "metrics.json", "evaluate")
    copies = {
        "model.onnx": sources.compress / choice["file"],
        "model.safetensors": sources.train / "model.safetensors",
        "model.json": sources.train / "model.json",
        "schema.json": sources.prepare / "schema.json",
        "preprocess.json": sources.prepare / "preprocess.json",
    }
    (out / MANIFEST).unlink(missing_ok=True)
    for name, path in copies.items():
        write_bytes(out / name, path.read_bytes())
    write_json(out / "metrics.json", {**numbers, **_read(sources.compress / "metrics.json", "compress")})
    write_json(out / "lineage.json", _lineage(params, schema, model))
    names = sorted([*copies, "metrics.json", "lineage.json"])
    manifest = {
        "format": FORMAT,
        "name": params.register_.name,
        "task": schema["task"],
        "variant": choice["variant"],
        "files": {name: hash_file(out / name) for name in names},
    }
    write_json(out / MANIFEST, manifest | {"hash": hash_json(manifest)})
    return Bundle.open(out)


def _lineage(params: Params, schema: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """What a bundle was made from; commits, run ids and the gate's verdict are tags of a version."""
    return {
        "fingerprint": model["fingerprint"],
        "seed": params.seed,
        "weights_sha256": model["weights_sha256"],
        "data_hash": schema["hash"],
        "data_source": schema["source"],
        "data_rows": schema["rows"],
        "params": params.record("seed", "data", "model", "loss", "train", "evaluate", "compress"),
        "versions": {name: metadata.version(name) for name in LIBRARIES},
    }


def _read(path: Path, stage: str) -> Any:
    if not path.exists():
        raise InputError(f"{path}: not here; run 'dvc repro {stage}' first.")
    return read_json(path)


def _read_manifest(path: Path) -> dict[str, Any]:
    """The manifest, its own hash checked."""
    try:
        manifest = read_json(path)
        rest = {key: value for key, value in manifest.items() if key != "hash"}
        whole = hash_json(rest) == manifest["hash"]
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
        manifest = {}
    if not whole:
        raise IntegrityError(f"{path}: the manifest is damaged or was edited; take the bundle anew.")
    return manifest
