"""``nnops model explain``: what it writes and prints, and what a person may get wrong."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from explained import Explained
from explained import people as rows_of_people

from nnops.__main__ import main

Nnops = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Explained.table(tmp_path_factory.mktemp("table")).root


@pytest.fixture
def nnops(table: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Nnops:
    """Runs a command line in the project; gives its exit code, what it printed, and what it said."""
    monkeypatch.chdir(table)
    monkeypatch.setenv("NNOPS_TRACKING", "off")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nnops", "model", "explain", *words])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        said = capfd.readouterr()
        return int(str(code or 0)), said.out, said.err

    return run


def test_the_test_split_is_explained(nnops: Nnops, tmp_path: Path) -> None:
    out = tmp_path / "why"
    code, printed, said = nnops("--rows", "12", "--out", str(out))
    assert (code, said) == (0, "")
    assert "town" in printed
    assert "shuffled weights" in printed
    assert {"attributions.csv", "attributions.json", "row.png", "summary.png"} == {path.name for path in out.iterdir()}
    rows = list(csv.DictReader(StringIO((out / "attributions.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 12 * 5
    by_row: dict[str, float] = {}
    for row in rows:
        by_row[row["row"]] = by_row.get(row["row"], float(row["base"])) + float(row["value"])
        assert row["answer"] == "yes"
    for row in rows:
        assert by_row[row["row"]] == pytest.approx(float(row["score"]), abs=1e-5)


def test_the_same_bytes_twice(nnops: Nnops, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert nnops("--method", "permutation", "--option", "repeats=4", "--out", str(tmp_path / name))[0] == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_file_and_json(nnops: Nnops, tmp_path: Path) -> None:
    rows_of_people(5).drop(columns="buys").to_csv(tmp_path / "new.csv", index=False)
    # Without the data of the training the file's rows are compared with one another.
    Path("artifacts/prepare/schema.json").rename("artifacts/prepare/schema.away")
    try:
        code, _, said = nnops("--method", "lime")
        assert code == 2
        assert "name a FILE" in said
    finally:
        Path("artifacts/prepare/schema.away").rename("artifacts/prepare/schema.json")
    code, printed, said = nnops(str(tmp_path / "new.csv"), "--json", "--out", str(tmp_path / "why"))
    assert (code, said) == (0, "")
    assert json.loads(printed)["rows"] == 5
    rows_of_people(5).drop(columns="age").to_csv(tmp_path / "less.csv", index=False)
    code, _, said = nnops(str(tmp_path / "less.csv"))
    assert code == 2
    assert "'age'" in said


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--rows", "0"], ["--rows must be at least 1, got 0"]),
        (["--method", "shp"], ["unknown explanation method 'shp'", "'shap'"]),
        (["--method", "grad_cam"], ["grad_cam is for image data", "table data", "lime", "shap"]),
        (["--answer", "ye"], ["unknown answer 'ye'", "'yes'"]),
        (["--option", "bacground=3"], ["bacground", "'background'"]),
        (["--option", "background=0"], ["background", "greater than or equal to 1"]),
        (["--option", "background"], ["--option", "background"]),
        (["--out", "nowhere/deep"], ["--out nowhere/deep"]),
    ],
    ids=lambda each: " ".join(each) if each[0].startswith("--") else "",
)
def test_what_is_wrong_is_one_sentence(nnops: Nnops, words: list[str], parts: list[str]) -> None:
    code, _, said = nnops(*words)
    assert code == 2, said
    assert said.count("\n") == 1, said
    for part in parts:
        assert part in said


def test_options_and_answers_are_taken(nnops: Nnops, tmp_path: Path) -> None:
    words = ["--rows", "3", "--option", "background=20", "--answer", "no", "--json", "--out", str(tmp_path / "why")]
    code, printed, _ = nnops(*words)
    assert code == 0
    record = json.loads(printed)
    assert record["options"]["background"] == 20
    assert (record["unit"], record["rows"]) == ("p(no)", 3)
    assert record["checks"]["sum_error"] < 1e-6
    assert np.isfinite([one["value"] for one in record["most"]]).all()
