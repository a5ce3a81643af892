"""The registry on a real MLflow store in a SQLite file, with bundles of really trained models."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter, sleep

import pandas as pd
import pytest

from nnops.errors import GateError, InputError, IntegrityError, TrackingError
from nnops.params import overlay
from nnops.registry.gate import Verdict, judge
from nnops.registry.store import Registry, open_bundle
from nnops.tracking.reach import check_reachable

LOADED = """
import sys
import mlflow.pyfunc
import pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/people@champion")
print(model.predict(pd.read_csv(sys.argv[2])).to_csv(index=False), end="")
assert "torch" not in sys.modules
"""


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def empty_store(project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and nothing in them: making one takes MLflow seconds."""
    root = tmp_path_factory.mktemp("store")
    Registry(project.params, root)
    return root / "mlflow.db"


@pytest.fixture
def registry(project, empty_store: Path, tmp_path: Path) -> Registry:
    with closing(sqlite3.connect(empty_store)) as old, closing(sqlite3.connect(tmp_path / "mlflow.db")) as new:
        old.backup(new)
    return Registry(project.params, tmp_path)


@pytest.fixture(scope="module")
def bundle(project):
    return project.bundle()


@pytest.fixture(scope="module")
def second(other):
    return other.bundle()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def verdict(bundle, condition: str = "accuracy >= 0.5") -> Verdict:
    return judge([condition], bundle.metrics, bundle.variant)


IMPOSSIBLE = "accuracy >= 1.5"


def test_a_bundle_that_passes_becomes_champion(registry: Registry, project, bundle) -> None:
    published = registry.publish(bundle, verdict(bundle), project.fingerprint, {"nnops.commit": "abc"})
    assert published.created
    version = published.version
    assert (version.reference, version.aliases, version.passed) == ("people/1", ("champion",), True)
    assert version.tags["nnops.bundle"] == bundle.hash
    assert version.tags["nnops.commit"] == "abc"
    assert registry.names() == ["people"]
    assert registry.find("people").number == registry.find("people@champion").number == 1


def test_the_same_bundle_gets_no_second_version(registry: Registry, project, bundle) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    again = registry.publish(bundle, verdict(bundle), project.fingerprint)
    assert not again.created
    assert [version.number for version in registry.model("people").versions] == [1]
    stricter = registry.publish(bundle, verdict(bundle, IMPOSSIBLE), project.fingerprint)
    assert stricter.note.endswith("it stays champion from before, 'nnops model rollback people' takes it back")


def test_the_gate_really_refuses(registry: Registry, project, bundle, second) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    refused = registry.publish(second, verdict(second, IMPOSSIBLE), "f" * 64)
    assert refused.version.aliases == ("challenger",)
    assert "accuracy >= 1.5" in refused.note
    assert registry.find("people@champion").number == 1
    with pytest.raises(GateError, match=r"people/2 cannot become champion.*accuracy >= 1\.5"):
        registry.promote("people@challenger")
    assert registry.find("people@champion").number == 1


def test_a_new_verdict_counts_for_the_same_bundle(registry: Registry, project, bundle) -> None:
    refused = registry.publish(bundle, verdict(bundle, IMPOSSIBLE), project.fingerprint)
    assert refused.version.aliases == ("challenger",)
    passed = registry.publish(bundle, verdict(bundle), project.fingerprint)
    assert (passed.created, passed.version.aliases) == (False, ("champion",))


def test_the_way_back_and_forth(registry: Registry, project, bundle, second) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    registry.publish(second, verdict(second), "f" * 64)
    assert registry.model("people").champions == (1, 2)

    assert registry.rollback("people").reference == "people/1"
    assert registry.find("people/2").rolled_back
    with pytest.raises(InputError, match="before the present one"):
        registry.rollback("people")
    # The pipeline does not undo what a person took back; a person may.
    assert "rolled back" in registry.publish(second, verdict(second), "f" * 64).note
    assert registry.find("people@champion").number == 1
    promoted = registry.promote("people/2")
    assert (promoted.aliases, promoted.rolled_back) == (("champion",), False)
    assert registry.model("people").champions == (1, 2)


