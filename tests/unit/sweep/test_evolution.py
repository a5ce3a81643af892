"""Samplers that look at generations or at more than one objective."""

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from nnops.errors import ParamsError
from nnops.sweep.lineage import in_force
from nnops.sweep.samplers import SAMPLERS
from nnops.sweep.samplers.base import propose
from nnops.sweep.samplers.cmaes import Cmaes
from nnops.sweep.samplers.gp import Gp
from nnops.sweep.samplers.nsga2 import Nsga2
from nnops.sweep.samplers.nsga3 import Nsga3
from nnops.sweep.samplers.qmc import Qmc
from nnops.sweep.samplers.random import Random
from nnops.sweep.space import Space

PLANE = Space.parse({"x": {"float": [0.0, 1.0]}, "y": {"float": [0.0, 1.0]}})


def study_of(directions: int) -> optuna.Study:
    return optuna.create_study(directions=["minimize"] * directions, sampler=optuna.samplers.RandomSampler())


def add(study: optuna.Study, sampler: Any, values_of: Any, seed: int = 4, space: Space = PLANE) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    config, values, distributions = propose(sampler, study, space, seed, len(study.trials), notes)
    told = values_of(config)
    state = TrialState.COMPLETE if isinstance(told, tuple) else TrialState.PRUNED
    study.add_trial(
        create_trial(
            state=state,
            values=told if state == TrialState.COMPLETE else None,
            params=values,
            distributions=distributions,
            system_attrs=notes,
            intermediate_values={1: 0.5} if state == TrialState.COMPLETE else told,
        )
    )
    return config


def bowl(config: dict[str, Any]) -> tuple[float]:
    return ((config["x"] - 0.83) ** 2 + (config["y"] - 0.21) ** 2,)


def best_of(sampler: Any, trials: int, seeds: int = 4) -> float:
    found = 0.0
    for seed in range(seeds):
        study = study_of(1)
        found += min(bowl(add(study, sampler, bowl, seed))[0] for _ in range(trials))
    return found / seeds


@pytest.mark.parametrize("sampler", [Cmaes(), Gp(startup_trials=6)])
def test_it_finds_the_bottom_of_a_bowl_better_than_chance(sampler: Any) -> None:
    trials = 18 if isinstance(sampler, Gp) else 60
    assert best_of(sampler, trials, 2) < 0.3 * best_of(Random(), trials, 2)


def test_cmaes_learns_from_trials_that_were_stopped_early() -> None:
    def stopped(config: dict[str, Any]) -> Any:
        value = bowl(config)[0]
        return (value,) if value < 0.02 else {3 if value < 0.2 else 1: value}

    study = study_of(1)
    late = [add(study, Cmaes(), stopped) for _ in range(70)][50:]
    # Chance is at .3.
    assert sum(bowl(config)[0] for config in late) / 20 < 0.05


@pytest.mark.parametrize("sampler", [Nsga2(population=8), Nsga3(population=8)])
def test_a_genetic_search_comes_nearer_to_the_front_than_chance(sampler: Any) -> None:
    space = Space.parse({f"x{n}": {"float": [0.0, 1.0]} for n in range(6)})

    def values_of(config: dict[str, Any]) -> tuple[float, float]:
        far = sum(abs(config[f"x{n}"] - 0.5) for n in range(1, 6))
        return config["x0"] + far, 1 - config["x0"] + far

    def late(sampler: Any) -> float:
        study = study_of(2)
        return sum(sum(values_of(add(study, sampler, values_of, space=space))) for _ in range(100)) / 100

    assert late(sampler) < 0.8 * late(Random())


@pytest.mark.parametrize("sampler", [Nsga2(population=4), Nsga3(population=4), Cmaes(population=4)])
def test_what_a_generation_was_is_in_the_trials_alone(sampler: Any) -> None:
    def values_of(config: dict[str, Any]) -> tuple[float, ...]:
        return bowl(config) if isinstance(sampler, Cmaes) else (config["x"], 1 - config["x"] * config["y"])

    whole = study_of(1 if isinstance(sampler, Cmaes) else 2)
    configs = [add(whole, sampler, values_of) for _ in range(30)]
    assert whole._storage.get_study_system_attrs(whole._study_id) == {}
    # A study that was killed after any trial goes on as if it had not been.
    for cut in (3, 4, 5, 17):
        again = study_of(len(whole.directions))
        for trial in whole.trials[:cut]:
            again.add_trial(trial)
        assert [add(again, sampler, values_of) for _ in range(3)] == configs[cut : cut + 3]
    generations = [trial.system_attrs[next(k for k in trial.system_attrs if "gen" in k)] for trial in whole.trials]
    assert generations == sorted(generations)
    assert generations[-1] == 7


def test_quasi_random_points_fill_the_space_more_evenly() -> None:
    def cells(sampler: Any) -> int:
        study = study_of(1)
        configs = [add(study, sampler, bowl) for _ in range(64)]
        return len({(int(config["x"] * 8), int(config["y"] * 8)) for config in configs})

    assert cells(Qmc(scramble=False)) == 64
    assert cells(Qmc()) == 64
    assert cells(Random()) < 50


def test_quasi_random_points_reach_choices_and_conditional_keys() -> None:
    space = Space.parse(
        {
            "kind": {"choice": ["a", "b", "c", "d"]},
            "width": {"int": [1, 4], "when": {"kind": ["a", "b"]}},
        }
    )
    study = study_of(1)
    configs = [add(study, Qmc(), lambda config: (0.0,), space=space) for _ in range(64)]
    kinds = [config["kind"] for config in configs]
    assert [kinds.count(kind) for kind in "abcd"] == [16] * 4
    assert sorted(config["width"] for config in configs if "width" in config) == sorted([1, 2, 3, 4] * 8)


def test_what_cmaes_cannot_search_is_refused() -> None:
    only = Space.parse({"kind": {"choice": ["a", "b"]}, "width": {"int": [1, 4], "when": {"kind": "a"}}})
    with pytest.raises(ParamsError, match="needs a float or an int that every trial has"):
        Cmaes().check(only, 1)
    with pytest.raises(ParamsError, match=r"optimises one objective, got 2; write sampler: {name: nsga2}"):
        Cmaes().check(PLANE, 2)


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_every_sampler_takes_the_plane_and_one_objective(name: str) -> None:
    for sampler in SAMPLERS.load(name).examples():
        sampler.check(PLANE, 1)


NESTED = Space.parse(
    {
        "family": {"choice": ["a", "b", [1, 2]]},
        "depth": {"int": [1, 3], "when": {"family": ["a", "b"]}},
        "width": {"int": [8, 64], "log": True, "when": {"depth": [2, 3]}},
        "drop": {"float": [0.0, 0.5], "step": 0.1, "when": {"family": "b", "width": [8, 64]}},
        "lr": {"float": [1e-4, 1e-1], "log": True},
        "flag": {"choice": [True, 1, None]},
    }
)


@pytest.mark.parametrize("name", [name for name in SAMPLERS.names() if name != "grid"])
def test_every_sampler_stays_inside_a_nested_space(name: str) -> None:
    sampler = SAMPLERS.load(name).examples()[-1]
    study = study_of(1)
    for _ in range(14 if name == "gp" else 40):
        config = add(study, sampler, lambda config: (config["lr"] + config.get("depth", 0),), space=NESTED)
        assert NESTED.contains(in_force(config))
