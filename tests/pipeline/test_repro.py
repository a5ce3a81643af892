"""The pipeline by dvc: it runs, does nothing twice, repeats its bytes, and survives kill -9."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(shell: Any, table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects") / "tumours"
    shell.run(folder.parent, "nnops", "init", str(folder), "--data", str(table), "--target", "outcome")
    shell.run(folder, "dvc", "repro")
    return folder


def test_numbers_are_there_by_dotted_name(project: Path) -> None:
    evaluated = json.loads((project / "artifacts/evaluate/metrics.json").read_text())
    compressed = json.loads((project / "artifacts/compress/metrics.json").read_text())
    assert evaluated["test.accuracy"] > 0.85
    assert evaluated["test.roc_auc"] > 0.9
    for name in ("size_bytes", "latency_p50_ms", "latency_p95_ms", "test.accuracy"):
        assert compressed[f"onnx_int8.{name}"] > 0


def test_again_does_nothing_and_force_changes_no_byte(shell: Any, project: Path) -> None:
    lock = (project / "dvc.lock").read_bytes()
    assert "up to date" in shell.run(project, "dvc", "repro").stdout
    shell.run(project, "dvc", "repro", "--force")
    assert (project / "dvc.lock").read_bytes() == lock


def test_a_model_option_reruns_train_and_after(shell: Any, project: Path) -> None:
    shell.run(project, "dvc", "repro")
    text = (project / "params.yaml").read_text()
    assert "dropout: 0.1" in text
    (project / "params.yaml").write_text(text.replace("dropout: 0.1", "dropout: 0.2"))
    said = shell.run(project, "dvc", "repro").stdout
    assert "Stage 'prepare' didn't change" in said
    for stage in ("train", "evaluate", "compress", "register"):
        assert f"Running stage '{stage}'" in said
    (project / "params.yaml").write_text(text)


def test_killed_in_the_middle_it_goes_on_to_the_same_weights(shell: Any, project: Path) -> None:
    def weights() -> str:
        return json.loads((project / "artifacts/train/model.json").read_text())["weights_sha256"]

    text = (project / "params.yaml").read_text()
    longer = text.replace("epochs: 20", "epochs: 400").replace("patience: 5", "patience: 400")
    assert longer != text
    (project / "params.yaml").write_text(longer)
    shell.run(project, "dvc", "repro", "train")
    unbroken = weights()

    (project / "dvc.lock").unlink()
    kills = 0
    for _ in range(3):
        process = shell.start(project, "dvc", "repro", "--no-run-cache", "train")
        deadline = time.monotonic() + 60
        before = set((project / ".nnops/checkpoints").glob("*/epoch-*.safetensors"))
        while time.monotonic() < deadline and process.poll() is None:
            now = set((project / ".nnops/checkpoints").glob("*/epoch-*.safetensors"))
            if now - before:
                break
            time.sleep(0.005)
        if process.poll() is None:
            shell.kill(process)
            kills += 1
        process.wait()
    assert kills >= 1
    (project / "dvc.lock").unlink(missing_ok=True)
    shell.run(project, "dvc", "repro", "--no-run-cache", "train")
    assert weights() == unbroken
    (project / "params.yaml").write_text(text)
