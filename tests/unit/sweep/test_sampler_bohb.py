"""Samplers that learn from the highest fidelity with enough results: bohb, mobster and the evidence they share."""

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from nnops.errors import ParamsError
from nnops.sweep.samplers.base import Sampler, propose
from nnops.sweep.samplers.bohb import Bohb, groups
from nnops.sweep.samplers.cube import Cube
from nnops.sweep.samplers.evidence import gather
from nnops.sweep.samplers.gaussian import Process, _loss
from nnops.sweep.samplers.mobster import Mobster
from nnops.sweep.space import Space

LINE = Space.parse({"x": {"float": [0.0, 1.0]}})
TREE = Space.parse(
    {
        "kind": {"choice": ["a", "b"]},
        "rate": {"float": [1e-5, 1e-1], "log": True},
        "width": {"int": [8, 64], "step": 8, "when": {"kind": "a"}},
        "shape": {"choice": [[1], [2, 3]], "when": {"kind": "b"}},
        "deep": {"float": [0.0, 1.0], "when": {"width": [8, 16]}},
        "fixed": {"choice": [None]},
    }
)
BOTH = [Bohb(random=0.0), Mobster(random=0.0)]


def study_of(direction: str = "minimize") -> optuna.Study:
    return optuna.create_study(direction=direction, sampler=optuna.samplers.RandomSampler())


def add(study: optuna.Study, x: float, reports: dict[int, float], state: str = "PRUNED", **attrs: Any) -> None:
    told = TrialState[state]
    study.add_trial(
        create_trial(
            state=told,
            value=reports[max(reports)] if told == TrialState.COMPLETE else None,
            params={"x": x},
            distributions={"x": LINE.by_key["x"].distribution()},
            intermediate_values=reports,
            user_attrs=attrs,
        )
    )


def proposals(sampler: Sampler, study: optuna.Study, count: int = 40, space: Space = LINE) -> list[Any]:
    """What would be asked at many numbers, beside the same record."""
    return [propose(sampler, study, space, 5, 1000 + number)[0] for number in range(count)]


def ladder(direction: str = "minimize") -> optuna.Study:
    """At epoch 1 a high x looks good, at epoch 3 a low one; 12 trials came to 1, 8 of them to 3, 2 of these to 9."""
    study = study_of(direction)
    sign = 1 if direction == "minimize" else -1
    for place in range(12):
        x = (place + 0.5) / 12
        reports = {1: sign * (1 - x)}
        if place < 8:
            reports |= {2: sign * 1.0, 3: sign * x}
        if place in (3, 6):
            reports |= dict.fromkeys(range(4, 10), sign * 0.5)
        add(study, x, reports)
    return study


def test_evidence_is_of_the_highest_fidelity_with_enough_results() -> None:
    study = ladder()
    assert [gather(study, ("x",), least).epoch for least in (2, 3, 8, 9, 12, 13)] == [9, 3, 3, 1, 1, 0]
    ranked = [params["x"] for params in gather(study, ("x",), 5).ranked]
    assert len(ranked) == 8
    assert ranked == sorted(ranked)
    assert [params["x"] for params in gather(study, ("x",), 12).ranked] == sorted(
        ((place + 0.5) / 12 for place in range(12)), reverse=True
    )
    assert gather(ladder("maximize"), ("x",), 5).ranked == gather(study, ("x",), 5).ranked


def test_a_small_part_of_the_longest_training_is_no_evidence() -> None:
    # The longest one has 9 epochs.
    assert [gather(ladder(), ("x",), 8, share).epoch for share in (0.0, 0.33, 0.34, 1.0)] == [3, 3, 0, 0]
    assert gather(ladder(), ("x",), 2, 1.0).epoch == 9
    assert gather(ladder(), ("x",), 8, 0.34).ranked == ()


