"""Plans: what is wrong before anything starts, what is kept of a plan, and the plan beside what was taken."""

import io
import json
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

import numpy as np
import pytest
from rich.console import Console
from small import small
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops.batch import Spec
from nnops.errors import InputError, NnopsError
from nnops.models import MODELS
from nnops.models.base import Model
from nnops.params import Params, overlay, parse
from nnops.sweep.actual import compare, measure_actual, plan_of
from nnops.sweep.beginning import choose, left_of
from nnops.sweep.budget import Limits
from nnops.sweep.effect import without_effect
from nnops.sweep.footprint import COPIES, check_fit, footprint, footprints
from nnops.sweep.names import studies
from nnops.sweep.plan import make_plan
from nnops.sweep.probe import Probe, probe
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.show import show_study
from nnops.sweep.study import Study


def text_of(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("space", "config", "reason"),
    [
        ({"train.batch_size": {"choice": [32]}}, {}, "it has one value; write train.batch_size: 32 in its own place"),
        ({LR: {"float": [0.1, 0.1]}}, {}, "it has one value"),
        ({"train.batch_size": {"int": [500, 900]}}, {}, "takes all 106 train rows at once"),
        ({"train.early_stopping.patience": {"int": [6, 9]}}, {}, "a training of 6 epochs ends before such a patience"),
        ({"data.target_scaling": {"choice": ["standard", "none"]}}, {}, "and the task is multiclass"),
        ({"data.cleaning.outlier_factor": {"float": [1.0, 3.0]}}, {}, "data.cleaning.outliers is none"),
        (
            {
                "model.options.norm": {"choice": [True, False]},
                "train.batch_size": {"choice": [16, 32], "when": {"model.options.norm": True}},
                DROPOUT: {"float": [0.0, 0.5], "when": {"model.options.norm": False, "train.batch_size": 16}},
            },
            {},
            "no config meets all of its conditions",
        ),
    ],
)
def test_keys_without_effect_are_said(
    tmp_path: Path, space: dict[str, Any], config: dict[str, Any], reason: str
) -> None:
    params = sweep_params(config, space)
    (said,) = without_effect(get_ready(params, project(tmp_path, params)))
    assert said.startswith(f"sweep.space.{list(space)[-1]} has no effect: ")
    assert reason in said


def test_keys_with_an_effect_are_not(tmp_path: Path) -> None:
    space = {
        "data.cleaning.outliers": {"choice": ["none", "iqr"]},
        "data.cleaning.outlier_factor": {"float": [1.0, 3.0], "when": {"data.cleaning.outliers": "iqr"}},
        "train.early_stopping.patience": {"int": [2, 9]},
        "train.batch_size": {"int": [64, 900]},
    }
    assert without_effect(get_ready(sweep_params(space=space), project(tmp_path))) == []


def test_a_key_of_a_component_that_nothing_uses_is_refused(tmp_path: Path) -> None:
    space = {"model.options.channels": {"choice": [[4], [8]]}}
    with pytest.raises(InputError, match=r"sweep\.space\.model\.options\.channels: params\.yaml has no such key"):
        make_plan(sweep_params(space=space), project(tmp_path))


def test_what_a_training_needs_is_known_before_it_is_built(tmp_path: Path) -> None:
    params = sweep_params()
    ready = get_ready(params, project(tmp_path))
    seen = footprint(ready, params, {})
    weights = 4 * (4 * 8 + 8 + 8 * 3 + 3)
    # Rows of a batch, the hidden layer before and after its activation, dropout, and the classes.
    assert seen.weights_bytes == weights
    assert seen.training_bytes >= COPIES * weights + 2 * 4 * 32 * (8 + 8 + 3)
    wide = footprint(ready, overlay(params, {"model.options.hidden": [800]}), {})
    assert wide.weights_bytes == 100 * 4 * (4 * 8 + 8 + 8 * 3) + 4 * 3


def fits_digits(example: Model) -> bool:
    try:
        example.build(Spec("multiclass", ("image",), ((1, 8, 8),), (), 10))
    except InputError:
        return False
    return True


IMAGED = {name: [one for one in MODELS.load(name).examples() if fits_digits(one)] for name in MODELS.names()}


