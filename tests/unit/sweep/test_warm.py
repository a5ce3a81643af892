"""Warm starts: configs that are tried first, and what earlier studies have to say."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops.errors import InputError
from nnops.params import Params
from nnops.sweep.budget import Limits
from nnops.sweep.names import studies
from nnops.sweep.plan import make_plan
from nnops.sweep.ready import get_ready
from nnops.sweep.samplers import SAMPLERS
from nnops.sweep.study import Study
from nnops.sweep.warm import frozen, read_config, warm_up

SPACE: dict[str, Any] = {
    LR: {"float": [1e-4, 1e-1], "log": True},
    "model.options.norm": {"choice": ["batch", "none"]},
    DROPOUT: {"float": [0.0, 0.5], "when": {"model.options.norm": "batch"}},
}


def table(root: Path, name: str = "s") -> list[Any]:
    return [(t.number, t.state, t.config, t.reports) for t in Study.open(root, name).trials()]


def notes(events: list[Any]) -> list[str]:
    return [event.text for event in events if event.kind == "note"]


def test_given_configs_and_the_current_params_are_the_first_trials(tmp_path: Path) -> None:
    configs = [{LR: 0.02}, {LR: 0.03, "model.options.norm": "batch", DROPOUT: 0.25}, {LR: 0.02}]
    params = short({LR: 0.005, "sweep.warm_start": {"current": True, "configs": configs}}, SPACE)
    _, events = sweep(project(tmp_path, params), params)
    trials = Study.open(tmp_path, "s").trials()
    norm = "model.options.norm"
    # What is not given has its value in params, defaults of the network included; what comes twice is tried once.
    assert [trial.config for trial in trials[:3]] == [
        {LR: 0.005, norm: "none"},
        {LR: 0.02, norm: "none"},
        {LR: 0.03, norm: "batch", DROPOUT: 0.25},
    ]
    assert len(trials) == 6
    assert notes(events) == ["warm start: 3 configs are tried first."]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a study of 12 short trials, which tests add others to."""
    params = short({"sweep.budget.trials": 12})
    root = project(tmp_path_factory.mktemp("earlier"), params)
    sweep(root, params, name="first")
    return root


def short(config: dict[str, Any], space: dict[str, Any] | None = None) -> Params:
    return sweep_params({"train.epochs": 2, "sweep.pruner.name": "none"} | config, space)


@pytest.mark.parametrize("order", ["async", "fixed"])
def test_a_warm_start_is_the_same_after_a_stop_whatever_became_of_the_earlier_study(
    tmp_path: Path, earlier: Path, order: str
) -> None:
    sampler = {"name": "tpe", "options": {"startup_trials": 3}}
    cold = {"sweep.sampler": sampler, "sweep.order": order, "sweep.lag": 2, "sweep.budget.trials": 5}
    start = {"studies": ["first"], "configs": [{LR: 0.02, DROPOUT: 0.1}]}
    params = short(cold | {"sweep.warm_start": start})
    root = tmp_path / "root"
    shutil.copytree(earlier, root)
    _, events = sweep(root, params, name="whole")
    assert notes(events) == ["warm start: 1 config is tried first; of 'first' 12 trials are told to the sampler."]
    sweep(root, params, name="broken", budget=Limits(trials=2))
    Study.open(root, "first").delete()
    sweep(root, params, name="broken", resume=True, budget=Limits(trials=5))
    assert table(root, "broken") == table(root, "whole")
    assert table(root, "whole")[0][2] == {LR: 0.02, DROPOUT: 0.1}
    # What was told is no trial of this study, and the sampler has heard it.
    assert len(table(root, "whole")) == 5
    sweep(root, short(cold), name="cold")
    assert table(root, "cold")[2][2] != table(root, "whole")[2][2]


