"""A real tracking server that is absent, killed in the middle, deaf: nobody waits for it, and everything arrives."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from nnops.tracking.mlflow import Store
from nnops.tracking.spool import SpoolTracker, spool_folder
from nnops.tracking.tracker import Run, RunInfo
from nnops.tracking.wake import Manner


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start ``mlflow server`` and wait until it answers."""
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.pop("PYTEST_CURRENT_TEST", None)
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/server.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 120
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                assert answer.status == 200
                return server
        except (URLError, OSError):
            assert time.monotonic() < deadline, (folder / "server.log").read_text()
            time.sleep(0.2)


def kill(server: subprocess.Popen[bytes]) -> None:
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def log_timed(run: Run, steps: range) -> float:
    """Report as a training with epochs of 10 ms would; the longest report in seconds."""
    longest = 0.0
    for step in steps:
        time.sleep(0.01)
        began = time.perf_counter()
        run.log(step, {"loss": 1 / (step + 1), "accuracy": step / 1000})
        longest = max(longest, time.perf_counter() - began)
    return longest


@pytest.mark.slow
def test_a_server_that_dies_and_comes_back_gets_everything_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    tracker = SpoolTracker(tmp_path, uri=url, manner=Manner(linger_s=1, nice=0))
    began = time.perf_counter()
    run = tracker.open(RunInfo("u", "through it all", "pipeline", params={"a": 1}))
    opened_s = time.perf_counter() - began
    longest = log_timed(run, range(100))  # Nobody listens.
    picture = tmp_path / "figure.png"
    picture.write_bytes(b"png")
    run.file(picture, "figures")
    server = start_server(tmp_path, port)
    store = Store(url, "nnops", tmp_path)
    deadline = time.monotonic() + 60
    while (run_id := store.find("u")) is None or not store.points(run_id, "loss"):
        assert time.monotonic() < deadline, (spool_folder(tmp_path) / "writer.log").read_text()
        time.sleep(0.2)
    longest = max(longest, log_timed(run, range(100, 150)))
    kill(server)
    longest = max(longest, log_timed(run, range(150, 300)))
    run.finish("FINISHED")
    child = tracker.open(RunInfo("u/1", "trial", "trial", parent="u"))
    child.log(1, {"loss": float("nan"), "up": float("inf")})
    child.finish("FAILED")
    assert not tracker.close(0.5), "nobody was there to take it"

    server = start_server(tmp_path, port)
    try:
        again = SpoolTracker(tmp_path, uri=url, manner=Manner(linger_s=1, nice=0))
        again.open(RunInfo("v", "later", "pipeline")).finish("FINISHED")
        assert tracker.close(90), (spool_folder(tmp_path) / "writer.log").read_text()
        assert again.close(90)
        assert store.find("u") == run_id
        found = store.client.search_runs([store.experiment_id])
        assert sorted(each.info.run_name for each in found) == ["later", "through it all", "trial"]
        states = {each.data.tags["nnops.uid"]: each.info.status for each in found}
        assert states == {"u": "FINISHED", "u/1": "FAILED", "v": "FINISHED"}
        for metric in ("loss", "accuracy"):
            history = store.client.get_metric_history(run_id, metric)
            assert sorted(point.step for point in history) == list(range(300))
        assert [each.path for each in store.client.list_artifacts(run_id, "figures")] == ["figures/figure.png"]
        child_id = store.find("u/1")
        assert child_id is not None
        assert store.client.get_run(child_id).data.tags["mlflow.parentRunId"] == run_id
        (point,) = store.client.get_metric_history(child_id, "loss")
        assert point.value != point.value
    finally:
        kill(server)
    record_property("open_ms", 1e3 * opened_s)
    record_property("longest_log_ms", 1e3 * longest)
    print(f"open {1e3 * opened_s:.1f} ms, longest log {1e3 * longest:.2f} ms")
    assert longest < 1.0, "a report waited for something"


def test_a_server_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)  # Connections are taken by the system, and nobody ever reads them.
        uri = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        tracker = SpoolTracker(tmp_path, uri=uri, manner=Manner(linger_s=0, patience_s=0.5, nice=0))
        run = tracker.open(RunInfo("u", "x", "pipeline"))
        longest = log_timed(run, range(100))
        run.finish("FINISHED")
        began = time.perf_counter()
        assert not tracker.close(0.3)
        assert time.perf_counter() - began < 2.0
        assert longest < 1.0
    pid = int((spool_folder(tmp_path) / "writer.lock").read_text() or 0)
    if pid:
        os.kill(pid, signal.SIGKILL)
