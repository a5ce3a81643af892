"""Code and data as they were, wherever they still are; and what is said where they are not."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nnops.data.origin import describe_files
from nnops.errors import InputError
from nnops.params import parse
from nnops.reproduce.recorded import Recorded
from nnops.reproduce.scratch import lay_out
from nnops.tracking.record import collect, git_diff

PARAMS = parse({})


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project below the top of a repository, with code that was changed after its commit."""
    root = tmp_path / "repository" / "project"
    (root / "pipelines").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "pipelines" / "train.py").write_text("first = 1\n")
    (root / "data" / "rows.csv").write_text("a,b\n1,2\n")
    (root / ".gitignore").write_text("data/\n")
    git(root.parent, "init", "-q")
    git(root.parent, "add", "-A")
    git(root.parent, "commit", "-qm", "one")
    (root / "pipelines" / "train.py").write_text("first = 2\n")
    (root / "mine.py").write_text("layer = 1\n")
    return root


def recorded(root: Path, **changes: Any) -> Recorded:
    files = describe_files([root / "data" / "rows.csv"], root)
    environment = collect(root) | changes
    return Recorded("run", "one", PARAMS, PARAMS, "", None, None, {}, {}, environment, git_diff(root), files)


def test_code_is_that_of_the_commit_and_its_diff_whatever_became_of_it(project: Path, tmp_path: Path) -> None:
    record = recorded(project)
    (project / "pipelines" / "train.py").write_text("first = 3\n")
    git(project, "commit", "-qam", "two")
    again, notes = lay_out(record, project, tmp_path / "again")
    assert (again / "pipelines" / "train.py").read_text() == "first = 2\n"
    assert (again / "mine.py").read_text() == "layer = 1\n"
    assert (again / "data" / "rows.csv").read_text() == "a,b\n1,2\n"
    assert notes == ["1 files of code were in no commit, so they are taken as they are now"]


def test_data_come_from_dvcs_cache_where_the_file_has_changed(project: Path, tmp_path: Path) -> None:
    record = recorded(project)
    md5 = record.files[0]["md5"]
    place = project / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True)
    shutil.copyfile(project / "data" / "rows.csv", place)
    (project / "data" / "rows.csv").write_text("a,b\n3,4\n")
    again, _ = lay_out(record, project, tmp_path / "again")
    assert (again / "data" / "rows.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "changed"])
def test_data_that_are_nowhere_are_named_with_where_they_were_sought(project: Path, tmp_path: Path, gone: bool) -> None:
    record = recorded(project)
    if gone:
        (project / "data" / "rows.csv").unlink()
    else:
        (project / "data" / "rows.csv").write_text("a,b\n3,4\n")
    with pytest.raises(InputError, match=r"data/rows\.csv .*gone; sought in .*DVC's cache") as error:
        lay_out(record, project, tmp_path / "again")
    assert ("not there" if gone else "has other content") in str(error.value)


def test_a_commit_that_is_gone_is_named(project: Path, tmp_path: Path) -> None:
    record = recorded(project, git={"commit": "0" * 40, "remote": "https://example.org/r.git"})
    with pytest.raises(InputError, match=r"commit 000000000000, which is gone from .*example\.org"):
        lay_out(record, project, tmp_path / "again")


def test_a_diff_that_cannot_be_laid_over_its_commit_is_told(project: Path, tmp_path: Path) -> None:
    record = recorded(project)
    record = Recorded(
        "run", "one", PARAMS, PARAMS, "", None, None, {}, {}, record.environment, "--- a/x\n+++ b/x\n@@\n"
    )
    with pytest.raises(InputError, match="cannot be laid over it"):
        lay_out(record, project, tmp_path / "again")


def test_without_git_the_present_code_is_taken_and_said(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    (root / "pipelines").mkdir(parents=True)
    (root / "pipelines" / "train.py").write_text("first = 1\n")
    (root / ".venv").mkdir()
    (root / ".venv" / "far.py").write_text("")
    record = Recorded("run", "one", PARAMS, PARAMS, "", None, None, {}, {}, {"git": None})
    again, notes = lay_out(record, root, tmp_path / "again")
    assert (again / "pipelines" / "train.py").exists()
    assert not (again / ".venv").exists()
    assert notes == ["its code stood in no commit of git, so the present code is taken (1 files)"]
