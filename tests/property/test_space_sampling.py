"""Any space: what samplers propose lies in it, survives Optuna's storage and params, and is the same again."""

import json
from typing import Any

import optuna
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from nnops.sweep.importance import divergence, position
from nnops.sweep.samplers.base import propose
from nnops.sweep.samplers.bohb import Bohb
from nnops.sweep.samplers.grid import Grid
from nnops.sweep.samplers.mobster import Mobster
from nnops.sweep.samplers.random import Random
from nnops.sweep.samplers.tpe import Tpe
from nnops.sweep.space import Space

optuna.logging.set_verbosity(optuna.logging.ERROR)

scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-1e3, 1e3), st.text(max_size=4))
choices = st.lists(
    st.one_of(scalars, st.lists(st.integers(1, 64), max_size=3)),
    min_size=1,
    max_size=4,
    unique_by=lambda v: json.dumps(v),
).filter(lambda values: len({json.dumps(float(v) if type(v) is int else v) for v in values}) == len(values))


@st.composite
def ranges(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        low, high = sorted((draw(st.floats(1e-6, 1e3)), draw(st.floats(1e-6, 1e3))))
        return {"float": [low, high], "log": draw(st.booleans())}
    low = draw(st.integers(1, 50))
    step = draw(st.sampled_from([None, 1, 3]))
    high = low + (step or 1) * draw(st.integers(0, 9))
    return {"int": [low, high], **({"step": step} if step else {"log": draw(st.booleans())})}


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    record: dict[str, Any] = {}
    for place in range(draw(st.integers(1, 5))):
        entry = {"choice": draw(choices)} if draw(st.booleans()) else draw(ranges())
        parents = [key for key, other in record.items() if "choice" in other]
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            entry["when"] = {parent: [draw(st.sampled_from(record[parent]["choice"]))]}
        record[draw(st.sampled_from("zyxabc")) + str(place)] = entry
    return Space.parse(record)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    space=spaces(),
    seed=st.integers(0, 2**40),
    sampler=st.sampled_from(
        [Random(), Tpe(startup_trials=2), Grid(points=2), Bohb(results=2, random=0.0), Mobster(results=2, random=0.0)]
    ),
)
def test_proposals_lie_in_the_space_and_come_again(space: Space, seed: int, sampler: Any) -> None:
    tables = []
    for _ in range(2):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
        configs = []
        for number in range(min(6, sampler.limit(space) or 6)):
            config, values, distributions = propose(sampler, study, space, seed, number)
            assert space.contains(config)
            assert json.loads(json.dumps(config)) == config
            assert all(space.by_key[key].decode(value) == config[key] for key, value in values.items())
            study.add_trial(
                create_trial(state=TrialState.COMPLETE, value=float(number), params=values, distributions=distributions)
            )
            configs.append(config)
        tables.append(configs)
    assert tables[0] == tables[1]


@settings(max_examples=40, deadline=None)
@given(space=spaces())
def test_records_and_hashes_are_stable(space: Space) -> None:
    again = Space.parse(json.loads(json.dumps(space.record())))
    assert again.hash == space.hash
    assert again.dimensions == space.dimensions


@settings(max_examples=40, deadline=None)
@given(space=spaces())
def test_a_grid_has_every_combination_once(space: Space) -> None:
    configs = list(space.grid(2))
    assert len({json.dumps(config, sort_keys=True) for config in configs}) == len(configs)
    assert all(space.contains(config) for config in configs)
    assert Grid(points=2).limit(space) == len(configs)


@settings(max_examples=30, deadline=None)
@given(space=spaces(), seed=st.integers(0, 2**30))
def test_importance_is_finite_and_zero_where_all_are_alike(space: Space, seed: int) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    drawn = [propose(Random(), study, space, seed, number)[0] for number in range(12)]
    for key, dimension in space.by_key.items():
        positions = [position(dimension, config[key]) for config in drawn if key in config]
        assert all(0 <= each <= 1 + 1e-9 for each in positions)
        if len(positions) >= 6:
            assert 0 <= divergence(positions[:5], positions, dimension) < 1e6
            assert divergence(positions, positions, dimension) == 0