def test_the_bundle_comes_back_whole(registry: Registry, project, bundle, rows: pd.DataFrame) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    found = open_bundle("people@champion", project.params, registry.root)
    assert found.hash == bundle.hash
    pd.testing.assert_frame_equal(found.predict(rows), bundle.predict(rows))
    assert open_bundle(str(bundle.folder), project.params, registry.root).hash == bundle.hash


def test_damage_in_the_store_is_noticed(registry: Registry, project, bundle) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    folder = open_bundle("people", project.params, registry.root).folder
    assert registry.root in folder.parents
    (folder / "model.onnx").write_bytes(b"something else")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        open_bundle("people", project.params, registry.root)
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        registry.promote("people/1")
    assert registry.publish(bundle, verdict(bundle), project.fingerprint).version.reference == "people/2"
    assert open_bundle("people", project.params, registry.root).hash == bundle.hash
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        registry.rollback("people")
    assert registry.find("people").reference == "people/2"


def test_mlflow_loads_the_champion_by_itself(
    registry: Registry, project, bundle, rows: pd.DataFrame, tmp_path: Path
) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    raw = rows.drop(columns="buys")
    raw.to_csv(tmp_path / "rows.csv", index=False)
    command = [sys.executable, "-W", "ignore", "-c", LOADED, registry.uri, str(tmp_path / "rows.csv")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == bundle.predict(raw).to_csv(index=False)


def test_what_is_not_there_is_answered(registry: Registry, project, bundle) -> None:
    with pytest.raises(InputError, match=r"unknown model 'people'.*none"):
        registry.find("people")
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    with pytest.raises(InputError, match="did you mean 'people'"):
        registry.find("peoples@champion")
    with pytest.raises(InputError, match=r"no alias 'best'.*people@champion"):
        registry.find("people@best")
    with pytest.raises(InputError, match=r"no version 7"):
        registry.find("people/7")


def test_the_version_hangs_on_the_run_of_the_result(registry: Registry, project, bundle) -> None:
    run_id = registry._store.create("people", 0, {"nnops.uid": project.fingerprint})
    version = registry.publish(bundle, verdict(bundle), project.fingerprint).version
    assert version.run_id == run_id
    outputs = registry._store.client.get_run(run_id).outputs
    assert outputs is not None
    assert len(outputs.model_outputs) == 1


@pytest.fixture
def server(empty_store: Path, tmp_path: Path) -> Iterator[str]:
    """A real MLflow server that keeps the artifacts itself."""
    shutil.copy(empty_store, tmp_path / "server.db")
    port = unused_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    command += ["--artifacts-destination", str(tmp_path / "kept")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | quiet,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                check_reachable(uri)
                break
            except TrackingError:
                sleep(0.2)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_all_of_it_on_a_server(server: str, project, bundle, tmp_path: Path, rows: pd.DataFrame) -> None:
    params = overlay(project.params, {"tracking.uri": server})
    registry = Registry(params, tmp_path / "here")
    published = registry.publish(bundle, verdict(bundle), project.fingerprint)
    assert published.version.aliases == ("champion",)
    with pytest.raises(InputError, match="no alias 'best'"):
        registry.find("people@best")
    for _ in range(2):
        found = open_bundle("people@champion", params, tmp_path / "here")
        assert found.folder.parent == tmp_path / "here" / ".nnops" / "bundles"
        pd.testing.assert_frame_equal(found.predict(rows), bundle.predict(rows))


def test_a_dead_server_is_said_within_seconds(project, tmp_path: Path) -> None:
    params = overlay(project.params, {"tracking.uri": f"http://127.0.0.1:{unused_port()}"})
    start_s = perf_counter()
    with pytest.raises(TrackingError, match="does not answer"):
        open_bundle("people@champion", params, tmp_path)
    assert perf_counter() - start_s < 5


@pytest.mark.parametrize("reference", ["./nothing", "/nothing/here", "some/deep/folder"])
def test_a_folder_that_is_not_there_is_answered(project, tmp_path: Path, reference: str) -> None:
    with pytest.raises(InputError, match="no model bundle here"):
        open_bundle(reference, project.params, tmp_path)


def test_the_address_of_the_process_is_left_alone(registry: Registry, project, bundle) -> None:
    registry.publish(bundle, verdict(bundle), project.fingerprint)
    assert "MLFLOW_TRACKING_URI" not in os.environ
