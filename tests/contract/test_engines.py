"""One contract over all engines: the same study, whoever runs its trials."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sweeps import LR, project, sweep, sweep_params

from nnops.errors import NnopsError, StudyError
from nnops.params import overlay
from nnops.sweep.engines import ENGINES
from nnops.sweep.event import Ended, Event, Reported
from nnops.sweep.keep import best_of
from nnops.sweep.names import studies
from nnops.sweep.run import run_sweep
from nnops.sweep.study import Study
from nnops.sweep.trial import data_cache
from nnops.tracking.memory import MemoryTracker
from nnops.tracking.null import NullTracker

SLOW = ("ray",)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in sorted(ENGINES)],
)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """An engine; Ray is started once for the module, as a notebook would have it."""
    if request.param == "ray":
        # Ray's processes die with the thread that started them, and leave warnings behind where that is this one.
        leave, held = threading.Event(), threading.Event()

        def hold() -> None:
            from nnops.sweep.engines.ray import connect

            try:
                connect(None, 2)
            finally:
                held.set()
            leave.wait()

            import ray

            from nnops.sweep.engines.ray import RayEngine

            # What the last sweep left behind may still speak to Ray.
            if RayEngine._leaving is not None:
                RayEngine._leaving.join()
            ray.shutdown()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        yield request.param
        leave.set()
        thread.join()
        return
    yield request.param


def workers(engine: str) -> int:
    return 2 if engine == "ray" else 1


def test_a_study_is_driven_to_its_budget(tmp_path: Path, engine: str) -> None:
    params = sweep_params({"sweep.budget.trials": 12, "train.epochs": 9})
    summary, events = sweep(project(tmp_path, params), params, engine=engine, workers=workers(engine))
    trials = Study.open(tmp_path, "s").trials()
    assert [trial.number for trial in trials] == list(range(12))
    assert {trial.state for trial in trials} == {"complete", "pruned"}
    assert summary.trials == {
        state: sum(trial.state == state for trial in trials)
        for state in ("running", "complete", "pruned", "failed", "infeasible")
    }
    for trial in trials:
        assert list(trial.reports) == list(range(1, trial.epochs + 1))
        assert trial.epochs in ((9,) if trial.state == "complete" else (1, 3))
    asked = [event.number for event in events if event.kind == "asked"]
    assert sorted(asked) == list(range(12))
    # The last states of the best, from which the study can grow, and no others.
    best = best_of(Study.open(tmp_path, "s"), trials, params.sweep.keep)
    left = {path.name for path in (studies(tmp_path) / "s").glob("checkpoints/*")}
    assert left == {str(trial.number) for trial in best}


def test_a_budget_of_epochs_is_spent_to_the_last_one(tmp_path: Path, engine: str) -> None:
    params = sweep_params({"sweep.budget": {"trials": 100, "epochs": 61}, "train.epochs": 9})
    summary, _ = sweep(project(tmp_path, params), params, engine=engine, workers=workers(engine))
    trials = Study.open(tmp_path, "s").trials()
    assert (summary.state, summary.why) == ("complete", "epochs")
    assert sum(len(trial.reports) for trial in trials) == 61
    assert summary.trials["running"] == 0


def test_a_trial_has_the_bits_of_a_training_of_its_config(tmp_path: Path, engine: str) -> None:
    from nnops.data.prepare import cached
    from nnops.training.train import train

    params = sweep_params({"sweep.pruner.name": "none", "sweep.budget.trials": 3})
    sweep(project(tmp_path, params), params, engine=engine, workers=workers(engine))
    data = cached(params, tmp_path, data_cache(tmp_path))
    for trial in Study.open(tmp_path, "s").trials():
        alone = train(overlay(params, trial.config), data)
        assert alone.weights_sha256 == trial.weights_sha256
        assert alone.fingerprint == trial.fingerprint
        assert alone.best["val_loss"] == trial.value
        assert [row["val_loss"] for row in alone.history] == list(trial.reports.values())


def test_random_search_without_stopping_gives_one_table_on_any_engine(tmp_path: Path, engine: str) -> None:
    params = sweep_params({"sweep.pruner.name": "none", "sweep.budget.trials": 5})
    tables = []
    for name, each in (("a", engine), ("b", "inline")):
        root = project(tmp_path / name, params)
        sweep(root, params, engine=each, workers=workers(each))
        tables.append([(t.config, t.value, t.weights_sha256) for t in Study.open(root, "s").trials()])
    assert tables[0] == tables[1]


def test_grids_end_by_themselves(tmp_path: Path, engine: str) -> None:
    params = sweep_params({"sweep.sampler.name": "grid"}, {LR: {"choice": [0.001, 0.01, 0.1]}})
    summary, _ = sweep(project(tmp_path, params), params, engine=engine, workers=workers(engine))
    assert summary.why == "grid"
    assert sorted(t.config[LR] for t in Study.open(tmp_path, "s").trials()) == [0.001, 0.01, 0.1]


def test_trials_that_cannot_be_trained_end_and_others_go_on(tmp_path: Path, engine: str) -> None:
    # A rate of 1e30 gives no finite loss; a batch norm needs more than one row.
    space = {
        LR: {"choice": [0.01, 1e30]},
        "train.optimizer.name": {"choice": ["sgd"]},
        "model.options.norm": {"choice": [True, False]},
        "train.batch_size": {"choice": [1, 32]},
    }
    params = sweep_params({"sweep.sampler.name": "grid", "sweep.pruner.name": "none", "train.epochs": 2}, space)
    summary, events = sweep(project(tmp_path, params), params, engine=engine, workers=workers(engine), trials=8)
    trials = Study.open(tmp_path, "s").trials()
    assert len(trials) == 8
    assert summary.trials["running"] == 0
    for trial in trials:
        if trial.config["model.options.norm"] and trial.config["train.batch_size"] == 1:
            assert trial.state == "failed"
            assert trial.reason is not None
            assert "batch_size must be at least 2" in trial.reason
        elif trial.config[LR] == 1e30:
            assert trial.state == "infeasible"
            assert trial.value is None
        else:
            assert trial.state == "complete"
    ended = [event.number for event in events if event.kind == "ended"]
    assert sorted(ended) == list(range(8))


def test_trials_that_hang_or_want_too_much_memory_are_infeasible_and_others_go_on(tmp_path: Path, engine: str) -> None:
    # A batch of one row takes the second network some 100 ms; the third has a matrix of 1.9 GB.
    space = {"model.options.hidden": {"choice": [[8], [3000, 3000, 3000], [12000, 40000]]}}
    limit = {"sweep.limit": {"time": "2s", "memory_mib": 800}}
    config = {"sweep.sampler.name": "grid", "sweep.pruner.name": "none", "train.epochs": 2, "train.batch_size": 1}
    params = sweep_params({**config, **limit}, space)
    summary, _ = sweep(project(tmp_path, params), params, engine=engine, workers=workers(engine))
    ends = {trial.config["model.options.hidden"][0]: trial for trial in Study.open(tmp_path, "s").trials()}
    assert {width: trial.state for width, trial in ends.items()} == {
        8: "complete", 3000: "infeasible", 12000: "infeasible",
    }  # fmt: skip
    assert ends[3000].reason == "it took longer than sweep.limit.time, 2.0 s."
    assert "out of memory" in (ends[12000].reason or "")
    assert (summary.state, summary.trials["complete"]) == ("complete", 1)


def test_a_soft_stop_leaves_running_trials_to_a_resume_that_makes_them_again_to_the_bit(
    tmp_path: Path, engine: str
) -> None:
    params = sweep_params({"sweep.pruner.name": "none", "sweep.budget.trials": 3, "train.epochs": 3000})
    project(tmp_path, params)
    stop = threading.Event()
    running: set[int] = set()

    def listen(event: Event) -> None:
        # When each of those that run has a checkpoint: the first comes after a second, and all epochs take several.
        if isinstance(event, Reported):
            running.add(event.number)
        elif isinstance(event, Ended):
            running.discard(event.number)
        kept = {int(path.parent.name) for path in (studies(tmp_path) / "s" / "checkpoints").glob("*/*.safetensors")}
        if len(running) == workers(engine) and running <= kept:
            stop.set()

    summary = run_sweep(
        params,
        tmp_path,
        "s",
        engine=engine,
        workers=workers(engine),
        stop=stop,
        on_event=listen,
        tracker=NullTracker(),
    )
    assert (summary.state, summary.why) == ("stopped", "stop")
    left = {trial.number: trial.epochs for trial in Study.open(tmp_path, "s").trials() if trial.state == "running"}
    assert len(left) == workers(engine)
    assert all(left.values())
    assert sum(path.is_dir() for path in (studies(tmp_path) / "s" / "checkpoints").iterdir()) == len(left)

    summary, events = sweep(tmp_path, params, engine=engine, workers=workers(engine), resume=True)
    assert summary.state == "complete"
    assert summary.trials["complete"] == 3
    again = [event.number for event in events if event.kind == "asked" and event.again]
    assert sorted(again) == sorted(left)
    replayed = [event for event in events if event.kind == "reported" and event.replayed]
    assert {(event.number, event.epoch) for event in replayed} == {
        (number, epoch) for number, last in left.items() for epoch in range(1, last + 1)
    }
    # A checkpoint gave most of them, in no time.
    assert sum(event.seconds == 0.0 for event in replayed) > 0
    assert not [event for event in events if event.kind == "note"]

    whole = project(tmp_path / "whole", params)
    sweep(whole, params)
    table = [(t.config, t.reports, t.weights_sha256) for t in Study.open(tmp_path, "s").trials()]
    assert table == [(t.config, t.reports, t.weights_sha256) for t in Study.open(whole, "s").trials()]


def test_an_error_of_the_study_is_not_a_trials_fault(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Study, number: int, epoch: int, value: float) -> None:
        if number == 2:
            raise OSError(28, "No space left on device")
        original(self, number, epoch, value)

    original = Study.report
    monkeypatch.setattr(Study, "report", full)
    with pytest.raises(OSError, match="No space left"):
        sweep(project(tmp_path), engine=engine, workers=workers(engine))
    monkeypatch.undo()
    # What was told before is there, and the study goes on.
    summary, _ = sweep(tmp_path, resume=True, engine=engine, workers=workers(engine))
    assert summary.state == "complete"
    assert sum(summary.trials.values()) == 6
    assert summary.trials["failed"] == summary.trials["running"] == 0


def test_events_are_told_in_order_from_one_thread_with_the_callers_output(
    tmp_path: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    threads: set[int] = set()

    def listen(event: Event) -> None:
        threads.add(threading.get_ident())
        print(event.kind)

    run_sweep(
        sweep_params(),
        project(tmp_path),
        "s",
        engine=engine,
        workers=workers(engine),
        on_event=listen,
        tracker=MemoryTracker(),
    )
    kinds = capsys.readouterr().out.split()
    assert threads == {threading.get_ident()}
    assert kinds[0] == "opened"
    assert kinds[-1] == "closed"
    assert kinds.count("ended") == 6


def test_a_second_driver_is_refused_while_the_first_one_works(tmp_path: Path, engine: str) -> None:
    params = sweep_params({"sweep.pruner.name": "none", "sweep.budget.trials": 40, "train.epochs": 100})
    project(tmp_path, params)
    stop = threading.Event()
    thread = threading.Thread(
        target=lambda: sweep(tmp_path, params, engine=engine, workers=workers(engine), stop=stop), daemon=True
    )
    thread.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Study.open(tmp_path, "s").count() > 0:
                break
        except NnopsError:  # It does not exist yet, or is just beginning.
            pass
        time.sleep(0.05)
    with pytest.raises(StudyError, match="is driven by process"):
        sweep(tmp_path, params, resume=True)
    stop.set()
    thread.join()
    assert Study.open(tmp_path, "s").state == "stopped"
