import random
import warnings

import optuna
import pytest
from optuna.trial import TrialState

from nnops.errors import InputError, ParamsError
from nnops.params import Named
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.asha import Asha
from nnops.sweep.pruners.base import Curve
from nnops.sweep.pruners.halving import expected, rungs, survives
from nnops.sweep.pruners.hyperband import Hyperband, bracket
from nnops.sweep.pruners.median import Median
from nnops.sweep.pruners.none import NoPruner
from nnops.sweep.pruners.patient import Patient

EPOCHS = 12


def stopped_by_ours(pruner: object, curves: list[list[float]]) -> list[int]:
    """The epoch at which each of some curves is stopped, one trial after another; EPOCHS where it is not."""
    seen: list[Curve] = []
    ends: list[int] = []
    for number, values in enumerate(curves):
        curve = Curve(number)
        end = EPOCHS
        for epoch, value in enumerate(values, start=1):
            curve.values[epoch] = value
            if epoch == EPOCHS or not pruner.judges(epoch, number, EPOCHS, 1):  # type: ignore[attr-defined]
                continue
            if pruner.prunes(curve, seen, EPOCHS, 1):  # type: ignore[attr-defined]
                end = epoch
                break
        seen.append(Curve(number, curve.values, complete=end == EPOCHS))
        ends.append(end)
    return ends


def stopped_by_optuna(pruner: optuna.pruners.BasePruner, curves: list[list[float]]) -> list[int]:
    study = optuna.create_study(pruner=pruner, sampler=optuna.samplers.RandomSampler())
    ends: list[int] = []
    for values in curves:
        trial = study.ask()
        end = EPOCHS
        for epoch, value in enumerate(values, start=1):
            trial.report(value, epoch)
            if epoch < EPOCHS and trial.should_prune():
                end = epoch
                break
        study.tell(
            trial, values[-1] if end == EPOCHS else None, TrialState.COMPLETE if end == EPOCHS else TrialState.PRUNED
        )
        ends.append(end)
    return ends


def noisy_curves(count: int) -> list[list[float]]:
    source = random.Random(5)
    return [
        [(quality := source.random()) and quality + 1 / epoch + 0.2 * source.random() for epoch in range(1, EPOCHS + 1)]
        for _ in range(count)
    ]


@pytest.mark.parametrize(("r", "eta"), [(1, 3), (2, 2), (1, 4)])
def test_asha_stops_what_optunas_successive_halving_stops(r: int, eta: int) -> None:
    curves = noisy_curves(60)
    reference = optuna.pruners.SuccessiveHalvingPruner(min_resource=r, reduction_factor=eta)
    ours = stopped_by_ours(Asha(min_epochs=r, reduction_factor=eta, trust=-1.0), curves)
    assert ours == stopped_by_optuna(reference, curves)
    assert len(set(ours)) > 2


def test_median_stops_what_optunas_median_rule_stops() -> None:
    curves = noisy_curves(60)
    reference = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3)
    ours = stopped_by_ours(Median(startup_trials=4, warmup_epochs=2), curves)
    assert ours == stopped_by_optuna(reference, curves)
    assert 3 in ours


def test_asha_keeps_a_share_and_the_best_curve() -> None:
    curves = [[number / 100] * EPOCHS for number in range(81)]
    random.Random(1).shuffle(curves)
    ends = stopped_by_ours(Asha(), curves)
    assert ends[curves.index([0.0] * EPOCHS)] == EPOCHS
    assert sum(end > 1 for end in ends) < 0.6 * len(ends)


def test_asha_stops_trusting_a_rung_that_is_wrong() -> None:
    luck = random.Random(3)
    wrong: list[list[float]] = []
    for _ in range(200):
        # At epoch 1 the order is luck; from epoch 3 on it is the truth.
        quality = luck.random()
        wrong.append([luck.random(), luck.random()] + [quality] * (EPOCHS - 2))
    trusting = stopped_by_ours(Asha(trust=-1.0), wrong)
    wary = stopped_by_ours(Asha(), wrong)
    late = slice(100, None)
    assert sum(end == 1 for end in trusting[late]) > 50
    assert sum(end == 1 for end in wary[late]) < 10
    assert sum(end == 3 for end in wary[late]) > 50
    assert min(values[-1] for values, end in zip(wrong, wary, strict=True) if end == EPOCHS) < 0.02


