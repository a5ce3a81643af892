"""The main job as a newcomer runs it: pipeline, sweep on Ray Tune, apply, pipeline; then kill, resume and predict."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.wheels import repack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(shell: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first") / "demo"
    said = shell.run(folder.parent, "nnops", "demo", "demo", "--trials", "6").stdout
    assert "to the bit" in said
    assert [line.split()[:2] for line in said.splitlines() if line.startswith(("before", "after"))] == [
        ["before", "fp32"], ["before", "int8"], ["after", "fp32"], ["after", "int8"],
    ]  # fmt: skip
    assert "ui" in said.splitlines()[-1]
    return folder


def test_the_winner_is_made_again_by_the_pipeline(shell: Any, demo: Path) -> None:
    study = json.loads(shell.run(demo, "nnops", "sweep", "show", "digits", "--json").stdout)
    assert [trial["number"] for trial in study["trials"]] == list(range(6))
    assert {trial["state"] for trial in study["trials"]} <= {"complete", "pruned", "infeasible"}
    model = json.loads((demo / "artifacts/train/model.json").read_text())
    assert model["weights_sha256"] == study["best"]["weights_sha256"]


def test_a_model_and_a_trial_are_made_again_from_their_record(shell: Any, demo: Path) -> None:
    refused = shell.run(demo, "nnops", "run", "reproduce", "digits/1", code=2)
    assert "trial:digits/1 or model:digits/1" in refused.stderr
    verdict = json.loads(shell.run(demo, "nnops", "run", "reproduce", "digits@champion", "--json").stdout)
    assert (verdict["word"], verdict["kind"], verdict["first"]) == ("bits", "version", None)
    weights = json.loads((demo / "artifacts/train/model.json").read_text())["weights_sha256"][:12]
    assert f"weights {weights}" in verdict["same"]
    assert any(part.endswith("metrics") for part in verdict["same"])
    verdict = json.loads(shell.run(demo, "nnops", "run", "reproduce", "trial:digits", "--json").stdout)
    assert (verdict["word"], f"weights {weights}" in verdict["same"]) == ("bits", True)
    # The same with a library that has another version now than the study says.
    record = demo / ".nnops/studies/digits/record/environment.json"
    environment = json.loads(record.read_text())
    here = environment["distributions"]["safetensors"]
    repack("safetensors", "0.0.7", demo / "wheels")
    environment["distributions"]["safetensors"] = "0.0.7"
    record.write_text(json.dumps(environment))
    words = ["nnops", "run", "reproduce", "trial:digits", "--install", "--json"]
    verdict = json.loads(shell.run(demo, *words, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(demo / "wheels")).stdout)
    assert (verdict["word"], f"weights {weights}" in verdict["same"]) == ("bits", True)
    assert "installed for it: safetensors 0.0.7" in verdict["notes"]
    assert {"what": "safetensors", "then": here, "now": "0.0.7"} in verdict["differences"]
    listed = json.loads(shell.run(demo, "nnops", "run", "list", "--json").stdout)
    assert {"bits", None} == {run["reproduced"] for run in listed}
    compared = shell.run(demo, "nnops", "run", "compare", *(run["run_id"][:10] for run in listed)).stdout
    assert "val_accuracy" in compared
    assert "train.optimizer.options.lr" in compared


def test_raw_rows_in_answers_out(shell: Any, demo: Path) -> None:
    from sklearn.datasets import load_digits

    frame = load_digits(as_frame=True).data.head(5)
    frame.to_csv(demo / "rows.csv", index=False)
    answers = json.loads(shell.run(demo, "nnops", "model", "predict", "digits@champion", "rows.csv", "--json").stdout)
    assert [answer["class"] for answer in answers] == ["0", "1", "2", "3", "4"]
    for answer in answers:
        assert sum(value for name, value in answer.items() if name.startswith("p(")) == pytest.approx(1, abs=1e-4)
    frame.drop(columns="pixel_0_3").assign(pixel_0_33=0).to_csv(demo / "odd.csv", index=False)
    refused = shell.run(demo, "nnops", "model", "predict", "digits@champion", "odd.csv", code=2)
    assert "pixel_0_3" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_killed_sweep_goes_on_under_the_same_numbers(shell: Any, demo: Path) -> None:
    command = ("nnops", "sweep", "start", "killed", "--trials", "8", "--engine", "inline", "--set", "train.epochs=40")
    process = shell.start(demo, *command)
    journal = demo / ".nnops/studies/killed/journal.log"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.stat().st_size > 9000:
            break
        time.sleep(0.01)
    assert process.poll() is None, "the sweep was over before it could be killed"
    shell.kill(process)
    before = json.loads(shell.run(demo, "nnops", "sweep", "show", "killed", "--json").stdout)
    assert before["state"] == "stopped"
    shell.run(demo, "nnops", "sweep", "resume", "killed")
    after = json.loads(shell.run(demo, "nnops", "sweep", "show", "killed", "--json").stdout)
    assert after["state"] == "complete"
    assert [trial["number"] for trial in after["trials"]] == list(range(8))
    assert all(trial["state"] != "running" for trial in after["trials"])
    for old, new in zip(before["trials"], after["trials"], strict=False):
        assert new["config"] == old["config"]
        if old["state"] != "running":
            assert (new["state"], new["value"]) == (old["state"], old["value"])


def test_a_damaged_bundle_is_refused(shell: Any, demo: Path, tmp_path: Path) -> None:
    import shutil

    bundle = tmp_path / "bundle"
    shutil.copytree(demo / "artifacts/register/bundle", bundle)
    with (bundle / "model.onnx").open("r+b") as stream:
        stream.seek(100)
        stream.write(b"\0\0\0\0")
    refused = shell.run(demo, "nnops", "model", "predict", str(bundle), "rows.csv", code=2)
    assert "model.onnx" in refused.stderr
