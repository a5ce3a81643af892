import collections
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from nnops.errors import ParamsError
from nnops.sweep.lineage import in_force
from nnops.sweep.samplers import SAMPLERS
from nnops.sweep.samplers.base import propose
from nnops.sweep.samplers.grid import Grid
from nnops.sweep.samplers.random import Random
from nnops.sweep.samplers.tpe import Tpe
from nnops.sweep.space import Config, Space

SPACE = Space.parse(
    {
        "kind": {"choice": ["a", "b"]},
        "rate": {"float": [1e-5, 1e-1], "log": True},
        "width": {"int": [8, 64], "step": 8, "when": {"kind": "a"}},
        "shape": {"choice": [[1], [2, 3]], "when": {"kind": "b"}},
        "fixed": {"choice": [None]},
    }
)


def value_of(config: Config) -> float:
    return (config["rate"] - 0.01) ** 2 + (config["kind"] == "b")


def search(sampler: Any, trials: int, seed: int = 4, space: Space = SPACE) -> list[Config]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    configs: list[Config] = []
    for number in range(trials):
        config, values, distributions = propose(sampler, study, space, seed, number)
        state = TrialState.PRUNED if number % 3 == 1 else TrialState.COMPLETE
        study.add_trial(
            create_trial(
                state=state,
                value=value_of(config) if space is SPACE else 0.0,
                params=values,
                distributions=distributions,
                intermediate_values={1: 0.5},
            )
        )
        configs.append(config)
    return configs


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_every_sampler_stays_inside_the_space_and_repeats(name: str) -> None:
    for sampler in SAMPLERS.load(name).examples():
        count = min(sampler.limit(SPACE) or 25, 25)
        configs = search(sampler, count)
        assert all(SPACE.contains(in_force(config)) for config in configs)
        assert configs == search(sampler, count)


@pytest.mark.parametrize("sampler", [Random(), Tpe(), Tpe(multivariate=True)])
def test_another_seed_draws_other_configs_and_a_later_number_too(sampler: Any) -> None:
    one = search(sampler, 5)
    assert one != search(sampler, 5, seed=5)
    assert len({config["rate"] for config in one}) == 5


def test_tpe_finds_better_configs_than_random_search() -> None:
    def best(sampler: Any) -> float:
        return sum(min(value_of(config) for config in search(sampler, 40, seed)) for seed in range(5))

    late = [config for seed in range(3) for config in search(Tpe(), 60, seed)[30:]]
    assert collections.Counter(config["kind"] for config in late)["a"] > 0.8 * len(late)
    assert best(Tpe()) <= best(Random())


def test_proposing_writes_nothing() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    propose(Tpe(multivariate=True, constant_liar=True), study, SPACE, 1, 0)
    assert study.trials == []


def test_grid_tries_every_combination_once_and_ends() -> None:
    grid = Grid(points=4)
    limit = grid.limit(SPACE)
    assert limit == 4 * (8 + 2)
    configs = search(grid, limit)
    assert len({repr(config) for config in configs}) == limit
    # In an order that spreads: the first quarter has seen both kinds and several rates.
    assert len({config["rate"] for config in configs[:10]}) > 2


def test_a_grid_that_is_too_large_is_refused() -> None:
    space = Space.parse({f"k{n}": {"float": [0.0, 1.0]} for n in range(12)})
    with pytest.raises(ParamsError, match="more than 100,000 combinations"):
        Grid(points=4).limit(space)
