"""What lies in a project and should not: files in the place of folders, stores and studies that are not whole."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sweeps

from nnops.errors import TrackingError
from nnops.params import Params
from nnops.pipeline.job import Job, execute
from nnops.sweep.event import Note
from nnops.sweep.names import names
from nnops.sweep.show import list_studies
from nnops.sweep.storage import JOURNAL
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.ui import ui_command, ui_environment

Nnops = Callable[..., tuple[int, str]]
SMALL = ("--set", "train.epochs=1", "--engine", "inline", "--trials", "2")
GARBAGE = b"no database " * 1000


@pytest.mark.parametrize("place", ["afile", "afile/deeper"])
@pytest.mark.parametrize("command", ["init", "demo"])
def test_a_project_is_made_in_a_folder(nnops: Nnops, command: str, place: str) -> None:
    Path("afile").write_text("mine")
    code, said = nnops(command, place)
    assert code == 2
    assert "afile is a file, and a project is made in a folder; name another.\n" in said
    assert Path("afile").read_text() == "mine"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", [("sweep", "start", *SMALL), ("doctor",)], ids=["sweep start", "doctor"])
def test_a_file_where_a_folder_must_be(nnops: Nnops, words: tuple[str, ...]) -> None:
    Path(".nnops").write_text("mine")
    code, said = nnops(*words)
    assert (code, said) == (
        1,
        "nnops: .nnops is a file where a folder must be; move it away, or name another place.\n",
    )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", [".nnops", "artifacts"])
def test_a_stage_says_it_too(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text("mine")

    def work(job: Job) -> None:
        job.fresh_out()

    assert execute("prepare", work) == 1
    said = capfd.readouterr().err
    assert said == f"prepare: {name} is a file where a folder must be; move it away, or name another place.\n"


@pytest.mark.usefixtures("project")
def test_a_store_that_is_no_database(nnops: Nnops) -> None:
    Path("mlflow.db").write_bytes(GARBAGE)
    for words in (("run", "list"), ("model", "list"), ("ui",)):
        code, said = nnops(*words)
        assert code == 1
        assert said.count("\n") == 1
        assert "mlflow.db is not a database of SQLite, or a damaged one; put it back, or move it away" in said
    with pytest.raises(TrackingError, match="not a database of SQLite"):
        ui_command(Params(), Path())
    assert Path("mlflow.db").read_bytes() == GARBAGE


def test_the_ui_warns_its_users_of_nothing_that_only_its_authors_can_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    assert ui_environment(Params(), tmp_path)["PYTHONWARNINGS"] == "ignore"
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    assert ui_environment(Params(), tmp_path)["PYTHONWARNINGS"] == "default"


@pytest.mark.parametrize("uri", [None, "http://127.0.0.1:1"], ids=["no database", "no server"])
def test_a_sweep_says_at_its_end_that_nothing_of_it_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str | None
) -> None:
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    params = sweeps.sweep_params({"tracking.uri": uri})
    root = sweeps.project(tmp_path, params)
    # A store that may still be written is no news.
    _, events = sweeps.sweep(root, sweeps.sweep_params(), "under-way", trials=1, tracker=SpoolTracker(root))
    assert not [event for event in events if isinstance(event, Note)]
    (root / "mlflow.db").write_bytes(GARBAGE)
    summary, events = sweeps.sweep(root, params, trials=1, tracker=SpoolTracker(root, uri=uri))
    assert summary.state == "complete"
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert ("does not answer" if uri else "not a database of SQLite") in note
    assert "What was logged waits in .nnops/spool and is sent later." in note


@pytest.mark.parametrize("words", [("model", "list"), ("run", "list"), ("run", "list", "--json")])
def test_looking_makes_no_store(nnops: Nnops, words: tuple[str, ...]) -> None:
    assert nnops(*words)[0] == 0
    assert nnops("model", "show", "one")[0] == 2
    assert nnops("run", "note", "abcdef", "good")[0] == 2
    assert list(Path().iterdir()) == []


@pytest.fixture
def study(nnops: Nnops, project: Path) -> Path:
    del project
    nnops("sweep", "start", "s", *SMALL)
    return Path(".nnops/studies/s")


def test_a_record_that_is_cut_anywhere_is_a_sentence_or_goes_on(nnops: Nnops, study: Path) -> None:
    lines = (study / JOURNAL).read_bytes().splitlines(keepends=True)
    begun = 1 + next(place for place, line in enumerate(lines) if b'"data_hash"' in line)
    for count in range(begun):
        (study / JOURNAL).write_bytes(b"".join(lines[:count]))
        for words in (("resume", "s"), ("show", "s"), ("apply", "s")):
            code, said = nnops("sweep", *words)
            assert (code, said.count("\n")) == (1, 1), said
            assert "put its file back from a copy, or delete the study with 'nnops sweep delete s'" in said
        assert nnops("sweep", "list")[0] == 0
    for count in (begun, begun + 1, len(lines) - 1):
        (study / JOURNAL).write_bytes(b"".join(lines[:count]))
        assert nnops("sweep", "resume", "s")[0] == 0
        assert nnops("sweep", "show", "s")[0] == 0


@pytest.mark.parametrize("content", [b"", b"5\n{}\n", b'{"op_code": 4}\n'], ids=["empty", "numbers", "middle"])
def test_a_damaged_study_is_listed_and_can_be_deleted(nnops: Nnops, study: Path, content: bytes) -> None:
    (study / JOURNAL).write_bytes(content)
    (listed,) = list_studies(Path())
    assert (listed["name"], listed["state"]) == ("s", "damaged")
    assert "nnops sweep delete s" in listed["reason"]
    assert nnops("sweep", "delete", "s", "--yes")[0] == 0
    assert names(Path()) == []
    assert not study.exists()


def test_a_damaged_pointer(nnops: Nnops, study: Path) -> None:
    (study / "study.json").write_text("{")
    code, said = nnops("sweep", "show", "s")
    assert (code, said.count("\n")) == (1, 1)
    assert "study.json is damaged; put its file back from a copy" in said