def test_asha_trusts_a_rung_that_is_right() -> None:
    right = [[values[-1]] * EPOCHS for values in noisy_curves(80)]
    assert stopped_by_ours(Asha(), right) == stopped_by_ours(Asha(trust=-1.0), right)


def test_hyperband_compares_inside_brackets_and_all_brackets_get_trials() -> None:
    pruner = Hyperband()
    numbers = range(300)
    counts = [sum(bracket(1, EPOCHS, 3, 7, number) == s for number in numbers) for s in range(4)]
    assert all(counts)
    assert counts[0] == max(counts)
    late = next(number for number in numbers if bracket(1, EPOCHS, 3, 7, number) == 3)
    assert not any(pruner.judges(epoch, late, EPOCHS, 7) for epoch in range(1, EPOCHS))
    early = next(number for number in numbers if bracket(1, EPOCHS, 3, 7, number) == 0)
    assert [epoch for epoch in range(1, EPOCHS) if pruner.judges(epoch, early, EPOCHS, 7)] == [1, 3, 9]
    # Far better trials of other brackets do not stop it.
    others = [Curve(number, {1: -1.0}) for number in numbers if bracket(1, EPOCHS, 3, 7, number) != 0]
    assert not pruner.prunes(Curve(early, {1: 0.5}), others, EPOCHS, 7)


def test_no_pruner_stops_nothing() -> None:
    assert stopped_by_ours(NoPruner(), noisy_curves(5)) == [EPOCHS] * 5


@pytest.mark.parametrize("name", PRUNERS.names())
def test_every_pruner_judges_below_the_full_fidelity_and_expects_a_sane_cost(name: str) -> None:
    for pruner in PRUNERS.load(name).examples():
        pruner.check(EPOCHS)
        assert 1 <= pruner.expected_epochs(EPOCHS) <= EPOCHS
        assert not pruner.judges(EPOCHS, 0, EPOCHS, 1)
        assert pruner.expected_epochs(1) == 1


@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_min_epochs_is_held_against_the_epochs(name: str) -> None:
    pruner = PRUNERS.build(name, {"min_epochs": 30}, where="sweep.pruner")
    with pytest.raises(ParamsError, match=r"min_epochs must be in \[1, train.epochs=20\], got 30"):
        pruner.check(20)
    with pytest.raises(ParamsError, match=r"warmup_epochs must be below train\.epochs=20, got 20"):
        Median(warmup_epochs=20).check(20)


def test_rungs_and_their_cost() -> None:
    assert rungs(1, 20, 3) == [1, 3, 9]
    assert rungs(2, 20, 2, s=1) == [4, 8, 16]
    assert rungs(5, 5, 3) == []
    assert expected(5, 5, 3) == 5
    assert survives(1.0, [1.0, 1.0], 3)


@pytest.mark.parametrize(("patience", "min_delta"), [(0, 0.0), (2, 0.0), (3, 0.05)])
def test_patient_stops_what_optunas_patient_pruner_stops(patience: int, min_delta: float) -> None:
    curves = noisy_curves(60)
    median = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3)
    options = {"startup_trials": 4, "warmup_epochs": 2}
    for ours, theirs in ((Named(name="median", options=options), median), (None, None)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            reference = optuna.pruners.PatientPruner(theirs, patience=patience, min_delta=min_delta)
        patient = Patient(patience=patience, min_delta=min_delta, pruner=ours)
        assert stopped_by_ours(patient, curves) == stopped_by_optuna(reference, curves)


def test_a_curve_that_still_falls_is_never_stopped() -> None:
    good = [[0.1] * EPOCHS] * 6
    falling = [[9.0 - epoch for epoch in range(EPOCHS)]]
    flat = [[9.0, *[9.1] * (EPOCHS - 1)]]
    assert stopped_by_ours(Patient(patience=2), [*good, *falling, *flat]) == [EPOCHS] * 7 + [4]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"patience must be at most train.epochs - 2 = 3, .*got 5"):
        Patient(patience=5).check(5)
    with pytest.raises(ParamsError, match="patience before another pruner; name median or asha"):
        Patient(patience=1, pruner=Named(name="patient")).check(9)
    with pytest.raises(InputError, match="did you mean 'median'"):
        Patient(patience=1, pruner=Named(name="medain")).check(9)
    with pytest.raises(ParamsError, match=r"min_epochs must be in \[1, train.epochs=9\], got 30"):
        Patient(patience=1, pruner=Named(name="asha", options={"min_epochs": 30})).check(9)
