"""The fingerprint of a result: one hash over its params, data, code and environment.

Equal fingerprints promise equal bits; a checkpoint, a run and a bundle are found by it.
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
#: The parts of nnops whose code decides the bits of a trained model.
TRAINING_CODE = ("batch.py", "seeding.py", "models", "losses", "metrics", "training", "data/augmentations")
#: The parts whose code decides the bytes of prepared data.
DATA_CODE = ("batch.py", "files.py", "seeding.py", "data")


def hash_json(record: Any) -> str:
    """The sha256 of a record's one JSON text, in hexadecimal."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_files(paths: Iterable[Path], base: Path) -> str:
    """One sha256 over names (relative to ``base``) and contents of several files."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(f"{path.relative_to(base).as_posix()}\0{hash_file(path)}\n".encode())
    return whole.hexdigest()


@lru_cache
def hash_code(parts: tuple[str, ...] = TRAINING_CODE) -> str:
    """One sha256 over the Python sources of ``parts`` of the installed nnops."""
    sources: list[Path] = []
    for part in parts:
        path = PACKAGE / part
        sources += path.rglob("*.py") if path.is_dir() else [path]
    return hash_files(sources, PACKAGE)


def environment(threads: int, device: str) -> dict[str, str]:
    """What decides bits beside code, params and data: versions, processor family, thread count, device."""
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "torch": _version("torch"),
        "numpy": _version("numpy"),
        "machine": platform.machine(),
        "threads": str(threads),
        "device": device,
    }


@lru_cache
def _version(name: str) -> str:
    """What is installed does not change under a running process, and every trial of a sweep asks."""
    return metadata.version(name)


def fingerprint(
    *, params: Mapping[str, Any], data: str, environment: Mapping[str, str], own: Mapping[str, Path] | None = None
) -> str:
    """The fingerprint of a training: 64 hexadecimal digits.

    Args:
        params: The sections that the training reads, as plain JSON values.
        data: The hash of the prepared data.
        environment: See :func:`environment`.
        own: Files of the project that the network is made from, by name.
    """
    record = {"params": params, "data": data, "code": hash_code(), "environment": dict(environment)}
    return hash_json(record | ({"own": {name: hash_file(path) for name, path in own.items()}} if own else {}))
