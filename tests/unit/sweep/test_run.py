import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops.errors import InputError, ParamsError, StudyError
from nnops.params import Params
from nnops.sweep.control import ask_to_stop
from nnops.sweep.event import Event, record
from nnops.sweep.names import studies
from nnops.sweep.run import run_sweep
from nnops.sweep.study import Study


def test_one_seed_gives_one_table(tmp_path: Path) -> None:
    tables = []
    for folder in ("a", "b"):
        root = project(tmp_path / folder)
        sweep(root, sweep_params({"sweep.sampler.name": "tpe", "sweep.budget.trials": 14}))
        tables.append([(t.config, t.state, t.reports, t.weights_sha256) for t in Study.open(root, "s").trials()])
    assert tables[0] == tables[1]
    assert len(tables[0]) == 14


def test_a_storage_that_goes_away_is_said_and_the_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optuna.exceptions import StorageInternalError

    params = sweep_params({"sweep.storage": f"sqlite:///{tmp_path}/studies.db"})
    report, reports = Study.report, []

    def gone(self: Study, number: int, epoch: int, value: float) -> None:
        reports.append(epoch)
        if len(reports) == 4:
            raise StorageInternalError("An exception is raised") from OSError("server closed the connection")
        report(self, number, epoch, value)

    monkeypatch.setattr(Study, "report", gone)
    with pytest.raises(StudyError, match="storage does not answer: server closed the connection; when it does, 'nnops"):
        sweep(project(tmp_path, params), params)
    summary, _ = sweep(tmp_path, params, resume=True)
    assert summary.state == "complete"
    assert sum(summary.trials.values()) == 6


def test_events_are_plain_json_and_tell_the_whole_story(tmp_path: Path) -> None:
    summary, events = sweep(project(tmp_path))
    records = [json.loads(json.dumps(record(event), allow_nan=False)) for event in events]
    kinds = [entry["event"] for entry in records]
    assert kinds[0] == "opened"
    assert kinds[-1] == "closed"
    assert kinds.count("asked") == kinds.count("ended") == 6
    assert summary.state == "complete"
    assert summary.why == "trials"
    assert summary.best is not None
    assert records[-1]["best"] == summary.best.number
    bests = [entry["value"] for entry in records if entry["event"] == "ended" and entry["best"]]
    assert bests == sorted(bests, reverse=True)


