"""Addresses where nobody answers: said in one sentence, within seconds, and nothing is lost; and passwords in them."""

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sweeps import project, sweep, sweep_params

from nnops.address import check_no_password, expand, hide_password
from nnops.errors import InputError, ParamsError
from nnops.params import parse
from nnops.sweep.engines.reach import find_cluster
from nnops.sweep.names import names
from nnops.sweep.storage import open_storage
from nnops.sweep.study import Study


@contextlib.contextmanager
def listener(kind: str) -> Iterator[int]:
    """A port where nobody listens, nobody answers, or a web server or a proxy of HTTP/2 does."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        if kind == "deaf":
            bound.listen(5)
        if kind in ("dead", "deaf"):
            yield port
            return

    if kind == "proxy":
        with socket.create_server(("127.0.0.1", port)) as server:
            threading.Thread(target=_refuse, args=(server,), daemon=True).start()
            yield port
        return

    class Silent(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield port
    server.shutdown()
    server.server_close()


def _refuse(server: socket.socket) -> None:
    """Greet as HTTP/2 does, and answer the first call with status 405 (it has no place of its own in HPACK's table)."""
    with contextlib.suppress(OSError):
        while True:
            caller, _ = server.accept()
            caller.recv(65536)
            caller.sendall(bytes.fromhex("000000040000000000000000040100000000000005010500000001") + b"\x08\x03405")
            caller.close()


@pytest.mark.parametrize(
    ("kind", "part"),
    [("proxy", "is no Ray"), ("dead", "connection refused"), ("deaf", "nobody answers"), ("web", "is no Ray")],
)
def test_no_ray(tmp_path: Path, kind: str, part: str) -> None:
    params = sweep_params({"sweep.budget.trials": 2})
    project(tmp_path, params)
    sweep(tmp_path, params, name="before")
    with listener(kind) as port:
        for name, resume in (("new", False), ("before", True)):
            began = time.monotonic()
            with pytest.raises(InputError, match=f"no Ray cluster answers at 127.0.0.1:{port}: .*{part}"):
                sweep(tmp_path, params, name=name, engine="ray", address=f"127.0.0.1:{port}", resume=resume, trials=3)
            assert time.monotonic() - began < 10
    assert names(tmp_path) == ["before"]
    assert sweep(tmp_path, params, name="before", resume=True, trials=3)[0].state == "complete"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8265", "ray://10.0.0.5:10001", "somewhere", "host:99999"])
def test_no_address_of_a_head(address: str) -> None:
    with pytest.raises(InputError, match="must be host:port of its head"):
        find_cluster(address)


def test_auto_finds_what_ray_start_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises(InputError, match="belongs to no Ray cluster"):
        find_cluster("auto")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1\n")
    with pytest.raises(InputError, match=r"no Ray cluster answers at 127\.0\.0\.1:1:"):
        find_cluster("auto")


@pytest.mark.parametrize(("kind", "part"), [("dead", "Connection refused"), ("deaf", "timeout"), ("web", "")])
def test_no_postgresql(tmp_path: Path, kind: str, part: str) -> None:
    project(tmp_path)
    with listener(kind) as port:
        params = sweep_params({"sweep.storage": f"postgresql://ann@127.0.0.1:{port}/studies"})
        for resume in (False, True):
            began = time.monotonic()
            with pytest.raises(InputError, match=rf"sweep\.storage: 'postgresql.*cannot be opened: .*{part}"):
                sweep(tmp_path, params, resume=resume)
            assert time.monotonic() - began < 10
    assert names(tmp_path) == []
    # Nothing stands in the way of the same name.
    assert sweep(tmp_path)[0].state == "complete"


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("sweep.storage", "postgresql://ann:hush-1@host/db"),
        ("sweep.storage", "postgresql://host/db?user=ann&password=hush-1"),
        ("sweep.shared", "s3://key:hush-1@bucket/prefix"),
        ("tracking.uri", "http://ann:hush-1@server:5000"),
    ],
)
def test_params_take_no_readable_password(key: str, address: str) -> None:
    section, name = key.split(".")
    with pytest.raises(ParamsError, match=r"must hold no readable password.*write \$\{NAME\}") as caught:
        parse({section: {name: address}})
    assert "hush-1" not in str(caught.value)
    named = address.replace("hush-1", "${HUSH}")
    assert parse({section: {name: named}}).record()[section][name] == named


def test_a_password_comes_from_the_environment_and_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSH", "p@ss/wörd")
    monkeypatch.setenv("FOLDER", str(tmp_path))
    assert expand("postgresql://ann:${HUSH}@h/db", "x") == "postgresql://ann:p%40ss%2Fw%C3%B6rd@h/db"
    assert hide_password(expand("postgresql://ann:${HUSH}@h/db", "x")) == "postgresql://ann:***@h/db"
    assert check_no_password("postgresql://ann:${HUSH}@h/db", "") == "postgresql://ann:${HUSH}@h/db"
    params = sweep_params({"sweep.storage": "sqlite:///${FOLDER}/studies.db"})
    sweep(project(tmp_path, params), params)
    assert json.loads((tmp_path / ".nnops/studies/s/study.json").read_text())["storage"] == params.sweep.storage
    assert Study.open(tmp_path, "s").params.sweep.storage == params.sweep.storage
    assert (tmp_path / "studies.db").exists()
    monkeypatch.delenv("FOLDER")
    with pytest.raises(InputError, match="needs the environment variable FOLDER, which is not set"):
        open_storage(tmp_path, params.sweep.storage)
