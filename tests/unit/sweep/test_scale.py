"""Where the length of a training is tuned, trials are compared at equal shares of it."""

from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from sweeps import LR, sweep_params

from nnops.params import parse
from nnops.sweep.pruners.base import Curve
from nnops.sweep.pruners.median import Median
from nnops.sweep.pruners.patient import Patient
from nnops.sweep.samplers.evidence import gather
from nnops.sweep.scale import Scale
from nnops.sweep.space import Space


@pytest.mark.parametrize("full", [1, 7, 81, 100])
def test_the_epochs_of_a_training_share_the_steps_after_its_first_one_among_them(full: int) -> None:
    scale = Scale(full, full)
    for epochs in range(1, full + 1):
        steps = [list(scale.steps(epoch, epochs)) for epoch in range(1, epochs + 1)]
        assert all(steps)
        assert steps[0] == [full // epochs]
        assert [step for each in steps for step in each] == list(range(full // epochs, full + 1))


@pytest.mark.parametrize("epochs", [1, 4, 33, 100])
def test_a_curve_that_depends_on_shares_alone_is_one_for_all_lengths(epochs: int) -> None:
    scale = Scale(100, 100)
    found = scale.spread({epoch: epoch / epochs for epoch in range(1, epochs + 1)}, epochs)
    for step, value in found.items():
        # The first step may lie a little before its epoch.
        assert value == pytest.approx(step / 100, abs=1e-9 if step > 100 // epochs else 0.01)
        assert scale.at({e: e / epochs for e in range(1, epochs + 1)}, step, epochs) == value
    assert max(found) == 100


def test_one_step_of_an_epoch_is_judged_the_last() -> None:
    scale = Scale(100, 100)
    rungs = {1, 3, 9, 27, 81}
    assert [scale.rung(epoch, 100, rungs.__contains__) for epoch in (1, 2, 3, 9)] == [1, None, 3, 9]
    # Rungs before its first epoch pass a training by.
    assert [scale.rung(epoch, 20, rungs.__contains__) for epoch in (1, 2, 6, 17)] == [None, 9, 27, 81]
    assert scale.rung(2, 10, lambda step: True) == 20


def test_the_longest_training_of_the_space_counts() -> None:
    def scale(space: dict[str, Any], epochs: int = 5) -> int:
        params = parse({"train": {"epochs": epochs}, "sweep": {"space": space}})
        return Scale.of(params, Space.parse(params.sweep.space)).full

    tuned: dict[str, Any] = {"train.epochs": {"int": [2, 40]}}
    assert scale({LR: {"float": [0.1, 0.2]}}) == 5
    assert scale(tuned) == scale(tuned, 90) == 40
    # Where a condition leaves it out, that of params is trained.
    choice: dict[str, Any] = {"train.optimizer.name": {"choice": ["sgd", "adam"]}}
    sometimes = choice | {"train.epochs": {"int": [2, 40], "when": {"train.optimizer.name": "sgd"}}}
    assert scale(sometimes, 90) == 90
    assert Scale.tuned(Space.parse(sometimes)) is None
    assert Scale.tuned(Space.parse({LR: {"float": [0.1, 0.2]}})) is None
    assert Scale.tuned(Space.parse(tuned)) == Scale(40, 40)


def test_samplers_learn_from_equal_shares() -> None:
    study = optuna.create_study()
    space = Space.parse({"train.epochs": {"int": [2, 8]}, "x": {"float": [0.0, 1.0]}})
    for x, epochs, reports in (
        (0.1, 2, {1: 0.5}),  # a half
        (0.2, 8, {1: 0.9, 2: 0.8, 3: 0.3, 4: 0.2}),  # a half
        (0.3, 4, {1: 0.4}),  # a quarter, where the first has nothing yet
        (0.4, 4, {1: 0.7, 2: 0.1}),  # a half
    ):
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED,
                params={"x": x, "train.epochs": epochs},
                distributions={"x": FloatDistribution(0, 1), "train.epochs": IntDistribution(2, 8)},
                intermediate_values=reports,
            )
        )
    half = gather(study, (), 3, 0.0, Scale.tuned(space))
    assert half.epoch == 4
    assert [params["x"] for params in half.ranked] == [0.4, 0.2, 0.1]
    quarter = gather(study, (), 4, 0.0, Scale.tuned(space))
    assert quarter.epoch == 2
    assert [params["x"] for params in quarter.ranked] == [0.3, 0.1, 0.4, 0.2]


def test_a_curve_is_cut_at_a_step() -> None:
    curve = Curve(3, {1: 0.3, 2: 0.2, 5: 0.1})
    assert curve.until(2) == Curve(3, {1: 0.3, 2: 0.2})
    assert curve.until(5) is curve


def test_a_first_rung_is_held_against_the_longest_training() -> None:
    from nnops.errors import ParamsError
    from nnops.sweep.pruners import PRUNERS

    config = {"sweep.pruner": {"name": "asha", "options": {"min_epochs": 12}}}
    params = sweep_params(config, {"train.epochs": {"int": [2, 20]}})
    pruner = PRUNERS.build("asha", params.sweep.pruner.options, where="sweep.pruner")
    pruner.check(Scale.of(params, Space.parse(params.sweep.space)).full)
    with pytest.raises(ParamsError, match=r"in \[1, train.epochs=6\], got 12"):
        pruner.check(6)


def curve(epochs: int, values: list[float]) -> Curve:
    """A training of so many epochs beside one of a hundred."""
    scale = Scale(100, 100)
    return Curve(0, scale.spread(dict(enumerate(values, start=1)), epochs), every=100 / epochs)


@pytest.mark.parametrize("epochs", [10, 50, 100])
def test_patience_and_warm_up_are_epochs_of_a_trial_itself(epochs: int) -> None:
    patient = Patient(patience=2, pruner=None)
    assert not patient.prunes(curve(epochs, [0.5, 0.6, 0.6]), [], 100, 0)
    assert patient.prunes(curve(epochs, [0.5, 0.6, 0.6, 0.6]), [], 100, 0)
    assert not patient.prunes(curve(epochs, [0.5, 0.6, 0.6, 0.4]), [], 100, 0)
    median = Median(startup_trials=1, warmup_epochs=2)
    good = Curve(1, dict.fromkeys(range(1, 101), 0.1), complete=True)
    assert not median.prunes(curve(epochs, [0.5, 0.5]), [good], 100, 0)
    assert median.prunes(curve(epochs, [0.5, 0.5, 0.5]), [good], 100, 0)
