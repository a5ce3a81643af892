"""Three Ray nodes, PostgreSQL, MLflow behind its login, S3: a study across the nodes, one of which is killed."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import environment, s3_server
from sweeps import project, sweep, sweep_params

from infra.local_cluster import Cluster
from nnops.sweep.bucket import Bucket
from nnops.sweep.keep import best_of
from nnops.sweep.names import names
from nnops.sweep.study import Study, TrialRecord

TRIALS = 4
PARAMS = {
    "sweep.engine": "ray",
    "sweep.workers": 3,
    "sweep.pruner.name": "none",
    "sweep.budget.trials": TRIALS,
    "train.epochs": 600,
    "train.batch_size": 8,
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with s3_server(folder, "nnops-test") as s3, pytest.MonkeyPatch.context() as patch:
        for key, value in s3.items():
            patch.setenv(key, value)
        cluster = Cluster(folder / "services", artifacts="s3://nnops-test/artifacts")
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.down()


def table(trials: list[TrialRecord]) -> list[tuple[object, ...]]:
    return [(t.number, t.state, t.config, t.reports, t.value, t.weights_sha256) for t in trials]


@pytest.mark.slow
def test_a_node_dies_and_the_study_is_whole(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = sweep_params(PARAMS | {"sweep.storage": "postgresql:///studies", "sweep.shared": "s3://nnops-test/share"})
    root = project(tmp_path / "project", params)
    for key, value in cluster.env.items():
        monkeypatch.setenv(key, value)
    words = [sys.executable, "-m", "nnops", "sweep", "start", "s", "--address", "auto"]
    given = environment(**cluster.env, NNOPS_TRACKING="on")
    with (tmp_path / "output").open("w") as output:
        driver = subprocess.Popen(words, cwd=root, env=given, stdout=output, stderr=subprocess.STDOUT)
    try:
        bucket = Bucket("s3://nnops-test/share")
        deadline = time.monotonic() + 120
        # Each of three has something to go on with.
        while len(held := _checkpoints(bucket)) < 3:
            assert driver.poll() is None, (tmp_path / "output").read_text()
            assert time.monotonic() < deadline, (held, (tmp_path / "output").read_text())
            time.sleep(0.2)
        assert cluster.kill_node(2) >= 2
        assert driver.wait(180) == 0, (tmp_path / "output").read_text()
    finally:
        driver.kill()
    said = (tmp_path / "output").read_text()
    assert "lost its worker" in said

    study = Study.open(root, "s")
    trials = study.trials()
    assert [trial.state for trial in trials] == ["complete"] * TRIALS
    assert study.state == "complete"
    unbroken = project(tmp_path / "unbroken", params)
    sweep(unbroken, sweep_params(PARAMS), engine="inline", workers=1)
    assert table(trials) == table(Study.open(unbroken, "s").trials())
    # What nobody needs any more is gone, on all machines; data stay.
    assert _checkpoints(bucket).keys() == {str(trial.number) for trial in best_of(study, trials, 3)}
    assert bucket.names(f"data/{study.attrs['data_hash']}")
    _check_tracked(study, trials)
    _check_silent(cluster, study, root, said)
    study.close()


def _checkpoints(bucket: Bucket) -> dict[str, list[str]]:
    uids = [name for name in bucket.names() if name != "data"]
    return {
        number: names
        for uid in uids
        for number in bucket.names(f"{uid}/checkpoints")
        if (names := bucket.names(f"{uid}/checkpoints/{number}"))
    }


def _check_tracked(study: Study, trials: list[TrialRecord]) -> None:
    """Every trial is a run of the server, and files went through it to S3."""
    from mlflow import MlflowClient

    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    deadline = time.monotonic() + 150
    while True:
        experiments = [each.experiment_id for each in client.search_experiments()]
        runs = {run.data.tags.get("nnops.uid"): run for run in client.search_runs(experiments)}
        parent = runs.get(study.uid)
        if parent is not None and parent.info.status == "FINISHED":
            break
        assert time.monotonic() < deadline, runs.keys()
        time.sleep(0.5)
    assert set(runs) == {study.uid, *(trial.uid for trial in trials)}
    # Drawn after the sweep by a process of its own.
    while not client.list_artifacts(parent.info.run_id, "figures"):
        assert time.monotonic() < deadline, "figures"
        time.sleep(0.5)
    assert Bucket("s3://nnops-test/artifacts").names()


def _check_silent(cluster: Cluster, study: Study, root: Path, said: str) -> None:
    """No password is readable in the project, in the record, or in what was said."""
    secrets = [value for key, value in cluster.env.items() if "PASSWORD" in key or "TOKEN" in key]
    secrets.append(os.environ["AWS_SECRET_ACCESS_KEY"])
    assert len(secrets) == 4
    kept = [said.encode(), json.dumps(dict(study.attrs)).encode()]
    kept += [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    kept += [path.read_bytes() for path in cluster.folder.glob("*.log")]
    assert not [secret for secret in secrets if any(secret.encode() in text for text in kept)]


@pytest.mark.slow
def test_a_machine_that_does_not_see_the_project_is_named_before_anything_is_lost(
    cluster: Cluster, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("a node with files of its own needs unshare and mount, which only root may")
    root = project(tmp_path / "project", sweep_params(PARAMS | {"sweep.budget.trials": 2, "train.epochs": 3}))
    hide = f'mount -t tmpfs nnops-test {shlex.quote(str(root))} && exec "$@"'
    cluster.start_node(3, ["unshare", "--mount", "sh", "-c", hide, "sh"])

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nnops", "sweep", "start", "s", "--address", "auto", *words]
        given = environment(**cluster.env)
        return subprocess.run(command, cwd=root, env=given, capture_output=True, text=True, check=False)

    refused = start()
    assert refused.returncode == 2, refused.stderr
    assert re.fullmatch(
        r"nnops: machine \S+ of the cluster does not see /\S+/checkpoints, which trials need; let all machines mount it"
        r" under this path, or write sweep\.shared: s3://BUCKET/PREFIX or a folder that they share\.\n",
        refused.stderr,
    )
    assert names(root) == []
    # What comes to them by S3 need not be seen.
    done = start("--set", "sweep.shared=s3://nnops-test/share", "--json")
    assert done.returncode == 0, done.stderr
    assert [trial["state"] for trial in json.loads(done.stdout)["trials"]] == ["complete"] * 2
