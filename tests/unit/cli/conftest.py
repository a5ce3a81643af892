"""The command line in this process, in an empty folder or in a small project."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nnops.__main__ import main

Nnops = Callable[..., tuple[int, str]]
PEOPLE = "age,city,outcome\n" + "".join(f"{20 + n},{'ab'[n % 2]},{'yes' if n % 3 else 'no'}\n" for n in range(60))


@pytest.fixture
def nnops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Nnops:
    """Runs a command line in an empty folder; gives its exit code and what it said on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNOPS_TRACKING", "off")

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["nnops", *words])
        capfd.readouterr()
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
            return code, capfd.readouterr().err
        return 0, capfd.readouterr().err

    return run


@pytest.fixture
def project(nnops: Nnops, monkeypatch: pytest.MonkeyPatch) -> Path:
    Path("people.csv").write_text(PEOPLE)
    assert nnops("init", "new", "--data", "people.csv", "--target", "outcome")[0] == 0
    monkeypatch.chdir("new")
    return Path("new")
