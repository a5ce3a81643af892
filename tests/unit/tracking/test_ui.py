"""The UI that nnops starts, and plain ``mlflow ui`` in the folder, show the same runs and artifacts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from nnops.errors import TrackingError
from nnops.params import Params, Tracking
from nnops.tracking.index import open_index, run_ids
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import RunInfo
from nnops.tracking.ui import children_link, ui_command, ui_environment
from nnops.tracking.wake import Manner


def ask(port: int, path: str, body: Any = None, host: str | None = None) -> bytes:
    headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(f"http://127.0.0.1:{port}{path}", data, headers), timeout=20) as answer:
        return answer.read()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nnops", "mlflow"])
def test_runs_and_artifacts_are_shown(project: Path, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracker = SpoolTracker(project, manner=Manner(linger_s=0, nice=0))
    run = tracker.open(RunInfo("u", "digits", "pipeline"))
    (project / "figure.txt").write_text("drawn")
    run.file(project / "figure.txt", "figures")
    run.finish("FINISHED")
    assert tracker.close(90)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plain = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    command = ui_command(Params(), project, port) if who == "nnops" else plain
    environment = ui_environment(Params(), project)
    if who == "mlflow":
        del environment["MLFLOW_BACKEND_STORE_URI"]
    environment.pop("PYTEST_CURRENT_TEST", None)
    server = subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                ask(port, "/health")
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        experiment = open_index(Params(), project).experiment_id
        found = json.loads(ask(port, "/api/2.0/mlflow/runs/search", {"experiment_ids": [experiment]}))
        (only,) = found["runs"]
        assert only["info"]["run_name"] == "digits"
        run_id = only["info"]["run_id"]
        assert run_ids(["u", "w"], Params(), project) == {"u": run_id}
        assert ask(port, f"/get-artifact?run_id={run_id}&path=figures/figure.txt") == b"drawn"
        if who == "nnops":
            with pytest.raises(HTTPError, match="403"):
                ask(port, "/api/2.0/mlflow/runs/search", {"experiment_ids": [experiment]}, host="10.evil.com")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_a_server_has_its_own_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match="open http://server:5000 in a browser"):
        ui_command(Params(tracking=Tracking(uri="http://server:5000")), tmp_path)


def test_a_password_is_not_in_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://me:hush@127.0.0.1:1/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert "hush" not in " ".join(ui_command(Params(), tmp_path))
    assert ui_environment(Params(), tmp_path)["MLFLOW_BACKEND_STORE_URI"] == address


def test_a_link_names_the_children_and_their_order() -> None:
    link = children_link("http://x:1/", "1", "ab", "val_loss", "minimize")
    assert link == (
        "http://x:1/#/experiments/1/runs?workflowType=machine_learning&compareRunsMode=CHART"
        "&orderByKey=metrics.%60val_loss%60&orderByAsc=true&searchFilter=tags.mlflow.parentRunId%3D%27ab%27"
    )
    assert "orderByAsc=false" in children_link("http://x:1", "1", "ab", "val_accuracy", "maximize")