@pytest.mark.parametrize("sampler", ["random", "tpe", "mobster", "bohb"])
def test_what_an_earlier_study_drew_is_not_drawn_again(earlier: Path, sampler: str) -> None:
    config: dict[str, Any] = {"sweep.sampler.name": sampler, "sweep.budget.trials": 3}
    sweep(earlier, short(config), name=f"{sampler}-a")
    sweep(earlier, short(config | {"sweep.warm_start.studies": [f"{sampler}-a"]}), name=f"{sampler}-b")
    sweep(earlier, short(config | {"sweep.warm_start.studies": [f"{sampler}-b"]}), name=f"{sampler}-c")
    drawn = [[str(row[2]) for row in table(earlier, f"{sampler}-{each}")] for each in "abc"]
    # A sampler that learns from nobody else tries the best one first, which was tried before.
    given = 0 if SAMPLERS.build(sampler, {}, where="sweep.sampler").learns else 1
    new = [*drawn[0], *drawn[1][given:], *drawn[2][given:]]
    assert len(set(new)) == len(new)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_every_sampler_takes_a_warm_start(earlier: Path, sampler: str) -> None:
    config: dict[str, Any] = {"sweep.sampler.name": sampler, "sweep.budget.trials": 4}
    if sampler == "pbt":
        config["sweep.sampler.options"] = {"population": 2, "generations": 2}
    params = short(config | {"sweep.warm_start": {"studies": ["first"], "configs": [{LR: 0.02, DROPOUT: 0.1}]}})
    summary, _ = sweep(earlier, params, name=sampler)
    trials = Study.open(earlier, sampler).trials()
    assert summary.state == "complete"
    assert len(trials) == 4
    assert trials[0].config.items() >= {LR: 0.02, DROPOUT: 0.1}.items()


def test_a_grid_is_tried_whole_after_what_was_given(tmp_path: Path) -> None:
    start = {"configs": [{LR: 0.003}]}
    params = short({"sweep.sampler.name": "grid", "sweep.warm_start": start}, {LR: {"float": [0.001, 0.1]}})
    summary, _ = sweep(project(tmp_path, params), params)
    assert summary.why == "grid"
    rates = [trial.config[LR] for trial in Study.open(tmp_path, "s").trials()]
    assert rates[0] == 0.003
    assert sorted(rates[1:]) == [0.001, 0.0505, 0.1]


def heard(root: Path, config: dict[str, Any], space: dict[str, Any] | None = None) -> tuple[list[Any], int, str]:
    """What a study that starts from study 'first' begins with."""
    params = short(config | {"sweep.warm_start": {"studies": ["first"]}}, space)
    warm = warm_up(get_ready(params, root))
    (note,) = warm.note()
    return warm.queue, len(warm.evidence), note


def test_only_what_would_be_trained_the_same_is_told(earlier: Path) -> None:
    learns = {"sweep.sampler.name": "tpe"}
    study = Study.open(earlier, "first")
    best = study.best()
    assert best is not None
    assert heard(earlier, learns) == ([], 12, "warm start: of 'first' 12 trials are told to the sampler.")
    # Another way to write the same, and another budget, make no difference.
    assert heard(earlier, learns | {"model.options.activation": "relu", "sweep.budget.trials": 99})[1] == 12

    narrow = {LR: {"float": [1e-3, 1e-1], "log": True}, DROPOUT: {"float": [0.0, 0.5]}}
    inside = sum(trial.config[LR] >= 1e-3 for trial in study.trials())
    queue, told, note = heard(earlier, learns, narrow)
    assert (queue, told) == ([], inside)
    assert note.endswith(f"told to the sampler, {12 - inside} others do not fit its space or params.")

    # A key that is tuned now had one value then.
    wider = narrow | {LR: {"float": [1e-5, 1.0], "log": True}, "train.batch_size": {"choice": [16, 32]}}
    assert heard(earlier, learns, wider)[1] == 12
    assert heard(earlier, learns, wider | {"train.batch_size": {"choice": [8, 16]}})[1] == 0

    for differs in ({"train.epochs": 7}, {"seed": 4}, {"train.batch_size": 16}):
        queue, told, note = heard(earlier, learns | differs)
        assert (queue, told) == ([best.config], 0)
        assert note.endswith(f"the best config (trial {best.number}) is tried first, since its data or params differ.")
    queue, told, note = heard(earlier, {"sweep.sampler.name": "random"})
    assert (queue, told) == ([best.config], 0)
    assert "since the sampler does not learn from trials of others" in note
    other = {"sweep.objective": {"metric": "val_accuracy", "direction": "maximize"}}
    assert heard(earlier, learns | other) == (
        [], 0, "warm start: of 'first' nothing fits, since it has another objective.",
    )  # fmt: skip
    assert "another constraints" in heard(earlier, learns | {"sweep.constraints": ["parameters <= 9000"]})[2]
    away = {LR: {"float": [0.5, 0.9]}}
    assert heard(earlier, learns, away)[2].endswith("nothing fits, since its best config lies outside of the space.")


