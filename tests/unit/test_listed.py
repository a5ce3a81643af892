"""Files that a stage reads must be among its deps in dvc.yaml."""

from pathlib import Path
from typing import Any

import pytest

from nnops.data.prepare import source_files
from nnops.errors import InputError
from nnops.judge import judge
from nnops.listed import check_listed
from nnops.params import parse

RECORD = {"data": {"source": {"options": {"path": "data/train.csv"}}, "test": None}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for name in ("train", "test"):
        (tmp_path / "data" / f"{name}.csv").write_text("x,y\n1,a\n2,b\n")
    return tmp_path


def check(root: Path, deps: str, record: dict[str, Any] = RECORD) -> None:
    (root / "dvc.yaml").write_text(f"stages:\n  prepare:\n    cmd: x\n    deps: {deps}\n")
    check_listed({"source": root / "data" / "train.csv"}, root, "prepare", record)


@pytest.mark.parametrize(
    "deps",
    [
        "[data/train.csv]",
        "[data]",
        "['./data/../data/train.csv']",
        '["${data.source.options.path}"]',
        '[pipelines/prepare.py, "${ data.source.options.path }"]',
        '["${elsewhere.key}"]',  # of a file of vars, which DVC alone reads
    ],
)
def test_listed(root: Path, deps: str) -> None:
    check(root, deps)


@pytest.mark.parametrize("deps", ["[]", "null", "[data/test.csv]", "[data/train]", "['${data.source.name}']"])
def test_not_listed(root: Path, deps: str) -> None:
    record = {"data": {"source": {"name": "csv"}}}
    with pytest.raises(
        InputError, match=r"the stage prepare must depend on 'data/train\.csv'.*add it to the stage's deps"
    ):
        check(root, deps, record)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stages:\n",
        "stages: {train: {cmd: x}}\n",
        "plots: []\n",
        "- x\n",
        "stages: {prepare: 3}\n",
        "stages: [prepare]\n",
        "stages: {prepare: {cmd: x, deps: 5}}\n",
    ],
)
def test_without_the_stage_nobody_runs_it_again(root: Path, text: str) -> None:
    (root / "dvc.yaml").write_text(text)
    check_listed({"source": root / "data" / "train.csv"}, root, "prepare", RECORD)


@pytest.mark.parametrize("content", [b"stages: [", b"stages: \xff\n"])
def test_a_file_that_is_no_yaml(root: Path, content: bytes) -> None:
    (root / "dvc.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"dvc\.yaml: not valid YAML"):
        check_listed({"source": root / "data" / "train.csv"}, root, "prepare", RECORD)


def test_what_lies_outside_the_project_is_not_asked_for(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    far = tmp_path_factory.mktemp("far") / "train.csv"
    far.write_text("x,y\n1,a\n")
    (root / "dvc.yaml").write_text("stages:\n  prepare:\n    deps: []\n")
    check_listed({"source": far}, root, "prepare", RECORD)


def test_a_test_file_that_was_added_by_hand(root: Path) -> None:
    """As ``init`` writes dvc.yaml, with the source alone."""
    params = parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": "data/train.csv"}},
                "test": {"name": "csv", "options": {"path": "data/test.csv"}},
                "target": "y",
            }
        }
    )
    files = source_files(params, root)
    assert files == {"source.path": root / "data/train.csv", "test.path": root / "data/test.csv"}
    text = 'stages:\n  prepare:\n    deps: [pipelines/prepare.py, "${data.source.options.path}"]\n'
    (root / "dvc.yaml").write_text(text)
    with pytest.raises(InputError, match=r"the stage prepare must depend on 'data/test\.csv'"):
        judge(params, root)
    (root / "dvc.yaml").write_text(text.replace('"]', '", "${data.test.options.path}"]'))
    check_listed(files, root, "prepare", params.record())
