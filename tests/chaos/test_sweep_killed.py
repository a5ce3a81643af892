"""kill -9 of a sweep's whole process group at random moments, again and again; then the study is as if nothing was."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops.params import Params
from nnops.sweep.keep import best_of
from nnops.sweep.names import studies
from nnops.sweep.study import Study, TrialRecord

#: Drives a study until its budget, beginning it or going on with it.
DRIVE = """
import json, sys
from pathlib import Path
from nnops.params import load
from nnops.sweep.run import run_sweep
from nnops.sweep.names import studies
root = Path(sys.argv[1])
resume = (studies(root) / "s" / "study.json").exists()
notes = (root / "notes").open("a")
def listen(event):
    # A kill may come after the end.
    if event.kind == "note" and not event.text.startswith("nothing is left"):
        notes.write(event.text + "\\n")
        notes.flush()
run_sweep(load(root / "params.yaml"), root, "s", on_event=listen, resume=resume)
"""


def drive(root: Path, tracking: str = "off") -> subprocess.Popen[bytes]:
    environment = os.environ | {"NNOPS_TRACKING": tracking, "OMP_NUM_THREADS": "1"}
    with (root / "output").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", DRIVE, str(root)],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_until_done(root: Path, kills: int, words: int, seed: int, tracking: str = "off") -> int:
    """Kill a driver some times, each after it put a random number of words into the record, then let one finish.

    Returns:
        The kills that hit.
    """
    source = random.Random(seed)
    hits = 0
    for _ in range(kills):
        until = count_words(root) + source.randrange(1, words)
        process = drive(root, tracking)
        while process.poll() is None and count_words(root) < until:
            time.sleep(0.002)
        time.sleep(source.uniform(0.0, 0.02))
        if process.poll() is not None:
            break
        kill(process)
        hits += 1
    assert drive(root, tracking).wait(300) == 0, (root / "output").read_text()
    return hits


def count_words(root: Path) -> int:
    journal = studies(root) / "s" / "journal.log"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def table(trials: list[TrialRecord]) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.config, t.reports, t.value, t.weights_sha256) for t in trials]


def check_whole(root: Path, trials: int) -> list[TrialRecord]:
    study = Study.open(root, "s")
    records = study.trials()
    assert [record.number for record in records] == list(range(trials))
    assert all(record.state in ("complete", "pruned") for record in records)
    assert study.state == "complete"
    # Of the best alone something is left.
    kept = {str(record.number) for record in best_of(study, records, study.params.sweep.keep)}
    assert {path.name for path in study.folder.glob("checkpoints/*")} == kept
    # Reports before and after a kill agree to the bit.
    assert (root / "notes").read_text() == ""
    return records


def chaotic(params: dict[str, Any]) -> Params:
    return sweep_params({"sweep.budget.trials": 20, "train.epochs": 81, "train.batch_size": 8, **params})


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_inline_gives_the_table_of_an_unbroken_sweep(tmp_path: Path, seed: int) -> None:
    params = chaotic({"sweep.sampler.name": "tpe", "sweep.sampler.options.startup_trials": 5})
    killed = project(tmp_path / "killed", params)
    hits = kill_until_done(killed, 8, 60, seed)
    unbroken = project(tmp_path / "unbroken", params)
    sweep(unbroken, params)
    assert hits >= 4
    assert table(check_whole(killed, 20)) == table(Study.open(unbroken, "s").trials())


@pytest.mark.slow
def test_a_budget_and_a_warm_start_are_the_same_after_kills(tmp_path: Path) -> None:
    base = {"sweep.sampler.name": "tpe", "sweep.sampler.options.startup_trials": 5, "train.batch_size": 8}
    first = sweep_params({"sweep.budget.trials": 8, "train.epochs": 81, "sweep.pruner.name": "none"} | base)
    start = {"studies": ["first"], "configs": [{LR: 0.01, DROPOUT: 0.1}]}
    params = chaotic({"sweep.budget.trials": 1000, "sweep.budget.epochs": 300, "sweep.warm_start": start} | base)
    killed = project(tmp_path / "killed", params)
    sweep(killed, first, name="first")
    unbroken = tmp_path / "unbroken"
    shutil.copytree(killed, unbroken)
    sweep(unbroken, params)
    hits = kill_until_done(killed, 3, 120, 3)
    assert hits >= 2
    study = Study.open(killed, "s")
    assert (study.state, study.why) == ("complete", "epochs")
    assert sum(len(trial.reports) for trial in study.trials()) == 300
    assert table(study.trials()) == table(Study.open(unbroken, "s").trials())


@pytest.mark.slow
def test_ray_gives_the_table_of_an_unbroken_sweep_in_one_process(tmp_path: Path) -> None:
    params = chaotic(
        {
            "sweep.engine": "ray",
            "sweep.workers": 2,
            "sweep.order": "fixed",
            "sweep.sampler.name": "tpe",
            "sweep.budget.trials": 30,
            "train.epochs": 100,
        }
    )
    killed = project(tmp_path / "killed", params)
    hits = kill_until_done(killed, 2, 250, 5)
    unbroken = project(tmp_path / "unbroken", params)
    sweep(unbroken, params, engine="inline", workers=1)
    assert hits >= 1
    assert table(check_whole(killed, 30)) == table(Study.open(unbroken, "s").trials())


@pytest.mark.slow
def test_one_process_may_run_one_sweep_on_ray_after_the_other(tmp_path: Path) -> None:
    root = project(tmp_path, sweep_params({"sweep.engine": "ray", "sweep.workers": 1, "sweep.budget.trials": 3}))
    # And may have imported it before.
    code = "import ray\n" + DRIVE + 'run_sweep(load(root / "params.yaml"), root, "t")\n'
    environment = os.environ | {"NNOPS_TRACKING": "off", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code, str(root)], env=environment, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert [Study.open(root, name).state for name in ("s", "t")] == ["complete", "complete"]


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_trial_goes_on(tmp_path: Path) -> None:
    import psutil

    params = chaotic(
        {
            "sweep.engine": "ray",
            "sweep.workers": 2,
            "sweep.pruner.name": "none",
            "train.epochs": 800,
            "sweep.budget.trials": 5,
        }
    )
    root = project(tmp_path / "killed", params)
    process = drive(root)
    hits = 0
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline and hits < 2:
        time.sleep(0.3)
        workers = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if child.status() != psutil.STATUS_ZOMBIE
            and " ".join(child.cmdline()[:1]).endswith(("SweepTrial.train", "Trainable.train"))
        ]
        if workers:
            workers[0].kill()
            hits += 1
            time.sleep(1.0)
    assert process.wait(300) == 0, (root / "output").read_text()
    assert hits == 2
    unbroken = project(tmp_path / "unbroken", params)
    sweep(unbroken, params, engine="inline", workers=1)
    study = Study.open(root, "s")
    assert table(study.trials()) == table(Study.open(unbroken, "s").trials())
    assert "lost its worker" in (root / "notes").read_text()


@pytest.mark.slow
def test_every_trial_is_tracked_once_under_one_parent(tmp_path: Path) -> None:
    params = chaotic({"sweep.budget.trials": 10})
    root = project(tmp_path, params)
    hits = kill_until_done(root, 3, 50, 7, tracking="on")
    assert hits >= 2
    records = check_whole(root, 10)

    from mlflow import MlflowClient

    from nnops.tracking.index import run_ids

    study = Study.open(root, "s")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = run_ids([study.uid, *(record.uid for record in records)], params, root)
        client = MlflowClient(f"sqlite:///{root}/mlflow.db") if (root / "mlflow.db").exists() else None
        if (
            client
            and len(found) == 11
            and all(client.get_run(each).info.status == "FINISHED" for each in found.values())
        ):
            break
        time.sleep(1.0)
    assert client is not None
    runs = client.search_runs([run.experiment_id for run in client.search_experiments()], max_results=100)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.run_id for run in parents] == [found[study.uid]]
    children = {run.data.tags["nnops.trial"]: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert len(runs) == 11
    assert sorted(map(int, children)) == list(range(10))
    for record in records:
        child = children[str(record.number)]
        assert child.info.status == "FINISHED"
        assert child.data.tags["nnops.state"] == record.state
        history = client.get_metric_history(child.info.run_id, "val_loss")
        assert {point.step: point.value for point in history} == record.reports
        assert len(history) == len(record.reports)
