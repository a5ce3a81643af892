"""How 'nnops sweep start' ends: what the shell hears, and what is said to do next."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nnops.sweep.names import taken
from nnops.sweep.study import Study

pytestmark = pytest.mark.usefixtures("untracked")
SPACE = {"train.optimizer.options.lr": {"float": [1e-3, 1e-1], "log": True}}
START = [sys.executable, "-m", "nnops", "sweep", "start", "s", "--engine", "inline"]


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNOPS_TRACKING", "off")


def project(root: Path, **train: Any) -> Path:
    record = {
        "model": {"name": "mlp", "options": {"hidden": [8]}},
        "train": {"epochs": 1} | train,
        "sweep": {
            "objective": {"metric": "val_accuracy", "direction": "maximize"},
            "sampler": {"name": "random"},
            "pruner": {"name": "none"},
            "budget": {"trials": 2},
            "space": SPACE,
        },
    }
    (root / "params.yaml").write_text(json.dumps(record))
    return root


@pytest.mark.parametrize("how", ["Ctrl-C", "nnops sweep stop"])
def test_a_search_that_was_stopped_does_not_look_like_one_that_is_done(tmp_path: Path, how: str) -> None:
    """What stands behind '&&' is not run."""
    project(tmp_path, epochs=100_000)
    with subprocess.Popen(START, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as driver:
        try:
            wait_for_reports(tmp_path, driver)
            if how == "Ctrl-C":
                driver.send_signal(signal.SIGINT)
            else:
                subprocess.run([*START[:4], "stop", "s"], cwd=tmp_path, check=True, capture_output=True)
            said, _ = driver.communicate(timeout=60)
        finally:
            driver.kill()
    assert driver.returncode == 130, said
    assert "go on with: nnops sweep resume s" in said


def wait_for_reports(root: Path, driver: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 60
    while driver.poll() is None and time.monotonic() < until:
        if any(trial.reports for trial in (Study.open(root, "s").trials() if taken(root, "s") else [])):
            return
        time.sleep(0.1)
    pytest.fail(f"no report came: {driver.communicate(timeout=5)[0] if driver.poll() is not None else 'it waits'}")


def test_what_set_gave_is_named_before_apply(tmp_path: Path) -> None:
    project(tmp_path)
    said = subprocess.run(
        [*START, "--set", "train.epochs=2", "--set", "train.optimizer.options.lr=0.5"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # The rate is tuned, so 'apply' writes it.
    assert (
        "next: write 'train.epochs: 2' into params.yaml, as --set had it; then: nnops sweep apply s && dvc repro"
        in said
    )
    refused = subprocess.run([*START[:4], "apply", "s"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    (tmp_path / "params.yaml").write_text((tmp_path / "params.yaml").read_text().replace('"epochs": 1', '"epochs": 2'))
    subprocess.run([*START[:4], "apply", "s"], cwd=tmp_path, check=True, capture_output=True)
