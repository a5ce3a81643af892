import json
import subprocess
import sys
from pathlib import Path

import pytest

from nnops.tracking import record
from nnops.tracking.memory import MemoryTracker
from nnops.tracking.redact import redact, redact_value
from nnops.tracking.tracker import RunInfo


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "params.yaml").write_text("seed: 7\n")
    (tmp_path / ".env").write_text("A=1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_clean_repository(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://ann:pa55@example.org/x.git")
    state = record.git_state(repository)
    assert state == {
        "commit": git(repository, "rev-parse", "HEAD").strip(),
        "branch": "trunk",
        "remote": "https://***@example.org/x.git",
        "changed": 0,
        "untracked": [],
    }
    assert record.git_diff(repository) == ""
    assert record.tags(record.collect(repository))["git.dirty"] == "false"


def test_a_changed_repository_says_how_without_its_secrets(repository: Path) -> None:
    (repository / "params.yaml").write_text("seed: 8\napi_key: 'abcd-1234-efgh'\n")
    (repository / ".env").write_text("A=2\n")
    (repository / "größe.txt").write_text("new")
    (repository / "sub").mkdir()
    state = record.git_state(repository / "sub")
    assert state is not None
    assert (state["changed"], state["untracked"]) == (2, ["../größe.txt"])
    diff = record.git_diff(repository / "sub")
    assert "+seed: 8" in diff
    assert "abcd-1234" not in diff
    assert ".env" not in diff
    assert record.tags(record.collect(repository))["git.dirty"] == "true"


def test_a_long_diff_is_cut(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MAX_DIFF_BYTES", 2000)
    (repository / "params.yaml").write_text("\n".join(f"# {number}" for number in range(5000)))
    diff = record.git_diff(repository)
    assert diff.endswith("(cut after 2000 bytes)\n")
    assert len(diff) < 2100


def test_no_repository_and_no_commit_are_no_errors(tmp_path: Path) -> None:
    assert record.git_state(tmp_path) is None
    assert record.git_diff(tmp_path) == ""
    assert "git.dirty" not in record.tags(record.collect(tmp_path))
    git(tmp_path, "init", "-q", "-b", "trunk")
    state = record.git_state(tmp_path)
    assert state is not None
    assert (state["commit"], state["branch"]) == (None, "trunk")


def test_without_git_the_rest_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert record.collect(tmp_path)["git"] is None


def test_the_record_holds_what_a_result_depends_on(tmp_path: Path) -> None:
    import torch

    found = record.collect(tmp_path, seed=7, data_hash="ab")
    assert (found["seed"], found["data_hash"]) == (7, "ab")
    assert found["packages"]["torch"] == torch.__version__
    assert found["torch"]["threads"] == torch.get_num_threads()
    assert found["torch"]["deterministic"] is torch.are_deterministic_algorithms_enabled()
    assert found["hardware"]["cores"] >= 1
    assert found["hardware"]["memory_bytes"] > 2**28
    tags = record.tags(found)
    assert tags["seed"] == "7"
    assert tags["threads"] == str(torch.get_num_threads())
    assert tags["mlflow.source.name"] == found["command"]


def test_it_needs_neither_torch_nor_mlflow(tmp_path: Path) -> None:
    source = (
        "import sys; from pathlib import Path; from nnops.tracking import record, open, spool, index, ui, mlflow\n"
        "found = record.collect(Path(sys.argv[1]))\n"
        "assert found['torch'] is None and 'threads' not in record.tags(found)\n"
        "assert not {'torch', 'mlflow', 'numpy', 'sqlalchemy'} & set(sys.modules), sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source, str(tmp_path)], check=True)


def test_it_is_attached_to_a_run(repository: Path) -> None:
    (repository / "params.yaml").write_text("seed: 9\n")
    tracker = MemoryTracker()
    found = record.collect(repository, seed=9)
    record.attach(tracker.open(RunInfo("u", "x", "pipeline")), found, record.git_diff(repository))
    run = tracker.runs["u"]
    assert run.tags["mlflow.source.git.commit"] == found["git"]["commit"]
    assert json.loads(run.files["record/environment.json"]) == found
    assert b"+seed: 9" in run.files["record/git.diff"]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgresql://ann:pa55@db/x", "pa55"),
        ("https://ghp_0123456789abcdefghij0123456789abcdef@github.com", "ghp_"),
        ("password: 'correct horse'", "correct"),
        ('"aws_secret_access_key": "abc/def+123"', "abc/def"),
        ("+AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCY", "wJalr"),
        ("nnops run --token s3cr3t --epochs 3", "s3cr3t"),
        ("nnops run --api-key=s3cr3t", "s3cr3t"),
        ("key AKIAIOSFODNN7EXAMPLE here", "AKIA"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "token = next(stream)",
        "categorical_missing: token",
        "def f(password: str) -> None:",
        "tokens: 50000",
        "http://127.0.0.1:5000/#/experiments/1",
        "git@github.com:ann/x.git",
        "secret = os.environ['SECRET']",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_parameters_are_masked_by_their_key_only_where_it_names_a_secret() -> None:
    assert redact_value("data.source.options.api_key", "abc") == "***"
    assert redact_value("data.cleaning.categorical_missing", "token") == "token"
    assert redact_value("model.options.token_width", "64") == "64"