def test_complete_trials_count_at_every_fidelity_and_infeasible_ones_are_the_worst() -> None:
    study = study_of()
    add(study, 0.1, {1: 0.9, 2: 0.3}, "COMPLETE")
    add(study, 0.2, {1: 0.8, 2: 0.7, 3: 0.1}, "COMPLETE")
    add(study, 0.3, {1: 0.2})
    add(study, 0.4, {1: 0.01}, result={"state": "infeasible"})
    add(study, 0.5, {1: 0.0}, "FAIL")
    full = gather(study, ("x",), 2)
    assert full.epoch == float("inf")
    assert [params["x"] for params in full.ranked] == [0.2, 0.1, 0.4]
    assert [params["x"] for params in gather(study, ("x",), 3).ranked] == [0.3, 0.2, 0.1, 0.4]


def test_a_trial_that_breaks_a_constraint_ranks_behind_all_that_do_not() -> None:
    study = study_of()
    add(study, 0.1, {1: 0.5}, "COMPLETE")
    study.add_trial(
        create_trial(
            state=TrialState.COMPLETE,
            value=0.1,
            params={"x": 0.2},
            distributions={"x": LINE.by_key["x"].distribution()},
            system_attrs={"constraints:size": 3.0},
        )
    )
    assert [params["x"] for params in gather(study, ("x",), 2).ranked] == [0.1, 0.2]


def test_running_trials_count_where_they_have_been_and_are_pending_beyond() -> None:
    study = ladder()
    add(study, 0.99, {1: 0.0}, "RUNNING")
    assert gather(study, ("x",), 13).ranked[0] == {"x": 0.99}
    beyond = gather(study, ("x",), 8)
    assert beyond.epoch == 3
    assert beyond.pending == ({"x": 0.99},)


@pytest.mark.parametrize("sampler", BOTH)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_proposals_follow_the_fidelity_that_has_enough_results(sampler: Sampler, direction: str) -> None:
    study = ladder(direction)
    high = type(sampler)(results=5, random=0.0)
    low = type(sampler)(results=12, share=0.0, random=0.0)
    assert np.median([config["x"] for config in proposals(high, study)]) < 0.35
    assert np.median([config["x"] for config in proposals(low, study)]) > 0.65


@pytest.mark.parametrize("kind", [Bohb, Mobster])
def test_the_random_share_is_drawn_at_random(kind: Any) -> None:
    study = study_of()
    for place in range(40):
        x = (place + 0.5) / 40
        add(study, x, {1: abs(x - 0.05)}, "COMPLETE")
    always = [config["x"] for config in proposals(kind(random=1.0), study, 200)]
    assert abs(np.mean(always) - 0.5) < 0.1
    half = [config["x"] > 0.5 for config in proposals(kind(random=0.5), study, 100)]
    never = [config["x"] > 0.5 for config in proposals(kind(random=0.0), study, 60)]
    assert np.mean(never) < 0.1
    assert 0.1 < np.mean(half) < 0.45


def test_without_evidence_proposals_are_random_and_a_single_value_needs_none() -> None:
    for sampler in BOTH:
        xs = [config["x"] for config in proposals(sampler, study_of(), 100)]
        assert abs(np.mean(xs) - 0.5) < 0.12
        space = Space.parse({"fixed": {"choice": [7]}})
        assert proposals(sampler, study_of(), 2, space) == [{"fixed": 7}] * 2


def loss(config: dict[str, Any]) -> float:
    """b is better than a; within a a narrow width is, within b the second shape."""
    inner = config["width"] / 100 if config["kind"] == "a" else -0.5 + 0.4 * (config["shape"] == [1])
    return (np.log10(config["rate"]) + 3) ** 2 / 4 + inner


def search(sampler: Sampler, trials: int, seed: int = 2, stop: int | None = None, kept: Any = None) -> Any:
    study = kept or study_of()
    for number in range(len(study.trials), stop or trials):
        config, values, distributions = propose(sampler, study, TREE, seed, number)
        assert TREE.contains(config)
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED if number % 3 else TrialState.COMPLETE,
                value=None if number % 3 else loss(config),
                params=values,
                distributions=distributions,
                intermediate_values={1: loss(config), 2: loss(config)} if number % 2 else {1: loss(config)},
                user_attrs={"config": config},
            )
        )
    return study


