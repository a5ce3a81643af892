"""Stop, pause and resume from elsewhere, and what the list of studies says of who drives them."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sweeps import project, sweep, sweep_params

from nnops.errors import InputError, StudyError, StudyHeldError
from nnops.params import Params
from nnops.sweep import plan
from nnops.sweep.control import PAUSE, ask_to_pause, ask_to_stop, asked, go_on
from nnops.sweep.event import Event
from nnops.sweep.holder import this_process
from nnops.sweep.hours import hours
from nnops.sweep.names import free_name, studies
from nnops.sweep.notebook import open_study
from nnops.sweep.show import list_studies
from nnops.sweep.study import Study

LONG = {"sweep.budget.trials": 4, "train.epochs": 300, "sweep.pruner.name": "none"}


class Driver:
    """A sweep in a thread, begun."""

    def __init__(self, root: Path, params: Params) -> None:
        self.root = root
        self.events: list[Event] = []
        self.results: list[Any] = []
        self._thread = threading.Thread(target=self._drive, args=(project(root, params), params))
        self._thread.start()
        self.wait_for(lambda: self.reports() >= 3)

    def _drive(self, root: Path, params: Params) -> None:
        from nnops.sweep.run import run_sweep
        from nnops.tracking.null import NullTracker

        self.results.append(run_sweep(params, root, "s", on_event=self.events.append, tracker=NullTracker()))

    def reports(self) -> int:
        return sum(event.kind == "reported" for event in self.events)

    def wait_for(self, done: Any) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def end(self) -> Any:
        self._thread.join()
        return self.results[0]


@pytest.mark.parametrize("on", ["journal", "server"])
def test_a_paused_study_waits_and_goes_on_as_if_nothing_had_been(
    tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = LONG
    if on == "server":
        # SQLite stands for a server: what is asked must come by the record, not by a file that only this machine has.
        monkeypatch.setattr("nnops.sweep.study.is_server", lambda storage: True)
        monkeypatch.setattr("nnops.sweep.conductor.ASK_S", 0.0)
        changes = LONG | {"sweep.storage": f"sqlite:///{tmp_path}/studies.db"}
    params = sweep_params(changes)
    driver = Driver(tmp_path / "paused", params)
    assert list_studies(driver.root)[0]["state"] == "running"
    elsewhere = driver.root if on == "journal" else tmp_path / "elsewhere"
    assert "is asked to pause; its trials hold" in ask_to_pause(elsewhere, "s", params.sweep.storage)
    driver.wait_for(lambda: Study.open(elsewhere, "s", params.sweep.storage).state == "paused")
    before = driver.reports()
    time.sleep(1.0)
    assert driver.reports() == before
    (listed,) = list_studies(elsewhere)
    assert (listed["state"], listed["driver"]["alive"]) == ("paused", True)
    assert "is paused; go on with" in ask_to_pause(elsewhere, "s", params.sweep.storage)
    with pytest.raises(StudyError, match="is paused, and its driver goes on as it began"):
        go_on(elsewhere, "s", params.sweep.storage, changed=True)
    assert "goes on, driven by process" in (go_on(elsewhere, "s", params.sweep.storage) or "")
    summary = driver.end()
    assert summary.state == "complete"
    study = Study.open(driver.root, "s")
    assert summary.seconds - study.attrs["spent_s"] > 0.9
    (_, left), (again, _) = hours(study, study.trials())
    assert again - left > 0.9
    assert [event.text for event in driver.events if event.kind == "note"] == [
        "paused; go on with 'nnops sweep resume s'",
        "goes on",
    ]
    whole = tmp_path / "whole"
    sweep(project(whole, params), sweep_params({**changes, "sweep.storage": None}))
    tables = [
        [(t.config, t.reports, t.weights_sha256) for t in Study.open(root, "s").trials()]
        for root in (driver.root, whole)
    ]
    assert tables[0] == tables[1]
    assert list_studies(driver.root)[0]["driver"] is None


def test_a_paused_study_can_be_stopped_and_resumed_by_another_driver(tmp_path: Path) -> None:
    params = sweep_params(LONG)
    driver = Driver(tmp_path, params)
    ask_to_pause(tmp_path, "s")
    driver.wait_for(lambda: Study.open(tmp_path, "s").state == "paused")
    assert "is asked to stop" in ask_to_stop(tmp_path, "s")
    assert driver.end().state == "stopped"
    study = Study.open(tmp_path, "s")
    assert (study.state, asked(study)) == ("stopped", None)
    assert go_on(tmp_path, "s") is None
    assert "nobody drives study 's' (stopped); nothing to pause" in ask_to_pause(tmp_path, "s")
    assert sweep(tmp_path, params, resume=True)[0].state == "complete"


def test_a_driver_that_died_is_listed_as_such_and_what_it_was_asked_is_forgotten(tmp_path: Path) -> None:
    params = sweep_params()
    sweep(project(tmp_path, params), params, trials=2)
    study = Study.open(tmp_path, "s")
    study.set("ended", None)
    study.set("paused", True)
    (study.folder / PAUSE).touch()
    gone = vars(this_process()) | {"pid": 2**22 + 1, "beat": time.time() - 100}
    (study.folder / "driver.json").write_text(json.dumps(gone))
    (listed,) = list_studies(tmp_path)
    assert listed["state"] == "stopped"
    assert listed["driver"]["alive"] is False
    assert 99 < listed["driver"]["seconds"] < 130
    assert go_on(tmp_path, "s") is None
    assert sweep(tmp_path, params, resume=True, trials=3)[0].state == "complete"
    assert list_studies(tmp_path)[0]["driver"] is None


def test_a_study_whose_storage_is_gone_hides_no_other(tmp_path: Path) -> None:
    url = "postgresql://ann:${NNOPS_NO_SUCH}@127.0.0.1:1/db"
    sweep(project(tmp_path))
    (studies(tmp_path) / "far").mkdir()
    (studies(tmp_path) / "far" / "study.json").write_text(json.dumps({"name": "far", "storage": url}))
    far, near = list_studies(tmp_path)
    assert (near["name"], near["state"]) == ("s", "complete")
    assert (far["name"], far["state"], far["driver"]) == ("far", "unreachable", None)
    assert "needs the environment variable NNOPS_NO_SUCH" in far["reason"]


class Beginner:
    """A start in a thread that is held just before its study is there, until it is let go."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._plans, self._goes = threading.Event(), threading.Event()
        self.results: list[Any] = []

        def look(*args: Any, **options: Any) -> Any:
            self._plans.set()
            assert self._goes.wait(60)
            return plan.look(*args, **options)

        monkeypatch.setattr("nnops.sweep.run.look", look)
        self._thread = threading.Thread(target=lambda: self.results.append(sweep(root)))
        self._thread.start()
        assert self._plans.wait(60)

    def end(self) -> Any:
        self._goes.set()
        self._thread.join()
        return self.results[0]


