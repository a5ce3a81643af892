"""A budget is spent to the last epoch and never beyond it, whatever number of workers run and whenever drivers die."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnops.params import parse
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.virtual import HeldLease, Virtual, memory_study
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.trial import Bench

EPOCHS = 9
QUIET = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KILLS = st.lists(st.integers(1, 40), max_size=4)
WORKERS = st.lists(st.integers(1, 7), min_size=5, max_size=5)


def curve(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """Nine epochs of one to three seconds; some configs diverge on the way."""
    for epoch in range(1, EPOCHS + 1):
        x = config.get("x", config.get("train.optimizer.options.lr"))
        value = float("nan") if x > 0.9 and epoch == 4 else abs(x - 0.3) + 1 / epoch
        yield value, float(config.get("slow", 1))


def begin(folder: Path, **sweep: Any) -> Study:
    written = {
        "sampler": {"name": "random"},
        "space": {"x": {"float": [0.0, 1.0]}, "slow": {"int": [1, 3]}},
        "lag": 4,
    }
    return memory_study("s", folder, parse({"seed": 5, "train": {"epochs": EPOCHS}, "sweep": written | sweep}))


def drive(study: Study, workers: int, until: int | None, **budget: Any) -> Conductor:
    """Drive a study to its end, or until a kill after so many epochs: nothing is released or closed then."""
    conductor = Conductor(study, HeldLease(), stop=threading.Event(), tell=lambda _: None, **budget)
    bench = Bench(study.params.record(), "", None, "", study.objective.metric)
    Virtual(workers, curve, until).run(conductor, bench)
    return conductor


def spent(study: Study) -> int:
    return sum(len(trial.reports) for trial in study.trials())


def table(study: Study) -> list[Any]:
    return [(t.number, t.state, t.config, t.reports, t.reason) for t in study.trials()]


@QUIET
@given(budget=st.integers(1, 150), order=st.sampled_from(["async", "fixed"]), kills=KILLS, workers=WORKERS)
def test_epochs_are_spent_to_the_last_one(
    tmp_path: Path, budget: int, order: str, kills: list[int], workers: list[int]
) -> None:
    study = begin(tmp_path, order=order)
    for count, kill in zip(workers, [*kills, None], strict=False):
        conductor = drive(study, count, kill, trials=10_000, epochs=budget)
        assert spent(study) <= budget
    # The reports that made a trial infeasible are epochs of nobody.
    assert spent(study) == budget
    assert conductor.over
    assert conductor.why == "epochs"
    assert conductor.budget.epochs == budget
    assert all(trial.state != "running" for trial in study.trials())


@QUIET
@given(budget=st.integers(1, 150), patience=st.integers(2, 30), kills=KILLS, workers=WORKERS)
def test_under_a_fixed_order_budgets_cut_every_table_at_the_same_place(
    tmp_path: Path, budget: int, patience: int, kills: list[int], workers: list[int]
) -> None:
    limits = {"trials": 10_000, "epochs": budget, "patience": patience}
    plain, killed = begin(tmp_path, order="fixed"), begin(tmp_path, order="fixed")
    why = drive(plain, 1, None, **limits).why
    for count, kill in zip(workers, [*kills, None], strict=False):
        conductor = drive(killed, count, kill, **limits)
    assert conductor.why == why
    assert table(killed) == table(plain)


@QUIET
@given(patience=st.integers(1, 20), kills=KILLS)
def test_patience_counts_what_ended_after_the_best_also_across_resumes(
    tmp_path: Path, patience: int, kills: list[int]
) -> None:
    study = begin(tmp_path)
    for kill in [*kills, None]:
        conductor = drive(study, 1, kill, trials=10_000, patience=patience)
    assert conductor.why == "patience"
    trials = study.trials()
    best = study.best(trials)
    assert best is not None
    assert len(trials) - 1 - best.number == patience
    whole = begin(tmp_path)
    drive(whole, 1, None, trials=10_000, patience=patience)
    assert table(study) == table(whole)


@QUIET
@given(budget=st.integers(1, 60), order=st.sampled_from(["async", "fixed"]), kills=KILLS, workers=WORKERS)
def test_what_a_trial_inherits_is_not_spent_again(
    tmp_path: Path, budget: int, order: str, kills: list[int], workers: list[int]
) -> None:
    whole = 4 * EPOCHS
    pbt = {"name": "pbt", "options": {"population": 4, "generations": 3}}
    space = {"train.optimizer.options.lr": {"float": [0.1, 0.9]}}
    study = begin(tmp_path, order=order, sampler=pbt, pruner={"name": "none"}, space=space)
    for count, kill in zip(workers, [*kills, None], strict=False):
        conductor = drive(study, count, kill, trials=12, epochs=budget)
    records = {trial.number: trial for trial in study.trials()}
    taken = sum(r.epochs - (records[r.parent].epochs if r.parent is not None else 0) for r in records.values())
    assert taken == min(budget, whole)
    assert conductor.why == ("epochs" if budget <= whole else "generations")


@pytest.mark.parametrize("seed", range(5))
def test_with_several_workers_no_more_trials_are_asked_once_patience_is_at_its_end(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    study = begin(tmp_path)
    conductor = drive(study, source.randrange(2, 8), None, trials=10_000, patience=8)
    assert conductor.why == "patience"
    ended: list[TrialRecord] = sorted(study.trials(), key=lambda trial: (trial.ended or 0.0, trial.number))
    best = study.best(ended)
    assert best is not None
    assert len(ended) - 1 - ended.index(best) >= 8