def test_a_time_budget_ends_the_study_with_nothing_left_running(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget.trials": 100_000, "sweep.pruner.name": "none", "train.epochs": 50})
    summary, _ = sweep(project(tmp_path), params, seconds=1.0)
    assert (summary.state, summary.why) == ("complete", "time")
    assert summary.trials["running"] == 0
    last = Study.open(tmp_path, "s").trials()[-1]
    assert last.reason in (None, "the time budget is spent")
    # The time is spent for good.
    again, told = sweep(tmp_path, params, resume=True, engine="ray")
    assert sum(again.trials.values()) == sum(summary.trials.values())
    assert any("nothing is left to do" in str(event) for event in told)
    assert any("inline" in str(event) for event in told)
    longer, _ = sweep(tmp_path, params, resume=True, seconds=2.0)
    assert sum(longer.trials.values()) > sum(summary.trials.values())


def test_stop_from_another_process_leaves_a_study_that_goes_on(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget.trials": 12, "train.epochs": 200, "sweep.pruner.name": "none"})
    project(tmp_path, params)
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(sweep(tmp_path, params)))
    thread.start()
    while not (studies(tmp_path) / "s" / "study.json").exists():
        time.sleep(0.01)
    while Study.open(tmp_path, "s").count() < 2:
        time.sleep(0.05)
    with pytest.raises(StudyError, match="is driven by process"):
        sweep(tmp_path, params, resume=True)
    assert "is asked to stop" in ask_to_stop(tmp_path, "s")
    thread.join()
    summary, _ = results[0]
    assert (summary.state, summary.why) == ("stopped", "stop")
    # A trial is running, or the word came just between two.
    assert summary.trials["running"] <= 1
    assert summary.trials["complete"] < 12
    assert "nobody drives study 's' (stopped)" in ask_to_stop(tmp_path, "s")

    summary, _ = sweep(tmp_path, params, resume=True)
    assert summary.state == "complete"
    assert summary.trials["complete"] == 12


def test_the_first_interrupt_is_soft(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget.trials": 50, "train.epochs": 100, "sweep.pruner.name": "none"})
    project(tmp_path, params)
    seen: list[Event] = []

    def listen(event: Event) -> None:
        seen.append(event)
        if event.kind == "reported" and len(seen) == 30:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    summary = run_sweep(params, tmp_path, "s", on_event=listen)
    assert summary.why == "stop"
    assert summary.trials["running"] == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_more_trials_after_the_end(tmp_path: Path) -> None:
    sweep(project(tmp_path))
    before = Study.open(tmp_path, "s").trials()
    summary, events = sweep(tmp_path, resume=True, trials=9)
    after = Study.open(tmp_path, "s").trials()
    assert after[:6] == before
    assert len(after) == 9
    assert summary.state == "complete"
    assert sum(event.kind == "asked" for event in events) == 3
    # The new budget is the study's.
    assert sum(sweep(tmp_path, resume=True)[0].trials.values()) == 9


def test_what_changed_in_params_since_is_said_and_the_study_keeps_its_own(tmp_path: Path) -> None:
    sweep(project(tmp_path))
    changed = sweep_params({"train.batch_size": 16, LR: 0.5})
    _, events = sweep(tmp_path, changed, resume=True, trials=7)
    notes = [event.text for event in events if event.kind == "note"]
    assert notes == [
        "params.yaml has changed since the study began (train.batch_size); its trials keep the old values."
    ]
    same = Study.open(tmp_path, "s").trials()[6].reports
    sweep(project(tmp_path / "b"), trials=7)
    assert same == Study.open(tmp_path / "b", "s").trials()[6].reports


def refused(root: Path, params: Params, match: str, **options: Any) -> None:
    with pytest.raises(InputError, match=match) as error:
        sweep(root, params, **options)
    assert "\n" not in str(error.value)


def test_bad_input_starts_nothing(tmp_path: Path) -> None:
    project(tmp_path)
    refused(tmp_path, sweep_params({"sweep.objective.metric": "val_rmse"}), "does not fit the task multiclass")
    refused(
        tmp_path, sweep_params({"sweep.pruner.options.min_epochs": 30}), r"must be in \[1, train\.epochs=6\], got 30"
    )
    refused(tmp_path, sweep_params({"sweep.pruner.name": "ash"}), "did you mean 'asha'")
    refused(tmp_path, sweep_params({"sweep.sampler.options.points": 1}), "unknown key 'points'")
    refused(tmp_path, sweep_params(), "did you mean 'ray'", engine="rayy")
    refused(tmp_path, sweep_params({"sweep.resources.gpus": 1}), "torch sees no GPU here")
    refused(tmp_path, sweep_params({"sweep.resources.gpus": 1}), "torch sees no GPU here", engine="ray")
    refused(tmp_path, sweep_params({"sweep.resources.cpus": 4000}), "the largest machine has", engine="ray")
    refused(tmp_path, sweep_params(), "no study 'x'", name="x", resume=True)
    refused(tmp_path, sweep_params(), "must be 1 to 100 letters", name="a/b")
    refused(tmp_path, sweep_params({"sweep.workers": 3, "sweep.engine": "inline"}), "one trial at a time")
    refused(
        tmp_path,
        sweep_params(space={"model.name": {"choice": ["mlp", "cnn"]}}),
        "may try model.name: 'cnn', which cannot be built",
    )
    assert not (studies(tmp_path) / "s").exists()


def test_a_study_is_not_resumed_with_another_space_or_other_data(tmp_path: Path) -> None:
    sweep(project(tmp_path))
    other = sweep_params(space={LR: {"float": [1e-3, 1e-2]}})
    refused(
        tmp_path, other, r"has another space \(model\.options\.dropout, train\.optimizer\.options\.lr\)", resume=True
    )
    maximized = sweep_params({"sweep.objective.metric": "val_accuracy", "sweep.objective.direction": "maximize"})
    refused(tmp_path, maximized, "has the objective minimize val_loss, not maximize val_accuracy", resume=True)
    study = Study.open(tmp_path, "s")
    study.set("data_hash", "0" * 64)
    refused(tmp_path, sweep_params(), "was begun on other data", resume=True)


def test_a_config_that_diverges_is_infeasible_and_the_sampler_goes_on(tmp_path: Path) -> None:
    params = sweep_params(
        {"sweep.sampler.name": "tpe", "sweep.sampler.options.startup_trials": 3, "sweep.budget.trials": 10},
        {"train.optimizer.name": {"choice": ["sgd"]}, LR: {"float": [1e-3, 1e30], "log": True}},
    )
    summary, _ = sweep(project(tmp_path, params), params)
    assert summary.trials["infeasible"] >= 2
    assert summary.trials["running"] == 0
    assert summary.trials["failed"] == 0
    bad = next(t for t in Study.open(tmp_path, "s").trials() if t.state == "infeasible")
    assert bad.reason is not None
    assert "learning rate" in bad.reason or "val_loss is" in bad.reason


def test_a_search_whose_trials_all_fail_stops_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnops.sweep import trial

    def boom(*args: object) -> None:
        raise ValueError("the moon is full")

    monkeypatch.setattr(trial.Worker, "_train", boom)
    with pytest.raises(StudyError, match="all of the first 5 trials failed, the last: ValueError: the moon is full"):
        sweep(project(tmp_path), sweep_params({"sweep.budget.trials": 50}))
    trials = Study.open(tmp_path, "s").trials()
    assert [t.state for t in trials] == ["failed"] * 5
    assert all(t.reason == "ValueError: the moon is full" for t in trials)


def test_data_keys_are_tuned_and_prepared_once_each(tmp_path: Path) -> None:
    params = sweep_params(
        {"sweep.sampler.name": "grid"},
        {"data.scaling": {"choice": ["standard", "minmax"]}, DROPOUT: {"choice": [0.0, 0.2]}},
    )
    summary, _ = sweep(project(tmp_path, params), params)
    assert (summary.why, summary.trials["running"]) == ("grid", 0)
    assert sum(summary.trials.values()) == 4
    assert len([path for path in (tmp_path / ".nnops" / "data").iterdir() if path.is_dir()]) == 2


def test_train_epochs_may_be_tuned(tmp_path: Path) -> None:
    params = sweep_params(
        {"sweep.pruner.name": "none", "sweep.sampler.name": "grid"}, {"train.epochs": {"int": [2, 4]}}
    )
    sweep(project(tmp_path, params), params)
    assert sorted(t.epochs for t in Study.open(tmp_path, "s").trials()) == [2, 3, 4]


def test_a_storage_by_address(tmp_path: Path) -> None:
    params = sweep_params({"sweep.storage": f"sqlite:///{tmp_path}/studies.db"})
    summary, _ = sweep(project(tmp_path, params), params)
    assert summary.state == "complete"
    assert not (studies(tmp_path) / "s" / "journal.log").exists()
    assert Study.open(tmp_path, "s").state == "complete"
    with pytest.raises(ParamsError):
        sweep_params({"sweep.budget.trials": 0})