@pytest.mark.parametrize(("name", "kind"), [("decoder", "language"), ("rnn", "language"), ("seq2seq", "sequence")])
def test_logits_of_all_tokens_count(tmp_path: Path, name: str, kind: Literal["language", "sequence"]) -> None:
    data = small(tmp_path, kind)
    params = parse({"model": {"name": name}, "train": {"batch_size": 10}})
    seen = footprint(cast(Ready, SimpleNamespace(data=data)), params, {})
    assert seen.training_bytes >= COPIES * seen.weights_bytes + 2 * 10 * 4 * np.prod(data.spec.answer)


@pytest.mark.parametrize("name", [name for name, examples in IMAGED.items() if examples])
def test_every_network_of_small_images_has_a_footprint(tmp_path: Path, name: str) -> None:
    images = {"data.source.options": {"set": "digits"}, "model.name": name}
    for place, example in enumerate(IMAGED[name]):
        params = sweep_params({**images, "model.options": example.model_dump(mode="json")}, {LR: {"float": [0.1, 0.2]}})
        ready = get_ready(params, project(tmp_path / str(place), params))
        assert footprint(ready, params, {}).training_bytes > 0


def test_networks_that_do_not_fit(tmp_path: Path) -> None:
    space = {"model.options.hidden": {"choice": [[8], [12000, 40000]]}}
    ready = get_ready(sweep_params({"sweep.limit.memory_mib": 800}, space), project(tmp_path))
    (said,) = check_fit(ready, footprints(ready))
    assert said.startswith(
        "sweep.space may try model.options.hidden: [12000, 40000], which needs about 9.6 GB of memory"
    )
    assert said.endswith("but sweep.limit.memory_mib lets a trial take 800 MiB; such trials are infeasible.")
    # What does not fit is not tried to know what an epoch takes.
    assert probe(ready, footprints(ready)).epoch_s < 1

    huge = {"model.options.hidden": {"choice": [[8], [10**6, 10**6]]}}
    with pytest.raises(
        InputError, match=r"\[1000000, 1000000\], which needs about 20\.0 TB .* this machine has .* free"
    ):
        make_plan(sweep_params(space=huge), tmp_path)
    none = {"model.options.hidden": {"choice": [[10**6], [10**6, 10]]}}
    with pytest.raises(InputError, match=r"sweep\.space: the smallest network needs about .* lets a trial take 1 MiB"):
        sweep(tmp_path, sweep_params({"sweep.limit.memory_mib": 1}, none))
    assert not (studies(tmp_path) / "s").exists()


def test_a_disk_with_less_room_than_the_plan_needs(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget.trials": 10**12})
    refusal = r"^the plan needs .*TB of disk in .*, which has .* left; free some, or write a smaller sweep\.budget\.$"
    with pytest.raises(InputError, match=refusal):
        make_plan(params, project(tmp_path, params))
    with pytest.raises(InputError, match=refusal):
        sweep(tmp_path, params)
    assert not (studies(tmp_path) / "s" / "study.json").exists()


def test_checkpoints_on_a_disk_of_their_own_with_too_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system on this machine")
    with tempfile.TemporaryDirectory(dir=memory) as shared:
        params = sweep_params({"sweep.shared": shared}, {"model.options.hidden": {"choice": [[8], [1000, 500]]}})
        make_plan(params, project(tmp_path, params))
        usage = shutil.disk_usage
        free = {shared: 10**6, str(tmp_path): 10**12}
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path)._replace(free=free[str(path)]))
        with pytest.raises(InputError, match=rf"^the plan needs \d\d\.\d MB of disk in {shared}, which has 1\.0 MB"):
            make_plan(params, tmp_path)


def test_a_fidelity_smaller_than_the_first_rung(tmp_path: Path) -> None:
    def params(first: int) -> Params:
        space = {"train.epochs": {"int": [3, 9]}, LR: {"float": [0.1, 0.2]}}
        return sweep_params({"sweep.pruner.options.min_epochs": first}, space)

    # Rungs are counted in epochs of the longest training.
    project(tmp_path, params(9))
    make_plan(params(9), tmp_path)
    with pytest.raises(InputError, match=r"min_epochs must be in \[1, train\.epochs=9\], got 10"):
        make_plan(params(10), tmp_path)


