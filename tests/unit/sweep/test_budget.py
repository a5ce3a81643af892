"""Budgets of real sweeps: what ends a study, what is said of it, and what a resume may add."""

import json
from pathlib import Path

import pytest
from sweeps import project, sweep, sweep_params

from nnops.errors import InputError, ParamsError
from nnops.params import parse
from nnops.sweep.budget import Limits
from nnops.sweep.engines.virtual import memory_study
from nnops.sweep.event import record
from nnops.sweep.samplers.random import Random
from nnops.sweep.show import show_study
from nnops.sweep.spending import Spending
from nnops.sweep.study import Study


def test_a_budget_of_epochs_is_said_everywhere_and_a_resume_adds_to_it(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget": {"trials": 1000, "epochs": 40}})
    summary, events = sweep(project(tmp_path, params), params)
    study = Study.open(tmp_path, "s")
    assert sum(len(trial.reports) for trial in study.trials()) == 40
    assert (summary.state, summary.why) == ("complete", "epochs")
    assert summary.reason == study.reason == "the 40 epochs of its budget are spent"
    assert record(events[-1])["why"] == study.why == "epochs"
    assert record(events[0])["limits"]["epochs"] == 40
    shown = json.loads(json.dumps(show_study(params, tmp_path, "s").to_json()))
    assert (shown["state"], shown["why"], shown["budget"]["epochs"]) == ("complete", "epochs", 40)

    again, events = sweep(tmp_path, params, resume=True)
    assert again.trials == summary.trials
    notes = [event.text for event in events if event.kind == "note"]
    assert notes == ["nothing is left to do, since the 40 epochs of its budget are spent; '--epochs N' gives it more."]

    more, _ = sweep(tmp_path, params, resume=True, budget=Limits(epochs=55))
    assert more.why == "epochs"
    assert sum(len(trial.reports) for trial in Study.open(tmp_path, "s").trials()) == 55


def test_a_study_that_nothing_improves_ends(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget": {"trials": 1000, "patience": 7}})
    summary, _ = sweep(project(tmp_path, params), params)
    assert (summary.state, summary.why) == ("complete", "patience")
    trials = Study.open(tmp_path, "s").trials()
    assert summary.best is not None
    assert len(trials) == summary.best.number + 1 + 7
    longer, _ = sweep(tmp_path, params, resume=True, budget=Limits(patience=9))
    assert longer.why == "patience"
    assert longer.best is not None
    assert sum(longer.trials.values()) == longer.best.number + 1 + 9


def test_gpu_hours_are_those_that_workers_hold_over_all_drivers(tmp_path: Path) -> None:
    now_s = [100.0]
    study = memory_study("s", tmp_path, parse({"sweep": {"space": {"x": {"float": [0.0, 1.0]}}}}))
    first = Spending(Limits(gpu_hours=3.0), study, [], Random(), gpus=2.0, clock=lambda: now_s[0])
    first.begin(0, {})
    now_s[0] += 3600
    assert first.gpu_hours == 2.0
    assert first.why(1) is first.cuts(0, 1) is None
    first.note()
    now_s[0] += 7200  # nobody drives
    second = Spending(Limits(gpu_hours=3.0), study, [], Random(), gpus=0.5, clock=lambda: now_s[0])
    second.begin(0, {})
    now_s[0] += 7199
    assert second.why(1) is None
    now_s[0] += 1
    assert second.gpu_hours == 3.0
    assert second.why(1) == "gpu_hours"
    assert second.cuts(0, 1) == "the budget of GPU hours is spent"


@pytest.mark.parametrize("key", ["trials", "epochs", "gpu_hours", "patience"])
@pytest.mark.parametrize("value", [0, -3])
def test_nothing_and_less_is_no_budget(tmp_path: Path, key: str, value: int) -> None:
    with pytest.raises(ParamsError, match=rf"^params.yaml: sweep\.budget\.{key} must be .*, got {value}\.$"):
        sweep_params({f"sweep.budget.{key}": value})
    with pytest.raises(InputError, match=rf"^--{key.replace('_', '-')} must be .*, got {value}\.$"):
        Limits.given(**{key: value})
    with pytest.raises(InputError, match=rf"^a budget of {key} must be above zero, got {value}\.$"):
        sweep(project(tmp_path), budget=Limits(**{key: value}))
    assert not (tmp_path / ".nnops" / "studies" / "s" / "study.json").exists()


@pytest.mark.parametrize("time", ["0s", "-2h", "2hours", "", 7200])
def test_no_time_is_no_budget(time: object) -> None:
    with pytest.raises(ParamsError, match=r"^params.yaml: sweep\.budget\.time: must be a time above zero such as 90s"):
        sweep_params({"sweep.budget.time": time})
    with pytest.raises(InputError, match=r"^--time must be a time above zero such as 90s, 30m, 2h or 1d, got "):
        Limits.given(time=time)


def test_a_budget_that_can_never_be_spent_is_refused(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget.gpu_hours": 2.5})
    with pytest.raises(InputError, match=r"2\.5 GPU hours is never spent, since sweep\.resources\.gpus is 0; write"):
        sweep(project(tmp_path, params), params)
    sweep(tmp_path, sweep_params())
    with pytest.raises(InputError, match="is never spent"):
        sweep(tmp_path, resume=True, budget=Limits(gpu_hours=1.0))


def test_a_study_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    sweep(project(tmp_path))
    study = Study.open(tmp_path, "s")
    study.set("budget", {"trials": 6, "seconds": None})
    summary, _ = sweep(tmp_path, resume=True, trials=8)
    assert sum(summary.trials.values()) == 8
