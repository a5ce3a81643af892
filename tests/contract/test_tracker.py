"""The contract of trackers, run over all of them; the spool is judged by what MLflow shows in the end."""

import itertools
import math
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nnops.errors import TrackingError
from nnops.tracking.memory import MemoryTracker
from nnops.tracking.null import NullTracker
from nnops.tracking.spool import SpoolTracker, spool_folder
from nnops.tracking.tracker import Run, RunInfo, Tracker
from nnops.tracking.wake import Manner

WAIT_S = 90
MAX_FLOAT = 1.7976931348623157e308
_uids = (f"uid-{number}" for number in itertools.count())


@dataclass
class Seen:
    """What a reader finds of a run."""

    name: str
    state: str
    started_ms: int
    ended_ms: int | None
    parent: str | None
    params: dict[str, str]
    tags: dict[str, str]
    points: dict[str, list[tuple[int, float, int]]]
    datasets: list[tuple[str, str, int]]
    files: dict[str, bytes] = field(default_factory=dict)

    def series(self, metric: str) -> list[tuple[int, float]]:
        return [(step, value) for step, value, _ in self.points.get(metric, [])]


class Memory:
    """Reads the memory twin."""

    def __init__(self) -> None:
        self.tracker = MemoryTracker()

    def again(self) -> Tracker:
        return self.tracker

    def read(self, uid: str) -> Seen:
        run = self.tracker.runs[uid]
        points = {
            name: [(step, value, moment) for step, (value, moment) in sorted(steps.items())]
            for name, steps in run.points.items()
        }
        for name, value in run.finals.items():
            points[name] = [(0, value, 0)]
        return Seen(
            run.info.name, run.state, run.info.started_ms, run.ended_ms, run.info.parent, run.params,
            run.tags, points, [(entry[0], entry[1], entry[3]) for entry in run.datasets], run.files,
        )  # fmt: skip


