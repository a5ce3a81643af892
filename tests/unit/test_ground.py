"""The ground floor: catalogs, streams, fingerprints and files."""

import doctest
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nnops.catalog import Catalog, Component, nearest
from nnops.errors import NameUnknownError, ParamsError
from nnops.files import write_bytes, write_json
from nnops.fingerprint import environment, fingerprint, hash_code, hash_files, hash_json
from nnops.seeding import derive, numpy_stream, torch_stream


class Knob(Component):
    size: int = 1


KNOBS: Catalog[Knob] = Catalog("knob", {"knob": f"{__name__}:Knob", "broken": "nnops.nowhere:Thing"})


@pytest.mark.parametrize(
    "name",
    [
        "nnops.catalog",
        "nnops.seeding",
        "nnops.files",
        "nnops.params",
        "nnops.training.loop",
        "nnops.fingerprint",
        "nnops.number",
    ],
)
def test_doctests(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_catalog_names_the_nearest() -> None:
    with pytest.raises(NameUnknownError, match="did you mean 'knob'"):
        KNOBS.load("knop")
    with pytest.raises(ParamsError, match=r"model\.options\.sise: unknown key 'sise'; did you mean 'size'"):
        KNOBS.build("knob", {"sise": 2}, where="model")
    with pytest.raises(ParamsError, match=r"model\.options\.size must be a whole number.*got 'big'"):
        KNOBS.build("knob", {"size": "big"}, where="model")
    assert KNOBS.build("knob", {"size": 3}).size == 3
    assert nearest("zzzz", ["mse", "mae"]) is None


def test_streams_are_independent_and_repeat_in_another_process() -> None:
    code = "from nnops.seeding import derive; print(derive(7, 'init'))"
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(other.stdout) == derive(7, "init")
    assert derive(7, "init") != derive(8, "init")
    assert numpy_stream(1, "a").integers(1 << 60) == numpy_stream(1, "a").integers(1 << 60)
    assert torch_stream(1, "a").initial_seed() != torch_stream(1, "b").initial_seed()


def test_fingerprint_moves_with_each_of_its_parts() -> None:
    base = {"params": {"a": 1}, "data": "x", "environment": environment(1, "cpu")}
    names = {
        fingerprint(**base),
        fingerprint(**base | {"params": {"a": 2}}),
        fingerprint(**base | {"data": "y"}),
        fingerprint(**base | {"environment": environment(2, "cpu")}),
    }
    assert len(names) == 4
    assert fingerprint(**base) == fingerprint(**json.loads(json.dumps(base)))
    assert hash_code(("files.py",)) != hash_code(("report.py",))
    assert hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})


def test_hash_of_files_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = hash_files([tmp_path / "a"], tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert hash_files([tmp_path / "b"], tmp_path) != first


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    with pytest.raises(TypeError):
        write_bytes(path, "text")  # type: ignore[arg-type]
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
