"""A training is killed (SIGKILL) at random moments, again and again, and ends in the very bits of an unbroken one."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small import params, small

KILLS = 8
REGULAR = {"hidden": [24, 12], "dropout": 0.2, "norm": True}
CASES = {
    "adamw": ({"name": "mlp", "options": REGULAR}, {"name": "adamw", "options": {"lr": 3e-3}}),
    "sgd": (
        {"name": "mlp", "options": REGULAR},
        {"name": "sgd", "options": {"lr": 0.05, "momentum": 0.9, "nesterov": True}},
    ),
    "rmsprop": ({"name": "mlp", "options": REGULAR}, {"name": "rmsprop", "options": {"lr": 1e-3, "momentum": 0.5}}),
    "cnn": ({"name": "cnn", "options": {"channels": [4], "norm": True, "dropout": 0.1}}, {"name": "adam"}),
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL are POSIX")


@pytest.fixture(scope="module")
def process():
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    script = Path(__file__).with_name("training_process.py")
    started = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    yield started
    started.stdin.close()
    assert started.wait(30) == 0
    started.stdout.close()


def attempt(process, task, kill_after_s=None):
    """Train in a child, killed after some seconds; returns its exit code."""
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    pid = int(process.stdout.readline())
    killer = threading.Timer(kill_after_s, os.kill, (pid, signal.SIGKILL)) if kill_after_s else None
    if killer:
        killer.start()
    code = int(process.stdout.readline())
    if killer:
        killer.cancel()
        killer.join()
    return code


@pytest.mark.parametrize("case", CASES)
def test_killed_at_random_moments(case, process, tmp_path):
    model, optimizer = CASES[case]
    data = small(tmp_path / "data", "image")
    chosen = params(
        model=model,
        train={
            "epochs": 400,
            "optimizer": optimizer,
            "schedule": {"name": "cosine", "options": {"warmup_epochs": 3}},
            "early_stopping": {"metric": "val_accuracy", "patience": 120},
            "clip_norm": 5.0,
        },
    )

    def task(name):
        return {
            "params": chosen.record(),
            "data": str(data.folder),
            "kept": str(tmp_path / name),
            "result": str(tmp_path / f"{name}.json"),
        }

    start_s = time.monotonic()
    assert attempt(process, task("unbroken")) == 0
    whole_s = time.monotonic() - start_s
    chance = random.Random(case)
    kills = 0
    for _ in range(4 * KILLS):
        if kills == KILLS:
            break
        code = attempt(process, task("broken"), kill_after_s=chance.uniform(0.05, 0.4) * whole_s)
        assert code in (0, -signal.SIGKILL)
        if code == 0:  # it came to its end first: once more from the start
            (tmp_path / "broken.json").unlink()
            for path in (tmp_path / "broken").iterdir():
                path.unlink()
        kills += code != 0
    assert kills == KILLS
    assert attempt(process, task("broken")) == 0
    whole, broken = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("unbroken", "broken"))
    assert whole["replayed"] == 0
    assert broken.pop("replayed") > 0
    del whole["replayed"]
    assert broken == whole
