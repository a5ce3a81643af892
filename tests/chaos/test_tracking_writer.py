"""Two producers, and a writer that is killed again and again: each run and each point stands in MLflow once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from nnops.params import Params
from nnops.tracking.mlflow import open_client
from nnops.tracking.segment import segments
from nnops.tracking.spool import SpoolTracker, spool_folder, wake_leftovers
from nnops.tracking.tracker import RunInfo
from nnops.tracking.wake import Manner

RUNS, STEPS, KILLS = 24, 25, 6
MANNER = Manner(linger_s=3, nice=0)

PRODUCER = """
import sys
from pathlib import Path
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import RunInfo
from nnops.tracking.wake import Manner

root, name, runs, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tracker = SpoolTracker(root, manner=Manner(linger_s=3, nice=0))
parent = tracker.open(RunInfo(name, name, "study"))
for number in range(runs):
    run = tracker.open(RunInfo(f"{name}/{number}", f"trial {number}", "trial", parent=name, params={"number": number}))
    for step in range(steps):
        run.log(step, {"loss": step / 7, "accuracy": step / 3})
    run.numbers({"final": number})
    if number % 8 == 0:
        path = root / f"{name}-{number}.txt"
        path.write_text(name * 100)
        run.file(path)
        path.unlink()
    run.finish("FINISHED")
parent.finish("FINISHED")
tracker.close()
"""


def writer_pid(root: Path) -> int | None:
    """The pid of the living writer."""
    try:
        pid = int((spool_folder(root) / "writer.lock").read_text())
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    return pid


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    random.seed(5)
    spool = spool_folder(tmp_path)
    producers = [
        subprocess.Popen([sys.executable, "-c", PRODUCER, str(tmp_path), name, str(RUNS), str(STEPS)])
        for name in ("ann", "bob")
    ]
    assert [producer.wait(120) for producer in producers] == [0, 0]
    # Once while the database is being made, then whenever some more runs have arrived.
    deadline = time.monotonic() + 240
    killed = 0
    while killed < KILLS and time.monotonic() < deadline:
        before = lines(spool / "runs.jsonl")
        while segments(spool) and time.monotonic() < deadline:
            wake_leftovers(tmp_path, MANNER)  # What any command does.
            making = (tmp_path / ".nnops" / "mlflow.db.part").exists()
            if (killed == 0 and making) or lines(spool / "runs.jsonl") >= before + 4:
                time.sleep(random.uniform(0, 0.15))
                break
            time.sleep(0.005)
        pid = writer_pid(tmp_path)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    assert killed == KILLS, "the writer was done before it could be killed often enough"

    tracker = SpoolTracker(tmp_path, manner=MANNER)
    tracker.open(RunInfo("last", "last", "pipeline")).finish("FINISHED")
    assert tracker.close(120), (spool / "writer.log").read_text()
    while segments(spool):
        assert time.monotonic() < deadline + 60, (spool / "writer.log").read_text()
        time.sleep(0.1)

    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        uids = Counter(uid for (uid,) in database.execute("SELECT value FROM tags WHERE key = 'nnops.uid'"))
        points = Counter(
            database.execute(
                "SELECT t.value, m.key, m.step FROM metrics m JOIN tags t USING (run_uuid) WHERE t.key = 'nnops.uid'"
            )
        )
        states = Counter(state for (state,) in database.execute("SELECT status FROM runs"))
    trials = [f"{name}/{number}" for name in ("ann", "bob") for number in range(RUNS)]
    assert uids == Counter(["ann", "bob", "last", *trials])
    assert set(points.values()) == {1}
    assert set(points) == {
        (uid, metric, step) for uid in trials for metric in ("loss", "accuracy") for step in range(STEPS)
    } | {(uid, "final", 0) for uid in trials}
    assert states == {"FINISHED": len(uids)}
    assert sorted(path.name for path in (tmp_path / "mlruns").rglob("*.txt")) == sorted(
        f"{name}-{number}.txt" for name in ("ann", "bob") for number in range(0, RUNS, 8)
    )
    assert not list((spool / "files").iterdir())
    assert not list((tmp_path / ".nnops").glob("*.part*"))
    client = open_client(Params(), tmp_path)
    children = client.search_runs(["1"], "params.number = '3'")
    assert {client.get_run(run.data.tags["mlflow.parentRunId"]).info.run_name for run in children} == {"ann", "bob"}


def test_a_producer_killed_in_the_middle_leaves_a_killed_run_that_may_go_on(tmp_path: Path) -> None:
    source = PRODUCER.replace('run.numbers({"final": number})', "import os; os.kill(os.getpid(), 9)")
    assert subprocess.run([sys.executable, "-c", source, str(tmp_path), "eve", "2", "5"]).returncode == -signal.SIGKILL
    tracker = SpoolTracker(tmp_path, manner=MANNER)
    deadline = time.monotonic() + 120
    while segments(spool_folder(tmp_path)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    states = "SELECT t.value, r.status FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = 'nnops.uid'"
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert dict(database.execute(states)) == {"eve": "KILLED", "eve/0": "KILLED"}

    run = tracker.open(RunInfo("eve/0", "trial 0", "trial", parent="eve"))
    for step in range(3, 8):
        run.log(step, {"loss": 0.0})
    run.finish("FINISHED")
    assert tracker.close(60)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert dict(database.execute(states)) == {"eve": "KILLED", "eve/0": "FINISHED"}
        steps = [step for (step,) in database.execute("SELECT step FROM metrics WHERE key = 'loss' ORDER BY step")]
    assert steps == list(range(8))
