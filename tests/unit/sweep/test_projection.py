import json
import math
import threading
from pathlib import Path

import pytest
from sweeps import LR, project, sweep, sweep_params

from nnops.errors import TrackingError
from nnops.sweep.event import Event
from nnops.sweep.run import run_sweep
from nnops.sweep.study import Study
from nnops.tracking.memory import MemoryRun, MemoryTracker
from nnops.tracking.tracker import RunInfo


def parent_best(study: Study) -> int:
    best = study.best()
    assert best is not None
    return best.number


def test_a_study_is_a_parent_with_a_child_for_each_trial(tmp_path: Path) -> None:
    tracker = MemoryTracker()
    summary, _ = sweep(project(tmp_path), tracker=tracker)
    study = Study.open(tmp_path, "s")
    parent = tracker.runs[study.uid]
    assert (parent.info.kind, parent.info.parent, parent.state) == ("study", None, "FINISHED")
    assert parent.tags["nnops.seed"] == "3"
    assert parent.tags["nnops.data_hash"] == study.attrs["data_hash"]
    assert parent.params["sweep.objective.metric"] == "val_loss"
    assert parent.params[f"sweep.space.{LR}"].startswith('{"float": [0.0001, 0.1]')
    assert {"figures/history.png"} <= set(parent.files)
    assert parent.finals["trials/complete"] == summary.trials["complete"]
    assert "| trial | state |" in parent.tags["mlflow.note.content"]
    assert (
        "![history](image:figures/small/history.png)](artifact:figures/history.png)"
        in parent.tags["mlflow.note.content"]
    )
    assert parent.files["report.html"].startswith(b"<!doctype html>")
    table = json.loads(parent.files["trials.json"])
    assert table["data"][0][0] == parent_best(study)
    assert len(table["data"]) == 6
    assert {"trial", "state", "val_loss", LR.replace(".", "/"), "fingerprint"} <= set(table["columns"])
    assert json.loads(parent.tags["mlflow.loggedArtifacts"]) == [{"path": "trials.json", "type": "table"}]
    (view,) = parent.views.values()
    assert view["searchFilter"] == f"tags.`nnops.parent` = '{study.uid}'"
    assert f"params.`{LR}`" in view["selectedColumns"]
    best = [value for _, value in parent.series("best/val_loss")]
    assert best == sorted(best, reverse=True)
    assert summary.best is not None
    assert best[-1] == summary.best.value

    assert len(tracker.runs) == 7
    for trial in study.trials():
        child = tracker.runs[trial.uid]
        assert (child.info.kind, child.info.parent, child.state) == ("trial", study.uid, "FINISHED")
        assert child.params[LR] == repr(trial.config[LR])
        assert float(child.params[f"log10_{LR}"]) == pytest.approx(math.log10(trial.config[LR]), abs=1e-6)
        assert child.params["seed"] == "3"
        said = f"**{trial.state}** after {trial.epochs} epochs, `val_loss` {trial.value:.6g}\n"
        assert child.tags["mlflow.note.content"].startswith(said if trial.epochs > 1 else f"**{trial.state}** after 1 ")
        assert f"`nnops sweep show s --trial {trial.number}` says why" in child.tags["mlflow.note.content"]
        assert dict(child.series("val_loss")) == trial.reports
        assert {"train_loss", "val_loss", "val_accuracy", "lr"} <= set(child.points)
        assert child.tags["nnops.state"] == trial.state
        assert child.finals["seconds"] == trial.seconds
        if trial.state == "complete":
            assert child.tags["nnops.fingerprint"] == trial.fingerprint
            assert child.tags["nnops.weights_sha256"] == trial.weights_sha256
            assert child.finals["best/val_loss"] == trial.value


def test_a_study_that_goes_on_goes_on_in_its_runs(tmp_path: Path) -> None:
    tracker = MemoryTracker()
    params = sweep_params({"sweep.budget.trials": 4, "train.epochs": 60, "sweep.pruner.name": "none"})
    project(tmp_path, params)
    stop = threading.Event()

    def listen(event: Event) -> None:
        if event.kind == "reported" and event.number == 1 and event.epoch == 20:
            stop.set()

    run_sweep(params, tmp_path, "s", on_event=listen, stop=stop, tracker=tracker)
    study = Study.open(tmp_path, "s")
    assert tracker.runs[study.uid].state == "KILLED"
    assert tracker.runs[f"{study.uid}/1"].state == "RUNNING"
    sweep(tmp_path, params, resume=True, tracker=tracker)
    assert len(tracker.runs) == 5
    assert {run.state for run in tracker.runs.values()} == {"FINISHED"}
    for trial in Study.open(tmp_path, "s").trials():
        assert dict(tracker.runs[trial.uid].series("val_loss")) == trial.reports


def test_an_end_that_was_not_told_before_a_kill_is_told_at_the_next_start(tmp_path: Path) -> None:
    sweep(project(tmp_path))
    tracker = MemoryTracker()
    sweep(tmp_path, resume=True, trials=7, tracker=tracker)
    study = Study.open(tmp_path, "s")
    last = tracker.runs[f"{study.uid}/5"]
    assert last.state == "FINISHED"
    assert dict(last.series("val_loss")) == study.trials()[5].reports
    assert set(tracker.runs) == {study.uid, f"{study.uid}/5", f"{study.uid}/6"}


def test_a_spool_that_cannot_be_written_does_not_end_the_sweep(tmp_path: Path) -> None:
    class Full(MemoryTracker):
        def open(self, info: RunInfo) -> MemoryRun:
            if info.kind == "trial" and info.uid.endswith("/3"):
                raise TrackingError("the disk is full.")
            return super().open(info)

    summary, events = sweep(project(tmp_path), tracker=Full())
    assert summary.state == "complete"
    notes = [event.text for event in events if event.kind == "note"]
    assert notes == ["the sweep is no longer tracked: the disk is full."]
