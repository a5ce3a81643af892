"""The writer inside this process, against a real SQLite store."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nnops.errors import TrackingError
from nnops.tracking.address import default_uri
from nnops.tracking.index import RunIndex
from nnops.tracking.mlflow import Store
from nnops.tracking.segment import Segment, ops_folder, segments
from nnops.tracking.spool import SpoolRun, SpoolTracker, spool_folder
from nnops.tracking.tracker import RunInfo
from nnops.tracking.wake import Manner, hold, wake
from nnops.tracking.writer import Writer, main

AT_ONCE = Manner(linger_s=0.0, patience_s=0.0, nice=0)


@pytest.fixture
def tracker(project: Path, monkeypatch: pytest.MonkeyPatch) -> SpoolTracker:
    """A tracker that starts no process: the tests run the writer themselves."""
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)
    monkeypatch.setattr("nnops.tracking.task.GATHER_S", 0.0)
    return SpoolTracker(project, manner=AT_ONCE)


def write(project: Path, store: Any = Store, manner: Manner = AT_ONCE) -> None:
    Writer(spool_folder(project), manner, store).run()


def read(project: Path) -> dict[str, Any]:
    """All active runs of the experiment by uid."""
    store = Store(default_uri(project), "nnops", project)
    found = store.client.search_runs([store.experiment_id], max_results=1000)
    runs = {run.data.tags["nnops.uid"]: run for run in found}
    assert len(runs) == len(found), "two runs of one uid"
    return runs


def steps(project: Path, run: Any, metric: str) -> list[int]:
    store = Store(default_uri(project), "nnops", project)
    return [point.step for point in store.client.get_metric_history(run.info.run_id, metric)]


def test_damaged_lines_and_damaged_segments_cost_only_themselves(tracker: SpoolTracker, project: Path) -> None:
    run = tracker.open(RunInfo("u", "x", "pipeline"))
    run.log(1, {"loss": 1.0})
    with run.segment.path.open("ab") as stream:
        stream.write(b'{"op":"log","s":2,"t"\n')
    run.log(3, {"loss": 1.0})
    run.segment.close()
    with run.segment.path.open("ab") as stream:
        stream.write(b'{"op":"fini')  # Power was lost here.
    (ops_folder(spool_folder(project)) / "0-0-0.jsonl").write_bytes(b"\0\0\0\0")
    write(project)
    runs = read(project)
    assert set(runs) == {"u"}
    assert runs["u"].info.status == "KILLED"
    assert steps(project, runs["u"], "loss") == [1, 3]
    assert [path.name for path in ops_folder(spool_folder(project)).iterdir()] == ["0-0-0.damaged"]


class Doubtful(Store):
    """A store whose answer gets lost, once, after it has made the run named x."""

    lost = 0

    def create(self, name: str, started_ms: int, tags: Mapping[str, str]) -> str:
        run_id = super().create(name, started_ms, tags)
        if name == "x" and not Doubtful.lost:
            Doubtful.lost += 1
            raise TrackingError("the connection was reset")
        return run_id


def test_a_file_that_is_no_database_is_not_waited_for(tracker: SpoolTracker, project: Path, template: Path) -> None:
    tracker.open(RunInfo("u", "x", "pipeline")).finish("FINISHED")
    (project / "mlflow.db").write_bytes(b"no database")
    # With patience for a day this would not end.
    write(project, manner=Manner(linger_s=0.0, patience_s=86400.0, nice=0))
    assert segments(spool_folder(project))
    (project / "mlflow.db").write_bytes(template.read_bytes())
    write(project)
    assert read(project)["u"].info.status == "FINISHED"


@pytest.mark.parametrize("parent", [None, "p"])
def test_a_run_whose_making_was_not_confirmed_is_not_made_twice(
    tracker: SpoolTracker, project: Path, parent: str | None
) -> None:
    Doubtful.lost = 0
    if parent:
        tracker.open(RunInfo(parent, "p", "study")).finish("FINISHED")
    tracker.open(RunInfo("u", "x", "trial", parent=parent)).finish("FINISHED")
    write(project, Doubtful, Manner(0.0, 5.0, 0))
    assert Doubtful.lost == 1
    assert read(project)["u"].info.status == "FINISHED"
    assert not segments(spool_folder(project))


def test_runs_are_found_by_their_tag_when_the_index_is_lost(tracker: SpoolTracker, project: Path) -> None:
    for step in (1, 2):
        run = tracker.open(RunInfo("u", "x", "pipeline"))
        run.log(step, {"loss": 1.0})
        run.finish("FINISHED")
        write(project)
        (spool_folder(project) / "runs.jsonl").unlink()
    assert steps(project, read(project)["u"], "loss") == [1, 2]


def test_a_store_that_was_thrown_away_is_filled_again(tracker: SpoolTracker, project: Path, template: Path) -> None:
    tracker.open(RunInfo("u", "x", "pipeline")).finish("FINISHED")
    write(project)
    (project / "mlflow.db").unlink()
    (project / "mlflow.db").write_bytes(template.read_bytes())
    run = tracker.open(RunInfo("u", "x", "pipeline"))
    run.log(1, {"loss": 1.0})
    run.finish("FINISHED")
    write(project)
    assert steps(project, read(project)["u"], "loss") == [1]


def test_a_run_that_somebody_deletes_takes_nothing_more_and_blocks_nobody(tracker: SpoolTracker, project: Path) -> None:
    run = tracker.open(RunInfo("u", "x", "pipeline"))
    run.log(1, {"loss": 1.0})
    writer = Writer(spool_folder(project), AT_ONCE, Store)
    writer._scan()
    assert writer._round(time.monotonic() + 5) == 1
    store = Store(default_uri(project), "nnops", project)
    store.client.delete_run(read(project)["u"].info.run_id)
    run.log(2, {"loss": 1.0})
    run.finish("FINISHED")
    tracker.open(RunInfo("v", "y", "pipeline")).finish("FINISHED")
    writer.run()
    assert set(read(project)) == {"v"}
    assert not segments(spool_folder(project))
    tracker.open(RunInfo("u", "x", "pipeline")).finish("FINISHED")  # Who opens it again wants it again.
    write(project)
    assert set(read(project)) == {"u", "v"}


def test_a_changed_parameter_is_told_and_the_first_value_kept(tracker: SpoolTracker, project: Path) -> None:
    for metrics in ([], ["accuracy"]):
        tracker.open(RunInfo("u", "x", "pipeline", params={"evaluate.metrics": metrics, "a": 1})).finish("FINISHED")
        write(project)
    run = read(project)["u"]
    assert run.data.params == {"evaluate.metrics": "[]", "a": "1"}
    assert run.data.tags["nnops.params_changed"] == 'evaluate.metrics: [] -> ["accuracy"]'
    assert "nnops.rejected" not in run.data.tags


def test_more_than_one_call_holds(tracker: SpoolTracker, project: Path) -> None:
    params = {f"p{number}": number for number in range(250)}
    run = tracker.open(RunInfo("u", "x", "pipeline", params=params, tags={f"t{number}": "x" for number in range(150)}))
    for step in range(1500):
        run.log(step, {"loss": 1.0, "accuracy": 0.5})
    run.finish("FINISHED")
    write(project)
    found = read(project)["u"]
    assert len(found.data.params) == 250
    assert len([tag for tag in found.data.tags if tag.startswith("t")]) == 150
    assert steps(project, found, "loss") == list(range(1500))
    assert steps(project, found, "accuracy") == list(range(1500))


def test_what_the_store_refuses_is_named_and_the_rest_arrives(tracker: SpoolTracker, project: Path) -> None:
    run = tracker.open(RunInfo("u", "x", "pipeline", params={"a": 1}))
    segment: Segment = run.segment
    segment.append({"op": "log", "s": 1, "t": "soon", "m": {"bad": 1.0}})
    segment.append({"op": "log", "s": 1, "t": 1, "m": {"good": 1.0}})
    run.finish("FINISHED")
    write(project)
    found = read(project)["u"]
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"good": 1.0}
    assert "metric bad" in found.data.tags["nnops.rejected"]


class Late(Store):
    """A store that does not answer the first time that a study is to be made."""

    refused = 0

    def create(self, name: str, started_ms: int, tags: Mapping[str, str]) -> str:
        if name == "study" and not Late.refused:
            Late.refused += 1
            raise TrackingError("nobody there")
        return super().create(name, started_ms, tags)


def test_a_child_waits_for_its_parent(tracker: SpoolTracker, project: Path) -> None:
    Late.refused = 0
    parent = tracker.open(RunInfo("p", "study", "study"))
    child = tracker.open(RunInfo("p/0", "trial", "trial", parent="p"))
    child.finish("FINISHED")
    # The child's segment sorts before its parent's, as it may where clocks differ.
    child.segment.path.rename(child.segment.path.with_name("0-0-0.jsonl"))
    parent.finish("FINISHED")
    write(project, Late, Manner(0.0, 5.0, 0))
    assert Late.refused == 1
    runs = read(project)
    assert runs["p/0"].data.tags["mlflow.parentRunId"] == runs["p"].info.run_id


def test_a_dead_server_does_not_hold_up_another_store(tracker: SpoolTracker, project: Path) -> None:
    dead = SpoolTracker(project, uri="http://127.0.0.1:9", manner=AT_ONCE)
    dead.open(RunInfo("d", "x", "pipeline")).finish("FINISHED")
    tracker.open(RunInfo("u", "x", "pipeline")).finish("FINISHED")
    write(project)
    assert set(read(project)) == {"u"}
    assert len(segments(spool_folder(project))) == 1, "what cannot arrive is kept"


def test_a_deleted_experiment_is_restored(tracker: SpoolTracker, project: Path) -> None:
    tracker.open(RunInfo("u", "x", "pipeline")).finish("FINISHED")
    write(project)
    store = Store(default_uri(project), "nnops", project)
    store.client.delete_experiment(store.experiment_id)
    tracker.open(RunInfo("v", "x", "pipeline")).finish("FINISHED")
    write(project)
    assert "v" in read(project)


def test_secrets_in_parameters_are_masked(tracker: SpoolTracker, project: Path) -> None:
    params = {"data.source.options.password": "hunter2", "data.source.options.url": "postgresql://ann:pa55@db/x"}
    tracker.open(RunInfo("u", "x", "pipeline", params=params)).finish("FINISHED")
    text = "".join(path.read_text() for path in ops_folder(spool_folder(project)).iterdir())
    assert "hunter2" not in text
    assert "pa55" not in text
    write(project)
    assert read(project)["u"].data.params["data.source.options.url"] == "postgresql://***@db/x"


def test_the_index_tells_run_ids_and_survives_damage(tracker: SpoolTracker, project: Path) -> None:
    tracker.open(RunInfo("u", "x", "pipeline")).finish("FINISHED")
    write(project)
    path = spool_folder(project) / "runs.jsonl"
    path.write_bytes(b'[null, "nn\n[1]\n\xff\n' + path.read_bytes())
    index = RunIndex(spool_folder(project), None, "nnops")
    assert index.get("u") == read(project)["u"].info.run_id
    assert index.experiment_id == read(project)["u"].info.experiment_id
    assert RunIndex(spool_folder(project), "http://elsewhere", "nnops").get("u") is None


def test_many_new_runs_are_counted_for_the_search(tracker: SpoolTracker, project: Path) -> None:
    import sqlite3
    from contextlib import closing

    for number in range(50):
        tracker.open(RunInfo(f"u{number}", "x", "trial")).finish("FINISHED")
    writer = Writer(spool_folder(project), AT_ONCE, Store)
    writer.run()
    writer.close()
    with closing(sqlite3.connect(project / "mlflow.db")) as database:
        assert database.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 0
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_one_writer_a_spool(project: Path) -> None:
    spool = spool_folder(project)
    ops_folder(spool).mkdir(parents=True)
    lock = hold(spool)
    assert lock is not None
    assert hold(spool) is None
    assert not wake(spool, AT_ONCE)
    main([str(spool)])  # Ends at once.
    os.close(lock)


def test_a_writer_process_ends_when_it_is_done_and_nobody_is_its_parent(project: Path) -> None:
    tracker = SpoolTracker(project, manner=Manner(linger_s=0.2, nice=0))
    run: SpoolRun = tracker.open(RunInfo("u", "x", "pipeline"))
    lock = spool_folder(project) / "writer.lock"
    deadline = time.monotonic() + 60
    while not lock.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    pid = int(lock.read_text())
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        (parent,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("PPid")]
        assert int(parent) != os.getpid()
    os.kill(pid, signal.SIGKILL)  # The next word of anybody starts another one.
    run.finish("FINISHED")
    assert tracker.close(60)
    assert set(read(project)) == {"u"}
    while (again := hold(spool_folder(project))) is None:
        assert time.monotonic() < deadline + 60, "the writer stays for ever"
        time.sleep(0.05)
    os.close(again)


def test_a_spool_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".nnops").write_text("a file where a folder must be")
    with pytest.raises(TrackingError, match="cannot be made"):
        SpoolTracker(tmp_path)
