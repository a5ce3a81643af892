"""The libraries of a record: which ones are other, put into an environment of their own, and what cannot be had."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from nnops.errors import InputError
from nnops.params import parse
from nnops.reproduce.libraries import install_libraries, look, outdated
from nnops.reproduce.recorded import Recorded
from nnops.tracking.record import collect, distributions
from tests.wheels import repack

PARAMS = parse({})


def recorded(**environment: Any) -> Recorded:
    return Recorded("run", "one", PARAMS, PARAMS, "", None, None, {}, {}, environment)


def test_what_runs_training_and_is_other_is_named(tmp_path: Path) -> None:
    record = collect(tmp_path)
    assert outdated(recorded(**record)) == {}
    changed = record["distributions"] | {
        "safetensors": "0.0.7",
        "typing-extensions": "0.0.1",  # torch needs it
        "nnops": "0.0.1",  # its code is compared
        "pytest": "0.0.1",  # nothing of a result needs it
        "no-longer-needed": "1.0",
    }
    assert outdated(recorded(**record | {"distributions": changed})) == {
        "safetensors": "0.0.7", "typing-extensions": "0.0.1",
    }  # fmt: skip
    # Where only the main ones are on record, as with a bundle.
    assert outdated(recorded(packages={"scikit-learn": "0.0.2", "nnops": "0.0.1"})) == {"scikit-learn": "0.0.2"}
    assert outdated(recorded()) == {}


def test_an_environment_holds_what_is_on_record_and_finds_the_rest_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repack("safetensors", "0.0.7", tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    record = recorded(**collect(tmp_path))
    python = install_libraries(record, {"safetensors": "0.0.7"}, tmp_path / "environment")
    now = look(python, tmp_path)
    here = distributions()
    assert now["packages"]["safetensors"] == now["distributions"]["safetensors"] == "0.0.7"
    assert {name for name, version in here.items() if now["distributions"].get(name) != version} == {"safetensors"}
    words = "import nnops, safetensors, torch; print(safetensors.__file__); print(torch.__file__)"
    said = subprocess.run([python, "-c", words], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    first, second = said.splitlines()
    assert first.startswith(str(tmp_path))
    assert not second.startswith(str(tmp_path))
    with pytest.raises(InputError, match=r"one: the libraries on record \(safetensors==0\.0\.8\) cannot be had: ERROR"):
        install_libraries(record, {"safetensors": "0.0.8"}, tmp_path / "another")


def test_another_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"was made with Python 2\.7, and this is 3\.\d+, .* from an environment of"):
        install_libraries(recorded(python="2.7.18"), {"torch": "0.1"}, tmp_path / "environment")
    assert not (tmp_path / "environment").exists()