@pytest.mark.parametrize("sampler", BOTH)
def test_conditional_spaces_are_searched_and_every_branch_learns(sampler: Sampler) -> None:
    configs = [trial.user_attrs["config"] for trial in search(sampler, 90).trials]
    late = configs[45:]
    assert np.mean([config["kind"] == "b" for config in late]) > 0.6
    assert np.mean([config["shape"] == [2, 3] for config in late if config["kind"] == "b"]) > 0.6
    assert np.mean([loss(config) for config in late]) < np.mean([loss(config) for config in configs[:15]])


@pytest.mark.parametrize("sampler", BOTH)
def test_a_search_that_goes_on_proposes_what_it_would_have_proposed(sampler: Sampler) -> None:
    whole = search(sampler, 40)
    part = search(sampler, 40, stop=23)
    again = study_of()
    for trial in part.trials:
        again.add_trial(trial)
    again = search(sampler, 40, kept=again)
    assert [trial.params for trial in again.trials] == [trial.params for trial in whole.trials]


def test_several_objectives_are_refused() -> None:
    for sampler in BOTH:
        sampler.check(LINE, 1)
        with pytest.raises(ParamsError, match="optimises one objective, got 2"):
            sampler.check(LINE, 2)


def test_keys_with_one_condition_stand_in_one_group_behind_their_parents() -> None:
    assert [[one.key for one in group] for group in groups(TREE)] == [
        ["fixed", "kind", "rate"], ["shape"], ["width"], ["deep"],
    ]  # fmt: skip


def test_mobster_spreads_while_others_run() -> None:
    study = study_of()
    for place in range(12):
        x = (place + 0.5) / 12
        add(study, x, {1: (x - 0.4) ** 2}, "COMPLETE")
    alone = [config["x"] for config in proposals(Mobster(random=0.0, curiosity=3.0), study)]
    # Believed where it hopes most, it hopes less there.
    for _ in range(3):
        add(study, float(np.median(alone)), {}, "RUNNING")
    beside = [config["x"] for config in proposals(Mobster(random=0.0, curiosity=3.0), study)]
    assert alone != beside
    near = [np.mean([abs(x - np.median(alone)) for x in xs]) for xs in (alone, beside)]
    assert near[1] > near[0]


def test_the_cube_gives_back_what_it_takes_and_keeps_conditions() -> None:
    cube = Cube(TREE)
    rows = cube.snapped(np.random.default_rng(3).random((200, len(cube.axes))))
    for row in rows:
        values = cube.values(row)
        config = {key: TREE.by_key[key].decode(value) for key, value in values.items()}
        assert TREE.contains(config)
        assert cube.values(cube.rows([values])[0]) == values
    assert {cube.values(row).get("width") for row in rows} == {None, *range(8, 65, 8)}
    assert {cube.values(row).get("shape") for row in rows} == {None, "[1]", "[2, 3]"}
    features = cube.features(rows)
    assert np.isfinite(features).all()
    assert features.min() >= 0
    assert features.max() <= 1


def test_the_process_agrees_with_scikit_learn_and_its_slope_with_differences() -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    luck = np.random.default_rng(0)
    X = luck.random((30, 3))
    y = np.sin(5 * X[:, 0]) + X[:, 1]
    y -= y.mean()
    process = Process.fit(X, y)
    kernel = Matern(length_scale=np.exp(process.log_l), nu=2.5)
    noise = float(np.exp(process.log_noise)) + 1e-8
    reference = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(X, y)
    points = luck.random((50, 3))
    mean, deviation = reference.predict(points, return_std=True)
    mine = process.predict(points)
    np.testing.assert_allclose(mine[0], mean, atol=1e-6)
    np.testing.assert_allclose(mine[1], deviation * np.sqrt(process.variance), atol=1e-5)
    assert np.corrcoef(mean, np.sin(5 * points[:, 0]) + points[:, 1])[0, 1] > 0.98
    squares = (X[:, None] - X[None]) ** 2
    theta = luck.normal(size=4) * 0.3 - 1
    slope = _loss(theta, squares, y)[1]
    for place in range(4):
        step = np.eye(4)[place] * 1e-5
        measured = (_loss(theta + step, squares, y)[0] - _loss(theta - step, squares, y)[0]) / 2e-5
        assert measured == pytest.approx(slope[place], rel=1e-4, abs=1e-5)
