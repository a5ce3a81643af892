"""Where data came from: every file that was read, by path and hash, so that the same ones can be found again."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nnops.fingerprint import hash_files

#: More files than these are one entry, named by their folder.
MANY = 20


def describe_files(files: Iterable[Path], root: Path) -> list[dict[str, Any]]:
    """The files of a source, as plain JSON values.

    Args:
        files: What a reader reads.
        root: The project's folder.

    Returns:
        For each file ``path`` (from ``root`` where it lies below it, else absolute), ``bytes``, ``sha256`` and ``md5``,
        by which DVC's cache is ordered. More than :data:`MANY` are one entry: ``path`` of their folder, ``files``,
        ``bytes`` and the ``sha256`` over names and contents (:func:`nnops.fingerprint.hash_files`).
    """
    found = sorted({path.resolve() for path in files})
    if len(found) <= MANY:
        return [{"path": name(path, root), "bytes": path.stat().st_size, **_hashes(path)} for path in found]
    base = Path(os.path.commonpath([path.parent for path in found]))
    size = sum(path.stat().st_size for path in found)
    return [{"path": name(base, root), "files": len(found), "bytes": size, "sha256": hash_files(found, base)}]


def name(path: Path, root: Path) -> str:
    """A path as a record holds it: from the project's folder where it lies below it, else absolute."""
    whole, base = path.resolve(), root.resolve()
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else whole.as_posix()


def _hashes(path: Path) -> dict[str, str]:
    """Both hashes of a file, read once."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            sha256.update(piece)
            md5.update(piece)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}
