import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter

import pytest

from nnops.errors import TrackingError
from nnops.params import parse
from nnops.tracking.mlflow import Store
from nnops.tracking.reach import TIMEOUT_S, BackgroundCheck, check_reachable, explain_unsent
from nnops.tracking.spool import SpoolTracker, spool_folder
from nnops.tracking.tracker import RunInfo
from nnops.tracking.trouble import Troubles
from nnops.tracking.wake import Manner
from nnops.tracking.writer import Writer


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("uri", ["http://user:secret@127.0.0.1:{}/", "postgresql://user:secret@127.0.0.1:{}/runs"])
def test_a_dead_server_is_said_at_once_and_without_its_password(uri: str) -> None:
    start_s = perf_counter()
    with pytest.raises(TrackingError, match="does not answer") as caught:
        check_reachable(uri.format(unused_port()))
    assert perf_counter() - start_s < 2
    assert "secret" not in str(caught.value)


def test_a_server_that_hangs_is_said_within_seconds(silent: int) -> None:
    start_s = perf_counter()
    with pytest.raises(TrackingError, match="does not answer"):
        check_reachable(f"http://127.0.0.1:{silent}")
    assert perf_counter() - start_s < TIMEOUT_S + 2


def test_a_file_needs_nobody() -> None:
    check_reachable("sqlite:////nowhere/mlflow.db")


def test_what_may_be_a_database_is_let_through(project: Path) -> None:
    check_reachable(f"sqlite:///{project}/new.db")
    (project / "new.db").touch()
    check_reachable(f"sqlite:///{project}/new.db")
    check_reachable(f"sqlite:///{project}/mlflow.db")
    with closing(sqlite3.connect(project / "mlflow.db", isolation_level=None)) as busy:
        busy.execute("PRAGMA locking_mode = EXCLUSIVE")
        busy.execute("BEGIN EXCLUSIVE")
        check_reachable(f"sqlite:///{project}/mlflow.db")


def test_what_is_no_database_is_said(tmp_path: Path, template: Path) -> None:
    (tmp_path / "file.db").write_bytes(b"SQLite")
    (tmp_path / "begun.db").write_bytes(b"SQLite format 3\0 and so on")
    (tmp_path / "cut.db").write_bytes(template.read_bytes()[:5000])
    (tmp_path / "folder.db").mkdir()
    for name in ("file.db", "begun.db", "cut.db", "folder.db"):
        with pytest.raises(
            TrackingError, match=f"{name} is not a database of SQLite, or a damaged one; put it back, or move it away"
        ):
            check_reachable(f"sqlite:///{tmp_path}/{name}")


def test_a_store_that_has_answered_is_not_asked_again(tmp_path: Path) -> None:
    """At the end of a sweep each question to a server far away would be waited for."""
    questions = list[str]()

    class Alive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            questions.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_request(self, *said: object) -> None:
            """Nothing, where the base class writes to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Alive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        params = parse({"tracking": {"uri": f"http://127.0.0.1:{server.server_port}"}})
        asked = BackgroundCheck(params, tmp_path)
        until = time.monotonic() + 20
        while asked.explain_unsent() is not None or not questions:
            assert time.monotonic() < until
        time.sleep(0.1)
        before = len(questions)
        assert asked.explain_unsent() is None
        assert len(questions) == before
        server.shutdown()


def test_a_store_that_was_silent_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database at all, but words")
    asked = BackgroundCheck(parse({}), tmp_path)
    assert "not a database of SQLite" in (asked.explain_unsent() or "")
    (tmp_path / "mlflow.db").unlink()
    assert asked.explain_unsent() is None


def test_a_store_that_answers_and_refuses_is_said(
    tmp_path: Path, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)
    params = parse({"tracking": {"uri": refusing}})
    SpoolTracker(tmp_path, uri=refusing).open(RunInfo("kept", "kept", "study")).finish("FINISHED")
    assert explain_unsent(params, tmp_path) is None  # Nobody has tried yet.
    Writer(spool_folder(tmp_path), Manner(linger_s=0.0, patience_s=0.0), Store).run()
    said = explain_unsent(params, tmp_path) or ""
    assert said.startswith(f"the MLflow store {refusing} does not take what was logged (MLflow: ")
    assert "401" in said
    assert said.endswith("); it waits in .nnops/spool and is sent later.")
    assert explain_unsent(parse({"tracking": {"uri": refusing, "experiment": "another"}}), tmp_path) is None


def test_a_trouble_that_is_over_is_forgotten(project: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)
    SpoolTracker(project).open(RunInfo("kept", "kept", "study")).finish("FINISHED")
    with (project / "mlflow.db").open("r+b") as stream:
        stream.truncate(5000)
    target = (None, "nnops")
    Writer(spool_folder(project), Manner(linger_s=0.0, patience_s=0.0), Store).run()
    assert "damaged" in Troubles(spool_folder(project)).of(target)
    (project / "mlflow.db").write_bytes(template.read_bytes())
    Writer(spool_folder(project), Manner(linger_s=0.0, patience_s=0.0), Store).run()
    assert (spool_folder(project) / "trouble.json").read_text() == "[]\n"
    (spool_folder(project) / "trouble.json").write_text("[[null")
    assert Troubles(spool_folder(project)).of(target) == ""
