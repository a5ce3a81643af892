import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from told import tell_study, told_params

from nnops.errors import InputError, StudyError
from nnops.sweep.dashboard import STRIDE, Studies, only_here, serve


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard")
    tell_study(folder, 5, name="a")
    tell_study(folder, 3, told_params({"sweep.storage": f"sqlite:///{folder}/studies.db"}), name="b")
    return folder


def test_all_studies_are_one_storage(root: Path) -> None:
    storage = Studies(root)
    studies = storage.get_all_studies()
    assert [each.study_name for each in studies] == ["a", "b"]
    for each, count in zip(studies, (5, 3), strict=True):
        trials = storage.get_all_trials(each._study_id)
        assert [trial.number for trial in trials] == list(range(count))
        assert storage.get_trial(each._study_id * STRIDE + 2).params == trials[2].params
        assert storage.get_study_id_from_name(each.study_name) == each._study_id
        assert storage.get_study_system_attrs(each._study_id)["dashboard:objective_names"] == ["val_loss"]


def test_a_study_that_cannot_be_opened_hides_no_other(tmp_path: Path) -> None:
    tell_study(tmp_path, 2, name="a")
    (tell_study(tmp_path, 2, name="b").folder / "journal.log").write_bytes(b"")
    assert [each.study_name for each in Studies(tmp_path).get_all_studies()] == ["a"]


def test_new_trials_are_seen_and_nothing_can_be_written(tmp_path: Path) -> None:
    study = tell_study(tmp_path, 2)
    storage = Studies(tmp_path)
    (found,) = storage.get_all_studies()
    assert len(storage.get_all_trials(found._study_id)) == 2
    study.begin({}, {}, {})
    assert len(storage.get_all_trials(found._study_id)) == 3
    with pytest.raises(StudyError, match="only shows it"):
        storage.delete_study(found._study_id)
    study.delete()
    assert storage.get_all_studies() == []


def test_only_this_machine_may_read(root: Path) -> None:
    said: list[str] = []
    app = only_here(lambda environ, start: [b"page"], 8080)
    for host, method in (("evil.example", "GET"), ("127.0.0.1:8080", "DELETE"), ("127.0.0.1:8080", "GET")):
        environ = {"HTTP_HOST": host, "REQUEST_METHOD": method}
        said.append((list(app(environ, lambda status, headers: said.append(status))) or [b""])[0].decode())
    assert said[0].startswith("403")
    assert said[2].startswith("405")
    assert said[4] == "page"


def test_nothing_to_show(tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    with pytest.raises(InputError, match="there are no studies"):
        serve(tmp_path, 1, lambda: None)


def test_without_the_package_one_sentence_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(InputError, match="needs optuna-dashboard; write: pip install"):
        serve(root, 1, lambda: None)


def test_the_command_serves_and_ends_whole(root: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    package = str(Path(__file__).resolve().parents[3])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "nnops", "ui", "--studies", "--port", str(port)]
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        assert str(port) in process.stdout.readline().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies") as answer:
            assert b'"study_name": "b"' in answer.read()
        with pytest.raises(InputError, match=f"port {port} is taken"):
            serve(root, port, lambda: None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        for _ in range(50):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
            except urllib.error.URLError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("something still answers")
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
