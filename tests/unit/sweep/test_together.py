from pathlib import Path

import pytest
from sweeps import project, sweep, sweep_params

from nnops import params as params_file
from nnops.data.prepare import cached
from nnops.errors import InputError, ParamsError
from nnops.sweep.apply import apply_trial
from nnops.sweep.repeat import ranked
from nnops.sweep.study import Study
from nnops.sweep.together import apply_ensemble
from nnops.sweep.trial import data_cache
from nnops.training.ensemble import train_model
from nnops.training.train import hash_weights

LONE = {"sweep.pruner.name": "none", "sweep.budget.trials": 4, "train.epochs": 2}


def test_the_best_trials_answer_as_one_with_the_weights_they_had(tmp_path: Path) -> None:
    root = project(tmp_path, sweep_params(LONE))
    sweep(root, sweep_params(LONE))
    best = ranked(Study.open(root, "s"), Study.open(root, "s").trials())[:2]
    applied = apply_ensemble(root, "s", 2)
    assert [one.number for one in applied] == [trial.number for trial in best]
    params = params_file.load(root / "params.yaml")
    assert list(params.train.ensemble) == [trial.config for trial in best]
    trained = train_model(params, cached(params, root, data_cache(root)))
    for place, trial in enumerate(best):
        head = f"members.{place}."
        mine = {name.removeprefix(head): value for name, value in trained.weights.items() if name.startswith(head)}
        assert hash_weights(mine) == trial.weights_sha256

    with pytest.raises(ParamsError, match=r"a trial of a sweep is one network; remove it"):
        sweep(root, params, name="other")
    with pytest.raises(InputError, match="has 4 trials that can be members of an ensemble, not 9; write --ensemble 4"):
        apply_ensemble(root, "s", 9)
    # One trial again.
    assert apply_trial(root, "s").notes == ()
    assert params_file.load(root / "params.yaml").train.ensemble == ()


def test_members_must_share_their_data(tmp_path: Path) -> None:
    space = {"data.scaling": {"choice": ["standard", "minmax"]}}
    params = sweep_params(LONE | {"sweep.sampler.name": "grid"}, space)
    root = project(tmp_path, params)
    sweep(root, params)
    before = (root / "params.yaml").read_bytes()
    with pytest.raises(InputError, match=r"learned from differently prepared data \(data.scaling\)"):
        apply_ensemble(root, "s", 2)
    assert (root / "params.yaml").read_bytes() == before
