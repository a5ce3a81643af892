"""Lineage, both ways: from a model back to the files that it came from, and from a file to every model made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nnops.data.prepared import SPLITS
from nnops.errors import InputError
from nnops.fingerprint import hash_file, hash_json
from nnops.params import Params
from nnops.registry.bundle import Bundle
from nnops.registry.store import Registry
from nnops.registry.version import GATE, Reference, Version
from nnops.tracking.runs import Runs, RunView

#: The order of the steps, from the beginning to the end.
STEPS = ("data", "prepared", "params", "run", "trial", "model", "compressed", "alias")


@dataclass(frozen=True)
class Step:
    """One thing on the way from data to a served model.

    Attributes:
        kind: One of :data:`STEPS`.
        name: What people call it.
        hash: Names its content; a run's id for a run.
        note: More of it, in words.
    """

    kind: str
    name: str
    hash: str = ""
    note: str = ""


@dataclass(frozen=True)
class Lineage:
    """Where a model came from.

    Attributes:
        model: ``NAME/VERSION``.
        steps: In the order of :data:`STEPS`; several of a kind stand beside one another.
    """

    model: str
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"model": self.model, "steps": [asdict(step) for step in self.steps]}

    def lines(self) -> list[str]:
        """The steps one under the other, each kind further in than what it was made from."""
        found: list[str] = []
        width = max(len(step.kind) for step in self.steps)
        for step in self.steps:
            depth = STEPS.index(step.kind)
            corner = "" if depth == 0 else "  " * (depth - 1) + "└ "
            label = f"{corner}{step.kind}"
            parts = [f"{label:<{width + 2 * len(STEPS)}}", step.name, step.hash[:12], step.note]
            found.append("  ".join(part for part in parts if part).rstrip())
        return found


def trace(reference: str, params: Params, root: Path) -> Lineage:
    """Where a version came from.

    Args:
        reference: ``NAME@ALIAS``, ``NAME/NUMBER`` or ``NAME`` (its champion).
        params: The project's, for its stores.
        root: The project's folder.

    Raises:
        InputError: No such model.
        IntegrityError: Its bundle is damaged.
        TrackingError: The store does not answer.
    """
    registry = Registry(params, root)
    parsed = Reference.parse(reference)
    version = registry.model(parsed.name).find(parsed)
    bundle = registry.fetch(version)
    runs = Runs(params, root)
    fingerprint = bundle.lineage["fingerprint"]
    return Lineage(version.reference, tuple(_steps(version, bundle, runs.of(fingerprint), _trials(runs, fingerprint))))


def descendants(path: Path, params: Params, root: Path) -> list[Lineage]:
    """Every version whose training read a file of this very content, the newest first.

    Args:
        path: The file, wherever it lies now.
        params: The project's, for its stores.
        root: The project's folder.

    Raises:
        InputError: There is no such file.
    """
    if not path.is_file():
        raise InputError(f"{path}: must be a file of data, but there is none; its content is what models are found by.")
    sha256 = hash_file(path)
    registry = Registry(params, root)
    found: list[Lineage] = []
    for name in registry.names():
        for version in registry.model(name).versions:
            if GATE not in version.tags:
                # Not made by nnops, so nothing is known of its data.
                continue
            files = registry.fetch(version).schema.get("files", [])
            if any(entry["sha256"] == sha256 for entry in files):
                found.append(trace(version.reference, params, root))
    return found


def _trials(runs: Runs, fingerprint: str) -> list[RunView]:
    """Trials of sweeps that trained the very same result."""
    return runs.tagged("nnops.fingerprint", fingerprint)


def _steps(version: Version, bundle: Bundle, run: RunView | None, trials: Sequence[RunView]) -> list[Step]:
    lineage: Mapping[str, Any] = bundle.lineage
    files = bundle.schema.get("files", [])
    source = lineage["data_source"]
    steps = [Step("data", entry["path"], entry["sha256"], _size(entry)) for entry in files]
    if not files:
        steps.append(
            Step("data", str(source["options"].get("set", source["name"])), "", f"bundled with {source['name']}")
        )
    rows = ", ".join(f"{lineage['data_rows'][split]:,} {split}" for split in SPLITS)
    steps.append(Step("prepared", rows, lineage["data_hash"]))
    recorded = lineage["params"]
    steps.append(Step("params", f"{recorded['model']['name']}, seed {lineage['seed']}", hash_json(recorded)))
    if run is None:
        steps.append(Step("run", "gone from the store", lineage["fingerprint"], "fingerprint"))
    else:
        commit = run.tags.get("mlflow.source.git.commit", "")
        dirty = "+changes" if run.tags.get("git.dirty") == "true" else ""
        steps.append(Step("run", run.name, run.run_id, f"code {commit[:7]}{dirty}" if commit else "code in no commit"))
    steps += [Step("trial", trial.name, trial.run_id, "the same weights") for trial in trials]
    gate = version.tags.get(GATE, "not judged")
    steps.append(Step("model", version.reference, lineage["weights_sha256"], f"weights; gate {gate}"))
    size = bundle.metrics.get(f"{bundle.variant}.size_bytes")
    note = f"{size / 1024:,.1f} KiB" if size is not None else ""
    steps.append(Step("compressed", bundle.variant, bundle.manifest["files"]["model.onnx"], note))
    steps += [Step("alias", f"{version.name}@{alias}") for alias in version.aliases]
    return steps


def _size(entry: Mapping[str, Any]) -> str:
    size = f"{entry['bytes']:,} bytes"
    return f"{entry['files']:,} files, {size}" if "files" in entry else size
