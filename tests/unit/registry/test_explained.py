"""A bundle is explained as a project is: by its weights, on rows of a file or of the data that it was trained on."""

import json
import sys

import pytest

from nnops.__main__ import main


@pytest.fixture
def explain(project, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("NNOPS_TRACKING", "off")
    bundle = str(project.bundle("explained").folder)

    def run(*words: str) -> tuple[int, str, str]:
        line = ["nnops", "model", "explain", bundle, *words, "--json", "--out", str(tmp_path / "why")]
        monkeypatch.setattr(sys, "argv", line)
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        said = capfd.readouterr()
        return int(str(code or 0)), said.out, said.err

    return run


def test_rows_of_test(project, explain, monkeypatch):
    monkeypatch.chdir(project.root)
    code, printed, said = explain("--rows", "5")
    assert (code, said) == (0, "")
    record = json.loads(printed)
    assert (record["rows"], record["unit"], record["method"]) == (5, "p(yes)", "shap")


def test_a_file_far_from_the_data(project, explain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, said = explain()
    assert code == 2
    assert "name a FILE" in said
    code, printed, said = explain(str(project.root / "people.csv"), "--method", "permutation", "--option", "repeats=3")
    assert code == 0
    assert "compared with one another" in said
    assert {one["column"] for one in json.loads(printed)["most"]} == {"age", "town"}
