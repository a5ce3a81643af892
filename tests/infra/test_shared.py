"""Checkpoints and data at a shared folder and at an S3 address, spoken to over HTTP."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import s3_server
from sweeps import project, sweep, sweep_params

from nnops.data.prepared import Prepared
from nnops.errors import InputError
from nnops.sweep.bucket import Bucket
from nnops.sweep.event import Event, Reported
from nnops.sweep.ready import find_data
from nnops.sweep.share import fetch, must_see, publish
from nnops.sweep.shelf import BucketShelf, open_shelf
from nnops.sweep.study import Study

BUCKET = "s3://nnops-test"
Table = list[tuple[dict[int, float], str | None]]
LONG = {"sweep.pruner.name": "none", "sweep.budget.trials": 1, "train.epochs": 2000, "train.batch_size": 8}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with s3_server(tmp_path_factory.mktemp("s3"), "nnops-test") as variables, pytest.MonkeyPatch.context() as patch:
        for key, value in variables.items():
            patch.setenv(key, value)
        yield


def table(root: Path) -> Table:
    return [(trial.reports, trial.weights_sha256) for trial in Study.open(root, "s").trials()]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """The table of the sweep that nobody stops."""
    root = project(tmp_path_factory.mktemp("unbroken"))
    sweep(root, sweep_params(LONG))
    return table(root)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine keeps for itself is in the test's folder."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


@pytest.mark.parametrize("where", ["folder", "s3"])
@pytest.mark.usefixtures("alone", "s3")
def test_a_trial_goes_on_from_what_another_machine_can_reach(tmp_path: Path, where: str, unbroken: Table) -> None:
    shared = f"{BUCKET}/{where}" if where == "s3" else str(tmp_path / "mount")
    params = sweep_params(LONG | {"sweep.shared": shared})
    root = project(tmp_path / "project", params)
    stop, address = threading.Event(), list[str]()

    def listen(event: Event) -> None:
        # When a checkpoint is there: the first comes after a second, and all epochs take several.
        if isinstance(event, Reported) and event.epoch % 50 == 0:
            if not address:
                address.append(Study.open(root, "s").checkpoints)
            if names_at(address[0], event.number):
                stop.set()

    from nnops.sweep.run import run_sweep
    from nnops.tracking.null import NullTracker

    run_sweep(params, root, "s", on_event=listen, stop=stop, tracker=NullTracker())
    study = Study.open(root, "s")
    (left,) = [trial for trial in study.trials() if trial.state == "running"]
    assert study.checkpoints == f"{shared}/{study.uid}/checkpoints"
    assert not (study.folder / "checkpoints").exists()
    sees = must_see(shared, study.checkpoints, study.folder, publish(find_data(params, root), shared), root)
    assert len(sees) == (0 if where == "s3" else 2)
    assert all(Path(path).exists() and Path(path).is_relative_to(shared) for path in sees)
    names = names_at(study.checkpoints, left.number)
    assert len(names) >= 1
    assert all(name.startswith("epoch-") and name.endswith(".safetensors") for name in names)

    summary, events = sweep(root, params, resume=True)
    assert summary.trials["complete"] == 1
    replayed = [event for event in events if event.kind == "reported" and event.replayed]
    assert sum(event.seconds == 0.0 for event in replayed) > 10
    # Its last state, from which the study can grow, and perhaps the last one that was flushed.
    kept = sorted(names_at(study.checkpoints, left.number))
    assert len(kept) <= 2
    assert kept[-1].startswith("epoch-002000-")
    assert table(root) == unbroken
    study.delete()
    assert not (Bucket(shared).names(study.uid) if where == "s3" else (Path(shared) / study.uid).exists())


def names_at(address: str, number: int) -> list[str]:
    if address.startswith("s3://"):
        return Bucket(address).names(str(number))
    return [path.name for path in (Path(address) / str(number)).glob("*")]


@pytest.mark.usefixtures("alone", "s3")
def test_data_come_whole_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = sweep_params()
    data = find_data(params, project(tmp_path / "project", params))
    address = publish(data, f"{BUCKET}/share/")
    assert address == f"{BUCKET}/share/data/{data.hash}"
    place = fetch(address)
    assert place.is_relative_to(tmp_path / "tmp")
    assert place.parents[1].stat().st_mode & 0o077 == 0
    files = {path.relative_to(data.folder): path.read_bytes() for path in data.folder.rglob("*") if path.is_file()}
    assert {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()} == files
    assert Prepared.open(place).hash == data.hash
    # From now on nobody asks the service.
    monkeypatch.setattr(Bucket, "put", None)
    monkeypatch.setattr(Bucket, "get", None)
    assert publish(data, f"{BUCKET}/share") == address
    assert fetch(address) == place


@pytest.mark.usefixtures("alone", "s3")
def test_a_shelf_brings_the_newest_away_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    from nnops.training.checkpoint import read

    address = f"{BUCKET}/shelf"
    bucket, shelf = Bucket(address), open_shelf(address)
    folder = shelf.take(3)
    folder.mkdir()
    for epoch in (1, 2):
        (folder / f"epoch-{epoch:06d}-00000000.safetensors").write_bytes(b"%d" % epoch)
        deadline = time.monotonic() + 30
        while bucket.names("3") != [f"epoch-{epoch:06d}-00000000.safetensors"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (folder / f"epoch-{epoch:06d}-00000000.safetensors").unlink()
    (folder / "epoch-000003-00000000.safetensors").write_bytes(b"3")
    shelf.leave(3, keep=True)
    assert not folder.exists()
    other = open_shelf(address)
    assert [path.read_bytes() for path in other.look(3).iterdir()] == [b"3"]
    with pytest.raises(InputError, match="is damaged"):
        read(other.look(3))
    for number in (4, 5):
        bucket.put(tmp_path / "tmp" / _any_file(tmp_path), f"{number}/x")
    shelf.drop(4)
    shelf.clean({3})
    assert bucket.names() == ["3"]


def _any_file(folder: Path) -> str:
    (folder / "tmp" / "x").write_bytes(b"x")
    return "x"


@pytest.mark.usefixtures("alone")
def test_a_service_that_goes_away_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import s3fs

    params = sweep_params(LONG)
    root = project(tmp_path / "project", params)
    monkeypatch.setattr("nnops.sweep.bucket.PATIENCE", {"connect_timeout": 1, "retries": {"max_attempts": 0}})
    s3fs.S3FileSystem.clear_instance_cache()
    with s3_server(tmp_path, "nnops-test") as variables:
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        shelf = open_shelf(f"{BUCKET}/gone")
        assert isinstance(shelf, BucketShelf)
        monkeypatch.setattr("nnops.sweep.trial.open_shelf", lambda address: shelf)
    with caplog.at_level(logging.WARNING, "nnops"):
        summary, _ = sweep(root, params)
    s3fs.S3FileSystem.clear_instance_cache()
    assert summary.trials["complete"] == 1
    assert "no checkpoint of trial 0 can be fetched" in caplog.text
    assert "no checkpoint can be brought away" in caplog.text


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("share", "must be the full path of a folder or an address s3://"),
        ("gs://bucket/prefix", "must be the full path of a folder or an address s3://"),
        ("/proc/nnops", "cannot be written"),
        ("s3://no-such-bucket-here/x", "does not exist"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_what_cannot_be_shared_is_said_before_anything_starts(tmp_path: Path, address: str, part: str) -> None:
    params = sweep_params({"sweep.shared": address})
    with pytest.raises(InputError, match=part):
        sweep(project(tmp_path, params), params)
    assert not (tmp_path / ".nnops" / "studies").exists()


def test_a_service_where_nobody_answers_is_said_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    for key, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    params = sweep_params({"sweep.shared": "s3://bucket/x"})
    began = time.monotonic()
    with pytest.raises(InputError, match=r"s3://bucket/x cannot be used: .*; check the bucket and the variables AWS"):
        sweep(project(tmp_path, params), params)
    assert time.monotonic() - began < 10
    s3fs.S3FileSystem.clear_instance_cache()
