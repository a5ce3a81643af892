"""``nnops doctor`` as a person runs it: exit codes, one JSON document, a folder of figures, and wrong inputs."""

import json
import os
from pathlib import Path

import pytest

from nnops.__main__ import main
from nnops.params import load
from nnops.sweep.ready import find_data
from nnops.training.artifact import write_model
from nnops.training.train import train

PARAMS = """
data: {source: {name: sklearn, options: {set: iris}}}
model: {name: mlp, options: {hidden: [8]}}
train: {epochs: 30, batch_size: 32, optimizer: {name: adamw, options: {lr: 0.02}}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project whose data are prepared, and whose network is trained."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "params.yaml").write_text(PARAMS)
    params = load(folder / "params.yaml")
    data = find_data(params, folder)
    write_model(folder / "artifacts" / "train", train(params, data), params, data)
    return folder


@pytest.fixture
def nnops(monkeypatch, capfd):
    monkeypatch.setenv("NNOPS_TRACKING", "off")
    before = Path.cwd()

    def run(folder: Path, *words: str) -> tuple[int, str, str]:
        os.chdir(folder)
        monkeypatch.setattr("sys.argv", ["nnops", "doctor", *words])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        return code, *capfd.readouterr()

    yield run
    os.chdir(before)


def test_a_sound_project_is_well_with_its_training(nnops, project) -> None:
    code, said, _ = nnops(project, "--json")
    assert code == 0
    record = json.loads(said)
    assert record["ok"]
    assert record["counts"] == {"error": 0, "warning": 0, "note": 0}
    assert record["trainings"] == ["the training in artifacts/train"]
    assert record["skipped"] == {}


def test_an_error_is_exit_code_1_and_plain_lines(nnops, project) -> None:
    code, said, told = nnops(project, "--set", "train.optimizer.options.lr=1e-8")
    assert code == 1
    assert "error learning_rate: The rate 1e-08 is too low" in said
    assert "\x1b" not in said
    assert "  try: --set train.optimizer.options.lr=" in said
    assert "of other params, so it is not looked at" in told


def test_a_report_has_figures(nnops, project, tmp_path) -> None:
    assert nnops(project, "--out", str(tmp_path / "report"))[0] == 0
    names = sorted(path.name for path in (tmp_path / "report").iterdir())
    assert names == ["gradients.png", "lr_range.png", "one_batch.png", "report.json", "report.md"]
    assert "![lr range](lr_range.png)" in (tmp_path / "report" / "report.md").read_text()


def test_wrong_inputs_are_one_sentence(nnops, project, tmp_path) -> None:
    def refused(folder: Path, part: str, *words: str) -> None:
        code, said, told = nnops(folder, *words)
        assert (code, said) == (2, ""), told
        assert part in told
        assert told.count("\n") == 1

    refused(tmp_path, "params.yaml does not exist")
    refused(project, "nowhere.csv", "--set", "data.source={name: csv, options: {path: nowhere.csv}}")
    refused(project, "no study", "--run", "trial:nowhere/0")
    refused(project, "leave one out", "--run", "abcdef12", "--set", "seed=3")
    (tmp_path / "report").write_text("")
    refused(project, "must be a folder", "--out", str(tmp_path / "report"))
    history = project / "artifacts" / "train" / "history.csv"
    whole = history.read_text()
    history.write_text(whole.replace("\n2,", "\n2,what,", 1))
    refused(project, "history.csv: line 3 must hold 5 numbers")
    history.write_text(whole)