def test_the_budget_that_ends_a_search_is_foreseen(tmp_path: Path) -> None:
    project(tmp_path)

    def plan(**budget: Any) -> Any:
        return make_plan(sweep_params({"sweep.pruner.name": "none", "sweep.budget": budget}), tmp_path)

    assert (plan(trials=5).ends_by, plan(trials=5).trials_expected) == ("trials", 5)
    epochs = plan(trials=500, epochs=63)
    assert (epochs.ends_by, epochs.trials_expected, epochs.epochs_expected) == ("epochs", 11, 63)
    time = plan(trials=10**6, time="30s", patience=3)
    assert (time.ends_by, time.seconds) == ("time", 30.0)
    assert 1 < time.trials_expected < 10**6
    assert "or sooner where 3 trials in a row" in text_of(time.table())


def test_the_plan_is_kept_and_stands_beside_what_was_taken(tmp_path: Path) -> None:
    params = sweep_params({"sweep.pruner.name": "none"})
    summary, _ = sweep(project(tmp_path, params), params)
    study = Study.open(tmp_path, "s")
    plan, actual = plan_of(study), measure_actual(study, study.records())
    assert plan == summary.plan
    assert plan is not None
    assert summary.actual is not None
    assert plan.trials_expected == actual.trials == summary.actual.trials == 6
    assert plan.epochs_expected == actual.epochs == 36
    assert actual.memory_bytes is not None
    assert 50e6 < actual.memory_bytes < 5e9
    rows = text_of(compare(plan, actual)).splitlines()
    assert [row.split()[-2:] for row in rows[1:3]] == [["6", "6"], ["36", "36"]]
    shown = json.loads(json.dumps(show_study(params, tmp_path, "s").to_json(), allow_nan=False))
    assert shown["plan"]["trials_expected"] == shown["actual"]["trials"] == 6
    assert "actual" in text_of(show_study(params, tmp_path, "s").table())

    # A study that grows is planned anew, by what was seen at its beginning.
    sweep(tmp_path, params, resume=True, budget=Limits(trials=8))
    again = plan_of(Study.open(tmp_path, "s"))
    assert again is not None
    assert (again.trials_expected, again.epoch_s) == (8, plan.epoch_s)


def test_a_search_whose_trials_cannot_be_trained_has_no_plan_and_says_so(tmp_path: Path) -> None:
    space = {"train.optimizer.name": {"choice": ["sgd"]}, LR: {"float": [1e30, 2e30]}}
    params = sweep_params({"train.optimizer.options.lr": 0.1}, space)
    project(tmp_path, params)
    with pytest.raises(NnopsError, match="no config that was drawn could be trained"):
        make_plan(params, tmp_path)
    _, events = sweep(tmp_path, params)
    assert any("there is no plan: no config that was drawn" in str(event) for event in events)
    assert plan_of(Study.open(tmp_path, "s")) is None


def test_a_study_that_goes_on_takes_the_engine_that_is_done_sooner_with_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = sweep_params({"sweep.pruner.name": "none", "sweep.budget.trials": 30, "sweep.budget.epochs": 60})
    sweep(project(tmp_path, params), params, trials=5)
    study, ready = Study.open(tmp_path, "s"), get_ready(params, tmp_path)
    assert left_of(study, Limits(trials=30)) == Limits(trials=25, epochs=30)
    assert left_of(study, Limits(trials=6, epochs=31)) == Limits(trials=1, epochs=1)
    monkeypatch.setattr("nnops.sweep.beginning.probe", lambda *ready: Probe(1.0, 1000, 1000, 1000))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    assert choose(ready, [], 4)[0] == "ray"
    assert choose(ready, [], 4, left_of(study, Limits(trials=6)))[0] == "inline"


def test_a_plan_looks_at_what_trials_must_reach(tmp_path: Path) -> None:
    project(tmp_path)
    with pytest.raises(InputError, match=r"sweep\.shared must be the full path of a folder"):
        make_plan(sweep_params({"sweep.shared": "near"}), tmp_path)
    with pytest.raises(InputError, match=r"sweep\.storage: 'nonsense' cannot be opened"):
        make_plan(sweep_params({"sweep.storage": "nonsense"}), tmp_path)