def test_the_sampler_sees_told_trials_as_they_were(tmp_path: Path) -> None:
    bound = {"sweep.constraints": ["parameters <= 60"], "sweep.budget.trials": 5, "train.epochs": 2}
    space = {LR: {"float": [1e-3, 1e-1]}, "model.options.hidden": {"choice": [[4], [16]]}}
    first = sweep_params(bound, space)
    sweep(project(tmp_path, first), first, name="first")
    params = sweep_params(bound | {"sweep.sampler.name": "nsga2", "sweep.warm_start": {"studies": ["first"]}}, space)
    sweep(tmp_path, params, budget=Limits(trials=1))
    study = Study.open(tmp_path, "s")
    then = Study.open(tmp_path, "first").optuna.get_trials(deepcopy=False)
    told = frozen(study, get_ready(params, tmp_path).sampler)
    assert [trial.number for trial in told] == list(range(-5, 0))
    for old, new in zip(then, told, strict=True):
        assert (old.state, old.params, old.values) == (new.state, new.params, new.values)
        assert (old.intermediate_values, old.constraints) == (new.intermediate_values, new.constraints)
        assert old.user_attrs["result"]["state"] == new.user_attrs["result"]["state"]
    assert {trial.user_attrs["result"]["state"] for trial in told} >= {"complete", "infeasible"}


def refused(root: Path, params: Params, match: str) -> None:
    for call in (lambda: make_plan(params, root), lambda: sweep(root, params)):
        with pytest.raises(InputError, match=match) as error:
            call()
        assert "\n" not in str(error.value)
    assert not (studies(root) / "s" / "study.json").exists()


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (
            {"configs": [{"train.optimizer.options.rl": 0.1}]},
            r"configs\.0: '.*rl' is not tuned; did you mean '.*\.lr'\?",
        ),
        (
            {"configs": [{LR: 0.01}, {LR: 5.0}]},
            r"configs\.1: .*lr: 5\.0 is given, but sweep\.space tries 0\.0001 to 0\.1",
        ),
        (
            {"configs": [{LR: 0.01, DROPOUT: 0.2}]},
            r"configs\.0: .*dropout counts only when \{model\.options\.norm: \['batch'",
        ),
        ({"current": True}, r"current: .*lr: 0\.5 is what params\.yaml has, but sweep\.space tries"),
        ({"studies": ["frist"]}, "no study 'frist' in"),
    ],
)
def test_what_no_search_can_begin_with(tmp_path: Path, start: dict[str, Any], match: str) -> None:
    params = sweep_params({LR: 0.5, "sweep.warm_start": start}, SPACE)
    refused(project(tmp_path, params), params, match)


def test_steps_are_kept_to(tmp_path: Path) -> None:
    space = {"train.batch_size": {"int": [8, 32], "step": 8}, LR: {"float": [0.1, 0.2]}}
    params = sweep_params({"sweep.warm_start.configs": [{"train.batch_size": 12, LR: 0.1}]}, space)
    refused(project(tmp_path, params), params, "12 is given, but sweep.space tries 8 to 32 in steps of 8")


def test_configs_of_a_command_line(tmp_path: Path) -> None:
    assert read_config("{train.epochs: 3}") == [{"train.epochs": 3}]
    assert read_config('[{"a.b": 1e-3}, {"a.b": [1, 2]}]') == [{"a.b": 0.001}, {"a.b": [1, 2]}]
    (tmp_path / "c.yaml").write_text("- a.b: 1\n  c: x\n- a.b: 2\n")
    assert read_config(str(tmp_path / "c.yaml")) == [{"a.b": 1, "c": "x"}, {"a.b": 2}]
    (tmp_path / "c.json").write_text(json.dumps({"a.b": 1}))
    assert read_config(str(tmp_path / "c.json")) == [{"a.b": 1}]
    for wrong in ("{}", "[{a: 1}, 3]", str(tmp_path / "none.yaml"), str(tmp_path)):
        with pytest.raises(InputError, match=r"^--config: "):
            read_config(wrong)
