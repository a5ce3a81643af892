import json
from dataclasses import asdict
from pathlib import Path

import pytest
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops import params as params_file
from nnops.data.prepare import cached
from nnops.errors import InputError
from nnops.sweep.apply import apply_trial
from nnops.sweep.holder import this_process
from nnops.sweep.study import Study
from nnops.sweep.together import apply_ensemble
from nnops.sweep.trial import data_cache
from nnops.training.train import train

COMMENTED = """\
# What this project is.
seed: 3
data:
  source: {name: sklearn, options: {set: iris}}
model: {name: mlp, options: {hidden: [8]}}  # small
train:
  epochs: 6
  batch_size: 32
sweep:
  engine: inline
  sampler: {name: random}
  budget: {trials: 6}
  objective: {metric: val_loss, direction: minimize}
  space:
    train.optimizer.name: {choice: [sgd, adamw]}
    train.optimizer.options.lr: {float: [1e-3, 1e-1], log: true}
    train.optimizer.options.momentum: {float: [0.0, 0.9], when: {train.optimizer.name: sgd}}
    model.options.hidden: {choice: [[8], [16, 8]]}
"""


def commented(root: Path) -> Path:
    project(root)
    (root / "params.yaml").write_text(COMMENTED)
    sweep(root, params_file.load(root / "params.yaml"))
    return root


def test_the_pipeline_then_makes_the_very_weights_of_the_trial(tmp_path: Path) -> None:
    root = commented(tmp_path)
    for number in (None, *range(6)):
        trial = Study.open(root, "s").trials()[number] if number is not None else Study.open(root, "s").best()
        assert trial is not None
        applied = apply_trial(root, "s", number)
        assert applied.config == trial.config
        assert applied.number == trial.number
        if trial.state != "complete":
            assert applied.notes == (f"trial {trial.number} is {trial.state}, so it has no weights to be made again.",)
            continue
        assert applied.notes == ()
        params = params_file.load(root / "params.yaml")
        trained = train(params, cached(params, root, data_cache(root)))
        assert trained.weights_sha256 == trial.weights_sha256 == applied.weights_sha256
    text = (root / "params.yaml").read_text()
    assert "# What this project is." in text
    assert "# small" in text


def test_params_that_changed_since_are_refused_with_their_keys_and_nothing_is_written(tmp_path: Path) -> None:
    root = commented(tmp_path)
    changed = COMMENTED.replace("batch_size: 32", "batch_size: 16").replace("seed: 3", "seed: 4")
    (root / "params.yaml").write_text(changed)
    with pytest.raises(InputError, match=r"seed was 3, is 4; train\.batch_size was 32, is 16") as error:
        apply_trial(root, "s")
    assert "put these back" in str(error.value)
    assert (root / "params.yaml").read_text() == changed
    forced = apply_trial(root, "s", force=True)
    assert forced.config
    assert "makes another model" in forced.notes[0]

    # Keys that the config sets itself, and sections that no trial reads, may change.
    more = COMMENTED.replace("{hidden: [8]}", "{hidden: [99]}") + "register: {name: other}\n"
    (root / "params.yaml").write_text(more)
    apply_trial(root, "s")


def test_trials_that_are_not_there(tmp_path: Path) -> None:
    root = commented(tmp_path)
    with pytest.raises(InputError, match="has no trial 9; write one of 0 to 5"):
        apply_trial(root, "s", 9)
    with pytest.raises(InputError, match="no study 't'"):
        apply_trial(root, "t")


def test_a_study_without_a_complete_trial(tmp_path: Path) -> None:
    params = sweep_params({"train.optimizer.name": "sgd"}, {LR: {"choice": [1e30]}, DROPOUT: {"float": [0.0, 0.1]}})
    sweep(project(tmp_path, params), params)
    with pytest.raises(InputError, match="has no complete trial to apply"):
        apply_trial(tmp_path, "s")


def test_a_study_that_still_runs_is_said(tmp_path: Path) -> None:
    root = commented(tmp_path)
    Study.open(root, "s").set("driver", json.dumps(asdict(this_process())))
    said = "study 's' is running, so a better trial may come; apply it again when it has ended."
    assert apply_trial(root, "s").notes == (said,)
    assert apply_ensemble(root, "s", 2)[0].notes == (said,)
