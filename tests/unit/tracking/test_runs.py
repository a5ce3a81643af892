"""Runs read back while what was said of them is still under way."""

import threading
import time
from pathlib import Path

import pytest

from nnops.errors import TrackingError
from nnops.params import parse
from nnops.tracking.mlflow import Store
from nnops.tracking.runs import Runs
from nnops.tracking.spool import SpoolTracker, is_under_way, spool_folder
from nnops.tracking.tracker import RunInfo
from nnops.tracking.wake import Manner
from nnops.tracking.writer import Writer

PARAMS = parse({})


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started: the tests run the writer themselves."""
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)


def test_a_run_that_is_under_way_is_waited_for_until_all_of_it_has_arrived(project: Path, tmp_path: Path) -> None:
    note = tmp_path / "history.csv"
    note.write_text("epoch,val_loss\n")
    run = SpoolTracker(project).open(RunInfo("late", "late", "pipeline"))
    run.file(note, "train")
    run.finish("FINISHED")
    assert Runs(PARAMS, project).of("late", wait_s=0.0) is None

    def deliver() -> None:
        time.sleep(0.3)
        Writer(spool_folder(project), Manner(linger_s=0.0, patience_s=5.0, nice=0), Store).run()

    writer = threading.Thread(target=deliver)
    writer.start()
    found = Runs(PARAMS, project).of("late")
    writer.join()
    assert found is not None
    assert Runs(PARAMS, project).file(found.run_id, "train/history.csv") == b"epoch,val_loss\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits fails."""

    def sleep(seconds: float) -> None:
        pytest.fail(f"waited {seconds} s")

    monkeypatch.setattr("time.sleep", sleep)


@pytest.mark.usefixtures("impatient")
def test_only_what_can_arrive_is_waited_for(project: Path) -> None:
    runs = Runs(PARAMS, project)
    tracker = SpoolTracker(project)
    assert runs.of("nobody") is None
    held = tracker.open(RunInfo("held", "held", "trial"))
    assert runs.of("held") is None  # Whoever has it open may go on for hours.
    SpoolTracker(project, experiment="another").open(RunInfo("elsewhere", "", "pipeline")).finish("FINISHED")
    assert runs.of("elsewhere") is None
    held.leave()
    assert is_under_way("held", tracker.target, project)
    assert runs.of("held", wait_s=0.0) is None


@pytest.mark.usefixtures("impatient")
def test_a_store_that_does_not_answer_or_refuses_to_is_not_waited_for(project: Path, refusing: str) -> None:
    SpoolTracker(project, uri=refusing).open(RunInfo("lost", "", "pipeline")).finish("FINISHED")
    with pytest.raises(TrackingError, match="401"):
        Runs(parse({"tracking": {"uri": refusing}}), project).of("lost")
    uri = "http://127.0.0.1:9"
    SpoolTracker(project, uri=uri).open(RunInfo("lost", "", "pipeline")).finish("FINISHED")
    with pytest.raises(TrackingError, match="does not answer"):
        Runs(parse({"tracking": {"uri": uri}}), project).of("lost")
    with pytest.raises(TrackingError, match="does not answer"):
        Runs(parse({"tracking": {"uri": uri}}), project).all()
