"""A project whose MLflow database is a copy of one that was made once, since making one takes seconds."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nnops.tracking.address import default_uri
from nnops.tracking.border import configure
from nnops.tracking.database import prepare


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    configure()
    prepare(default_uri(root), root)
    return root / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, template: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    shutil.copyfile(template, root / "mlflow.db")
    return root


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a server that lives and takes nothing, as one does that wants a password."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 401)
            self.end_headers()
            self.wfile.write(b"You are not authenticated.")

        do_POST = do_GET

        def log_request(self, *said: object) -> None:
            """Nothing, where the base class writes to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
