"""A bundle: one folder that holds a whole model, without pickle. Raw rows go in, answers come out.

BUNDLE/manifest.json       format, name, task, variant, threshold (if set), sha256 of every other file, a hash of it all
BUNDLE/model.onnx          the chosen variant; what answers
BUNDLE/model.safetensors   the trained weights, with model.json: how to build the module for them
BUNDLE/schema.json         the columns and classes, with preprocess.json: the fitted preprocessing
BUNDLE/ranges.json         least and greatest feature of each number of a table in train, so that others are told
BUNDLE/metrics.json        all numbers of the evaluation and of the variants
BUNDLE/scorecard.json      the evaluation in full, from which the model card is made
BUNDLE/lineage.json        data, parameters, seed, fingerprint, versions that it was made from

The same result gives the same bytes. Answering needs ONNX Runtime, NumPy and pandas; torch is never imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.batch import TOKENS
from nnops.catalog import nearest
from nnops.data.prepared import Prepared
from nnops.errors import DataError, InputError, IntegrityError
from nnops.files import read_json, write_bytes, write_json
from nnops.fingerprint import hash_file, hash_json
from nnops.params import Params

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from nnops.compression.graph import Graph
    from nnops.data.groups import Grouping
    from nnops.data.preprocess import Preprocess
    from nnops.evaluation.threshold import Decision
    from nnops.registry.ranges import Outside

MANIFEST = "manifest.json"
FORMAT = 1
#: Whose versions decide what a model answers; written into its lineage.
LIBRARIES = ("nnops", "numpy", "onnx", "onnxruntime", "pandas", "torch")
#: The remedy for a damaged bundle.
ANEW = "take the bundle anew, or make it anew with 'dvc repro -f -s register'."


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
                raise IntegrityError(f"{file}: this file of the bundle is missing; {ANEW}")
            if hash_file(file) != expected:
                raise IntegrityError(
                    f"{file}: the content must have the sha256 {expected[:12]}… that {MANIFEST} says, but has another;"
                    f" it is damaged or was edited, so {ANEW}"
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

    def predict(self, rows: "pd.DataFrame | np.ndarray", beam: int = 1, length_penalty: float = 1.0) -> "pd.DataFrame":
        """Answer raw rows.

        Args:
            rows: A table with the columns of the source, in any order, with or without the target; or images
                [N, C, H, W] (also flat) of values 0 .. 255.
            beam: Beginnings that are kept while a sequence is answered, see :func:`nnops.evaluation.decode.beam`.
            length_penalty: Of the same.

        Returns:
            One row for each, with its index: ``class`` (as :attr:`threshold` decides) and ``p(LABEL)`` for each class,
            ``labels`` (those above 1/2) and ``p(LABEL)`` for each label, or ``value``. Of a language model ``tokens``
            and ``perplexity``, of a sequence the texts of the answers. Of a series one row for each step that follows:
            the series where there are several, its time, and the targets. Of a segmentation the share of pixels of
            each class, ``share(LABEL)``; :meth:`segment` gives the masks.

        Raises:
            DataError: Missing or extra columns, values of another kind, no rows; of a graph a node that it does not
                have, or one with other values.
        """
        import numpy as np
        import pandas as pd

        if self.manifest["task"] == "segmentation":
            values = self.schema["values"]
            value_NHW = self.segment(rows)
            shares = {
                f"share({label})": (value_NHW == value).mean((1, 2))
                for label, value in zip(self.classes, values, strict=True)
            }
            return pd.DataFrame(shares)
        if self.preprocess.steps is not None:
            if not isinstance(rows, pd.DataFrame):
                raise DataError(f"rows with the columns {', '.join(self.preprocess.names[:6])} are wanted, got images.")
            return self.preprocess.forecast(rows, self.graph.run)
        if self.manifest["task"] in TOKENS:
            if not isinstance(rows, pd.DataFrame):
                raise DataError(f"rows with the column {self.preprocess.names[0]} are wanted, got images.")
            from nnops.registry.language import answers, surprises

            if self.manifest["task"] == "sequence":
                return answers(self, rows, beam, length_penalty)
            return surprises(self, rows)
        if isinstance(rows, pd.DataFrame):
            self._check_group(rows)
            inputs, index = self.preprocess.transform(rows), rows.index
            if self.preprocess.nodes is not None:
                from nnops.registry.nodes import check_as_trained

                named = rows.set_axis([str(name) for name in rows.columns], axis=1)
                check_as_trained(named, inputs, self.preprocess, self.folder / "model.safetensors")
        else:
            inputs, index = self.preprocess.transform_images(rows), None
        output = self.graph.run(inputs)
        answers = self.preprocess.decode(output)
        if self.threshold is not None:
            positive_N = output[:, 0] > self._cut(rows)
            answers["label"] = np.asarray(self.classes, dtype=object)[positive_N.astype(int)]
        if "value" in answers:
            return pd.DataFrame({"value": answers["value"]}, index=index)
        columns = {f"p({label})": answers["probability"][:, place] for place, label in enumerate(self.classes)}
        said = {"labels": answers["labels"]} if "labels" in answers else {"class": answers["label"]}
        return pd.DataFrame({**said, **columns}, index=index)

    @cached_property
    def threshold(self) -> "Decision | None":
        """What is called positive; None where it is what is more likely than not."""
        from nnops.evaluation.threshold import Decision

        return Decision.from_json(self.manifest["threshold"]) if "threshold" in self.manifest else None

    @cached_property
    def grouping(self) -> "Grouping | None":
        """The column whose groups have thresholds of their own, so that rows to predict must have it."""
        from nnops.data.groups import Grouping

        by = self.threshold.by if self.threshold else None
        return next((Grouping.from_json(each) for each in self.schema.get("groups", ()) if each["name"] == by), None)

    def _check_group(self, rows: "pd.DataFrame") -> None:
        names = [str(name) for name in rows.columns]
        if self.grouping is None or self.grouping.name in names:
            return
        guess = nearest(self.grouping.name, [name for name in names if name not in self.preprocess.names])
        hint = f"is it '{guess}'? Rename it" if guess else "add it (an empty cell means unknown)"
        raise DataError(
            f"rows to predict must have the column '{self.grouping.name}', whose groups have thresholds of their own;"
            f" {hint}."
        )

    def _cut(self, rows: "pd.DataFrame | np.ndarray") -> "float | np.ndarray":
        """The logit above which a row is of the positive class."""
        import pandas as pd

        assert self.threshold is not None
        if self.grouping is None or not isinstance(rows, pd.DataFrame):
            return self.threshold.cut
        frame = rows.set_axis([str(name) for name in rows.columns], axis=1)
        values: Any = frame[self.grouping.name]
        return self.threshold.cut_of(self.grouping.groups, self.grouping.codes(values, self.preprocess.markers))

    def outside(self, rows: "pd.DataFrame") -> "dict[str, Outside]":
        """Numbers beyond those that training showed, by column; such rows are answered by going on as before.

        Args:
            rows: As :meth:`predict` takes them.
        """
        from nnops.registry.ranges import outside

        path = self.folder / "ranges.json"
        return outside(rows, self.preprocess, read_json(path)) if path.exists() else {}

    def segment(self, images: "pd.DataFrame | np.ndarray") -> "np.ndarray":
        """Masks of raw images.

        Args:
            images: ``[N, C, H, W]``, values 0 .. 255.

        Returns:
            uint8 ``[N, H, W]``, the values that the classes have in the masks of the training.

        Raises:
            DataError: No images, or of another size; or the model is of another task.
        """
        import numpy as np

        from nnops.batch import Spec

        if self.manifest["task"] != "segmentation" or not isinstance(images, np.ndarray):
            raise DataError(f"masks are answers of a segmentation to images, but the task is {self.manifest['task']}.")
        image_NCHW = self.preprocess.transform_images(images)["image"]
        value_C = np.array(self.schema["values"], np.uint8)
        some = Spec.from_json(self.schema["spec"]).rows_at_once
        parts = [
            value_C[self.graph.run({"image": image_NCHW[start : start + some]}).argmax(1)]
            for start in range(0, len(image_NCHW), some)
        ]
        return np.concatenate(parts)


def write_bundle(out: Path, params: Params, sources: Sources) -> Bundle:
    """Write the bundle of a pipeline result; the manifest comes last, so that a part of a bundle is none.

    Args:
        out: The bundle's folder.
        params: The whole of params.yaml.
        sources: The stages' outputs.

    Raises:
        InputError: A stage's output is missing.
    """
    from nnops.registry.ranges import train_ranges

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
        "scorecard.json": sources.evaluate / "scorecard.json",
    }
    (out / MANIFEST).unlink(missing_ok=True)
    for name, path in copies.items():
        write_bytes(out / name, path.read_bytes())
    write_json(out / "ranges.json", train_ranges(Prepared.open(sources.prepare)))
    write_json(out / "metrics.json", {**numbers, **_read(sources.compress / "metrics.json", "compress")})
    write_json(out / "lineage.json", _lineage(params, schema, model))
    names = sorted([*copies, "ranges.json", "metrics.json", "lineage.json"])
    threshold = sources.evaluate / "threshold.json"
    manifest = {
        "format": FORMAT,
        "name": params.register_.name,
        "task": schema["task"],
        "variant": choice["variant"],
        **({"threshold": read_json(threshold)} if threshold.exists() else {}),
        "files": {name: hash_file(out / name) for name in names},
    }
    write_json(out / MANIFEST, manifest | {"hash": hash_json(manifest)})
    return Bundle.open(out)


def _lineage(params: Params, schema: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """What a bundle was made from; commits, run ids and the gate's verdict are tags of a version."""
    stated = params.register_.card.model_dump(exclude_none=True)
    return {
        **({"card": stated} if stated else {}),
        "fingerprint": model["fingerprint"],
        "seed": params.seed,
        "weights_sha256": model["weights_sha256"],
        "data_hash": schema["hash"],
        "data_source": schema["source"],
        "data_rows": schema["rows"],
        "params": params.record("seed", "data", "model", "loss", "train", "evaluate", "compress"),
        "versions": {name: metadata.version(name) for name in (*LIBRARIES, *further(schema))},
    }


def further(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Libraries that decide answers for such data beside those of all data."""
    return {"audio": ("scipy",), "text": ("tokenizers",)}.get(str(schema.get("kind")), ())


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
        raise IntegrityError(f"{path}: the manifest is damaged or was edited; {ANEW}")
    return manifest
