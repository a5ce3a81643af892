from pathlib import Path

import pytest

from nnops.errors import ParamsError
from nnops.params import Params, Tracking
from nnops.tracking.address import artifact_root, chosen_uri, default_uri, is_database, shown, sqlite_path, store_uri
from nnops.tracking.null import NullTracker
from nnops.tracking.open import open_tracker
from nnops.tracking.spool import SpoolTracker


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("NNOPS_TRACKING", raising=False)


def params(uri: str | None) -> Params:
    return Params(tracking=Tracking(uri=uri))


def test_the_variable_goes_before_params_and_params_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_uri(params(None), tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    assert chosen_uri(params(None), tmp_path) is None
    assert store_uri(params("http://server:5000"), tmp_path) == "http://server:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://db/x")
    assert store_uri(params("http://server:5000"), tmp_path) == "postgresql://db/x"


@pytest.mark.parametrize("uri", ["mlruns", "./mlruns", "file:///tmp/mlruns", "ftp://x", "localhost:5000"])
def test_a_store_that_mlflow_refuses_is_refused_at_once(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ParamsError, match=r"params.yaml: tracking.uri must be a server"):
        open_tracker(params(uri), tmp_path)


def test_sqlite_paths_are_relative_to_the_project(tmp_path: Path) -> None:
    assert store_uri(params("sqlite:///runs/a.db"), tmp_path) == f"sqlite:///{tmp_path}/runs/a.db"
    assert store_uri(params("sqlite:////srv/a.db"), tmp_path) == "sqlite:////srv/a.db"
    assert artifact_root("sqlite:////srv/a.db", tmp_path) == Path("/srv/mlruns")
    assert artifact_root("postgresql://db/x", tmp_path) == tmp_path / "mlruns"


def test_odd_folders_come_back_as_they_were(tmp_path: Path) -> None:
    root = tmp_path / "50% #1? a b ü"
    assert sqlite_path(default_uri(root)) == root / "mlflow.db"
    assert sqlite_path("postgresql://db/x") is None


def test_databases_are_told_from_servers() -> None:
    assert is_database("mysql+pymysql://x/y")
    assert not is_database("https://server")


def test_passwords_are_not_shown() -> None:
    assert shown("postgresql://ann:pa55@db/x") == "postgresql://db/x"


def test_tracking_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNOPS_TRACKING", "off")
    assert isinstance(open_tracker(params(None), tmp_path), NullTracker)
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("NNOPS_TRACKING", "maybe")
    with pytest.raises(ParamsError, match="NNOPS_TRACKING must be on or off, got 'maybe'"):
        open_tracker(params(None), tmp_path)
    monkeypatch.setenv("NNOPS_TRACKING", "on")
    tracker = open_tracker(params(None), tmp_path)
    assert isinstance(tracker, SpoolTracker)
    assert tracker.close()
