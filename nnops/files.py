"""Files written whole or not at all, and JSON whose bytes repeat."""

import json
import os
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write ``content`` to ``path`` atomically: a reader sees the old file or the new one, never a part.

    Args:
        path: The file; its folder is made.
        content: All of its bytes.
        durable: Also flush to the disk, so that the file survives a loss of power.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, record: Any, *, durable: bool = False) -> None:
    """Write ``record`` as JSON with sorted keys, atomically; NaN and infinities are refused (ValueError)."""
    write_bytes(path, dump_json(record).encode(), durable=durable)


def dump_json(record: Any) -> str:
    r"""The one JSON text of ``record``: sorted keys, two spaces, a final newline.

    >>> dump_json({"b": 1, "a": 0.5})
    '{\n  "a": 0.5,\n  "b": 1\n}\n'
    """
    return json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
