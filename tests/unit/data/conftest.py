"""A folder to prepare in, and the two calls that every test of data makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.params import parse


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below the test's folder."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Prepared]:
    """Prepare a source of the test's folder; ``path`` stands for a CSV source."""

    def make_prepared(
        path: str | None = None, out: str = "out", seed: int = 7, options: dict[str, Any] | None = None, **data: Any
    ) -> Prepared:
        if path is not None:
            data["source"] = {"name": "csv", "options": {"path": path, **(options or {})}}
        return prepare(parse({"seed": seed, "data": data}), tmp_path / out, tmp_path)

    return make_prepared