def test_a_study_that_is_just_beginning_says_who_begins_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path)
    beginner = Beginner(tmp_path, monkeypatch)
    try:
        said = f"study 's' is just beginning, driven by process {os.getpid()} on .*; wait until it runs, or end it with"
        for call in (
            lambda: go_on(tmp_path, "s"),
            lambda: sweep(tmp_path, resume=True),
            lambda: open_study("s", tmp_path),
        ):
            with pytest.raises(StudyHeldError, match=said):
                call()
        began_s = time.monotonic()
        with pytest.raises(StudyHeldError, match="is driven by process"):
            sweep(tmp_path)
        assert time.monotonic() - began_s < 1
        (listed,) = list_studies(tmp_path)
        assert (listed["name"], listed["state"], listed["trials"]) == ("s", "beginning", 0)
        assert listed["driver"]["alive"] is True
        assert free_name(tmp_path, "s") == "s-2"
        assert "just beginning and asked to pause" in ask_to_pause(tmp_path, "s")
        assert go_on(tmp_path, "s") == "study 's' is just beginning, and will not pause."
        assert "just beginning and asked to stop; process" in ask_to_stop(tmp_path, "s")
    finally:
        summary, _ = beginner.end()
    # It is there, and loses nothing.
    assert (summary.state, summary.why, sum(summary.trials.values())) == ("stopped", "stop", 0)
    assert sweep(tmp_path, resume=True)[0].state == "complete"


def test_a_beginning_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    project(tmp_path)
    with pytest.raises(InputError, match="val_rmse"):
        sweep(tmp_path, sweep_params({"sweep.objective.metric": "val_rmse"}))
    assert not (studies(tmp_path) / "s").exists()
    assert list_studies(tmp_path) == []