class Mlflow:
    """Reads a real SQLite store of MLflow, after everything has arrived."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tracker: Tracker = self.again()

    def again(self) -> Tracker:
        return SpoolTracker(self.root, manner=Manner(linger_s=30, nice=0))

    def read(self, uid: str) -> Seen:
        from nnops.params import Params
        from nnops.tracking.mlflow import open_client

        assert self.tracker.close(WAIT_S), (spool_folder(self.root) / "writer.log").read_text()
        client = open_client(Params(), self.root)
        (experiment,) = [each for each in client.search_experiments() if each.name == "nnops"]
        found = client.search_runs([experiment.experiment_id], f"tags.`nnops.uid` = '{uid}'")
        assert len(found) == 1, f"{len(found)} runs of one uid"
        run = client.get_run(found[0].info.run_id)
        parent = run.data.tags.get("mlflow.parentRunId")
        points = {
            name: [
                (point.step, point.value, point.timestamp) for point in client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
        }
        folder = Path(run.info.artifact_uri)
        assert folder.is_relative_to(self.root / "mlruns")
        return Seen(
            run.info.run_name,
            run.info.status,
            run.info.start_time,
            run.info.end_time,
            client.get_run(parent).data.tags["nnops.uid"] if parent else None,
            run.data.params,
            run.data.tags,
            points,
            [
                (each.dataset.name, each.dataset.digest, _rows(each.dataset.profile))
                for each in run.inputs.dataset_inputs
            ],
            {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()},
        )


def _rows(profile: str) -> int:
    import json

    return json.loads(profile)["num_rows"]


@pytest.fixture(scope="module")
def spooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    root = tmp_path_factory.mktemp("a project") / "of #1"
    root.mkdir()
    yield Mlflow(root)
    os.kill(int((spool_folder(root) / "writer.lock").read_text()), signal.SIGKILL)


@pytest.fixture(params=["memory", "spool"])
def place(request: pytest.FixtureRequest) -> Any:
    return Memory() if request.param == "memory" else request.getfixturevalue("spooled")


@pytest.fixture
def uid() -> str:
    return next(_uids)


def test_what_is_said_is_shown(place: Any, uid: str, tmp_path: Path) -> None:
    figure = tmp_path / "roc.png"
    figure.write_bytes(b"one")
    params = {
        "seed": 7,
        "train.optimizer.options.lr": 1e-3,
        "model.options.hidden": [128, 64],
        "yes": True,
        "no": None,
    }
    run = place.tracker.open(RunInfo(uid, "digits", "pipeline", params=params, tags={"a": "b"}, started_ms=1_000_000))
    assert isinstance(run, Run)
    for epoch in (1, 2, 3):
        run.log(epoch, {"val_loss": 1 / epoch, "val_accuracy": 0.5}, timestamp_ms=1_000_000 + epoch)
    run.numbers({"test.accuracy": 0.97})
    run.tag({"seed": "7"})
    run.note("# Digits")
    run.file(figure, "figures")
    figure.write_bytes(b"two")  # A copy was taken.
    run.dataset("digits", "abcd", "sklearn:digits", 1797, {"pixel": "numeric", "kind": "categorical"})
    run.finish("FINISHED", ended_ms=1_000_010)

    seen = place.read(uid)
    assert (seen.name, seen.state, seen.started_ms, seen.ended_ms) == ("digits", "FINISHED", 1_000_000, 1_000_010)
    assert seen.params == {
        "seed": "7",
        "train.optimizer.options.lr": "0.001",
        "model.options.hidden": "[128, 64]",
        "yes": "true",
        "no": "null",
    }
    assert seen.points["val_loss"] == [(1, 1.0, 1_000_001), (2, 0.5, 1_000_002), (3, 1 / 3, 1_000_003)]
    assert seen.series("test.accuracy") == [(0, 0.97)]
    assert seen.tags["a"] == "b"
    assert seen.tags["seed"] == "7"
    assert seen.tags["mlflow.note.content"] == "# Digits"
    assert seen.files == {"figures/roc.png": b"one"}
    assert seen.datasets == [("digits", "abcd", 1797)]
    assert seen.parent is None


def test_opening_again_goes_on_with_the_same_run(place: Any, uid: str) -> None:
    first = place.tracker.open(RunInfo(uid, "x", "pipeline", params={"a": 1}, tags={"t": "1"}))
    first.log(1, {"loss": 0.5}, timestamp_ms=11)
    first.log(2, {"loss": 0.4}, timestamp_ms=12)
    first.numbers({"size": 10.0})
    first.finish("FAILED")
    assert place.read(uid).state == "FAILED"

    tracker = place.again()
    second = tracker.open(RunInfo(uid, "x", "pipeline", params={"a": 2, "b": 3}, tags={"t": "2"}))
    second.log(2, {"loss": 0.45}, timestamp_ms=22)  # Trained again from a checkpoint.
    second.log(3, {"loss": 0.3}, timestamp_ms=23)
    second.numbers({"size": 11.0})
    second.finish("FINISHED")
    assert tracker.close(WAIT_S)
    seen = place.read(uid)
    assert seen.state == "FINISHED"
    assert seen.points["loss"] == [(1, 0.5, 11), (2, 0.4, 12), (3, 0.3, 23)]
    assert seen.points["size"][-1][1] == 11.0
    assert seen.params == {"a": "1", "b": "3"}
    assert seen.tags["t"] == "2"


def test_saying_everything_twice_changes_nothing(place: Any, uid: str, tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("x")
    for _ in range(2):
        run = place.tracker.open(RunInfo(uid, "x", "trial", params={"a": 1}))
        for step in range(1, 6):
            run.log(step, {"loss": 1 / step, "nan": math.nan}, timestamp_ms=step)
        run.numbers({"n": math.nan, "i": math.inf, "k": 3.0})
        run.dataset("d", "1", "s", 3, {})
        run.file(path)
        run.finish("FINISHED", ended_ms=100)
        seen = place.read(uid)
        assert seen.series("loss") == [(step, 1 / step) for step in range(1, 6)]
        assert len(seen.points["nan"]) == 5
        assert [len(seen.points[name]) for name in "nik"] == [1, 1, 1]
        assert seen.datasets == [("d", "1", 3)]
        assert seen.files == {"f.txt": b"x"}


def test_a_run_that_is_left_stays_open_for_the_next(place: Any, uid: str) -> None:
    place.tracker.open(RunInfo(uid, "x", "pipeline")).log(1, {"loss": 1.0})
    assert place.read(uid).state == "RUNNING"
    place.tracker.open(RunInfo(uid, "x", "pipeline")).finish("FINISHED")
    seen = place.read(uid)
    assert seen.state == "FINISHED"
    assert seen.series("loss") == [(1, 1.0)]


def test_children_stand_under_their_parent(place: Any, uid: str) -> None:
    parent = place.tracker.open(RunInfo(uid, "study", "study"))
    for number in range(3):
        child = place.tracker.open(RunInfo(f"{uid}/{number}", f"trial {number}", "trial", parent=uid))
        child.log(1, {"loss": float(number)})
        child.finish("KILLED" if number == 1 else "FINISHED")
    parent.log(1, {"best": 0.0})
    parent.finish("FINISHED")
    for number in range(3):
        seen = place.read(f"{uid}/{number}")
        assert (seen.name, seen.parent) == (f"trial {number}", uid)
        assert seen.state == ("KILLED" if number == 1 else "FINISHED")
        assert seen.series("loss") == [(1, float(number))]


def test_numbers_that_are_not_finite_are_shown(place: Any, uid: str) -> None:
    run = place.tracker.open(RunInfo(uid, "x", "trial"))
    run.log(1, {"nan": math.nan, "up": math.inf, "down": -math.inf, "fine": 1.0})
    run.finish("FAILED")
    seen = place.read(uid)
    assert math.isnan(seen.series("nan")[0][1])
    assert seen.series("up")[0][1] >= MAX_FLOAT
    assert seen.series("down")[0][1] <= -MAX_FLOAT
    assert seen.series("fine") == [(1, 1.0)]


def test_odd_names_and_long_texts_keep_the_rest(place: Any, uid: str) -> None:
    run = place.tracker.open(RunInfo(uid, "ünï ☃", "trial", params={"p" * 300: "x" * 10_000, "ok": 1}))
    run.log(1, {"f1[class 3]": 0.5, "größe": 2.0, "loss": 1.0})
    run.tag({"long": "y" * 20_000, "": "empty", "fine": "1"})
    run.note("z" * 50_000)
    run.finish("FINISHED")
    seen = place.read(uid)
    assert seen.name == "ünï ☃"
    assert seen.series("loss") == [(1, 1.0)]
    assert seen.series("größe") == [(1, 2.0)]
    assert seen.params["ok"] == "1"
    assert seen.tags["fine"] == "1"
    assert seen.tags["mlflow.note.content"].startswith("z" * 1000)
    assert any(value == [(1, 0.5)] for value in (seen.series(name) for name in seen.points))


def test_a_finished_run_takes_nothing_more(place: Any, uid: str) -> None:
    run = place.tracker.open(RunInfo(uid, "x", "trial"))
    run.finish("FINISHED")
    with pytest.raises(RuntimeError, match="finished"):
        run.log(1, {"loss": 1.0})
    with pytest.raises(RuntimeError, match="finished"):
        run.finish("FAILED")
    assert place.read(uid).state == "FINISHED"


def test_a_file_that_is_not_there_is_an_error(place: Any, uid: str, tmp_path: Path) -> None:
    run = place.tracker.open(RunInfo(uid, "x", "trial"))
    with pytest.raises(TrackingError, match="no such file"):
        run.file(tmp_path / "missing.png")
    run.log(1, {"loss": 1.0})
    run.finish("FINISHED")
    assert place.read(uid).series("loss") == [(1, 1.0)]


def test_numpy_and_torch_numbers_are_taken(place: Any, uid: str) -> None:
    import numpy as np
    import torch

    run = place.tracker.open(RunInfo(uid, "x", "trial"))
    run.log(1, {"a": np.float32(0.5), "b": torch.tensor(0.25), "c": 1})
    run.finish("FINISHED")
    seen = place.read(uid)
    assert [seen.series(name)[0][1] for name in "abc"] == [0.5, 0.25, 1.0]


def test_null_takes_everything(tmp_path: Path) -> None:
    tracker: Tracker = NullTracker()
    assert isinstance(tracker, Tracker)
    run = tracker.open(RunInfo("u", "x", "trial"))
    assert isinstance(run, Run)
    run.log(1, {"a": math.nan})
    run.numbers({"b": 1.0})
    run.tag({"c": "d"})
    run.note("e")
    run.file(tmp_path / "missing")
    run.dataset("f", "g", "h", 1, {})
    run.finish("FINISHED")
    assert tracker.close(WAIT_S)


@pytest.mark.parametrize("wrong", ["", "it's", "a b", "x" * 251])
def test_a_uid_that_cannot_be_searched_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="uid"):
        RunInfo(wrong, "x", "trial")
