"""What is said of a judgement is what was decided, told from the record alone."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sweeps import LR, project, sweep, sweep_params

from nnops.errors import InputError
from nnops.report import Report
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.virtual import HeldLease, Virtual
from nnops.sweep.explain import explain_trial
from nnops.sweep.judgement import Judge
from nnops.sweep.objective import Objective
from nnops.sweep.space import Space
from nnops.sweep.study import Study
from nnops.sweep.trial import Bench

LENGTHS = {LR: {"float": [1e-4, 1e-1], "log": True}, "train.epochs": {"int": [5, 27]}}
CASES: dict[str, dict[str, Any]] = {
    "asha": {"sweep.pruner": {"name": "asha"}},
    "fixed": {"sweep.pruner": {"name": "asha"}, "sweep.order": "fixed", "sweep.lag": 4},
    "hyperband": {"sweep.pruner": {"name": "hyperband", "options": {"reduction_factor": 2}}},
    "median": {"sweep.pruner": {"name": "median", "options": {"startup_trials": 3}}},
    "patient": {
        "sweep.pruner": {"name": "patient", "options": {"patience": 0, "pruner": None}},
        "sweep.objective": {"metric": "val_accuracy", "direction": "maximize"},
    },
    "lengths": {"sweep.pruner": {"name": "asha"}, "sweep.budget.trials": 40, "space": LENGTHS},
    "fixed lengths": {"sweep.pruner": {"name": "asha"}, "sweep.order": "fixed", "sweep.lag": 4, "space": LENGTHS},
    "sqlite": {"sweep.pruner": {"name": "asha"}, "sweep.storage": "sqlite:///{root}/studies.db"},
}


@pytest.fixture(scope="module", params=list(CASES))
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp(request.param)
    config = {"sweep.budget.trials": 18}
    case = dict(CASES[request.param])
    space = case.pop("space", None)
    for key, value in case.items():
        config[key] = value.format(root=root) if isinstance(value, str) else value
    params = sweep_params(config, space)
    sweep(project(root, params), params)
    return Study.open(root, "s")


def test_every_verdict_is_found_again(study: Study) -> None:
    trials = study.trials()
    judge = Judge(study, trials)
    assert {trial.state for trial in trials} == {"complete", "pruned"}
    for trial in trials:
        judgements = judge.judgements(trial)
        assert [each.stopped for each in judgements[:-1]] == [False] * len(judgements[:-1])
        if trial.state == "pruned":
            assert judgements[-1].epoch == trial.epochs
            assert judgements[-1].stopped
            assert judge.stop_of(trial) == judgements[-1]
        else:
            assert not any(each.stopped for each in judgements)
            assert judge.stop_of(trial) is None


def test_the_limit_is_the_last_value_that_goes_on(study: Study) -> None:
    loss = study.objective.loss
    trials = study.trials()
    judge = Judge(study, trials)
    for trial in trials:
        for each in judge.judgements(trial):
            assert trial.number not in {number for number, _ in each.peers}
            if each.limit is None:
                assert not (each.stopped and each.peers)
            elif study.params.sweep.pruner.name in ("asha", "hyperband"):
                assert each.stopped == (loss(each.value) > loss(each.limit))
                # It is somebody's value: a third of those who came, or the best one, did as well.
                assert each.limit in {value for _, value in each.peers} | {each.value}


def test_a_stopped_trial_is_explained(study: Study) -> None:
    trial = next(trial for trial in study.trials() if trial.state == "pruned")
    explained = explain_trial(study, trial.number)
    name = study.params.sweep.pruner.name
    assert explained.why.startswith(f"{name} stopped it at epoch {trial.epochs}: {study.objective.metric} was")
    assert "had to be at" in explained.why
    record = json.loads(json.dumps(explained.to_json(), allow_nan=False))
    assert record["judgements"][-1]["stopped"]
    assert record["config"] == trial.config
    assert record["again"][0] == f"nnops sweep apply s --trial {trial.number}"
    console = Console(width=120, record=True, file=None)
    with console.capture() as captured:
        console.print(explained.table())
    assert "stopped" in captured.get()


def test_the_best_trial_is_explained(study: Study) -> None:
    best = study.best()
    assert best is not None
    explained = explain_trial(study, best.number)
    assert "It is the best of" in explained.why
    assert explained.to_json()["weights_sha256"] == best.weights_sha256
    assert explained.seed == study.params.seed


def test_no_such_trial(study: Study) -> None:
    with pytest.raises(InputError, match=f"no trial 99; write one of 0 to {len(study.trials()) - 1}"):
        explain_trial(study, 99)


def test_other_ends_have_their_reasons(tmp_path: Path) -> None:
    params = sweep_params({"sweep.budget.trials": 3, "train.optimizer": {"name": "sgd", "options": {"lr": 1e20}}},
                          {"model.options.dropout": {"float": [0.0, 0.1]}})  # fmt: skip
    sweep(project(tmp_path, params), params)
    study = Study.open(tmp_path, "s")
    assert explain_trial(study, 0).why.startswith("It is infeasible: ")


def curve(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """Nine epochs of a second or more each, so that several workers report in turns."""
    for epoch in range(1, 10):
        yield config[LR] * 10 + 1.0 / epoch, 1.0 + config["model.options.dropout"]


@pytest.mark.parametrize(
    ("pruner", "order", "storage", "trials"),
    [
        ("asha", "async", None, 40),
        ("hyperband", "async", None, 40),
        ("median", "async", None, 40),
        ("asha", "fixed", None, 40),
        ("asha", "async", "sqlite:///{root}/studies.db", 16),
    ],
)
def test_verdicts_among_several_workers_are_found_again(
    tmp_path: Path, pruner: str, order: str, storage: str | None, trials: int
) -> None:
    params = sweep_params(
        {"train.epochs": 9, "sweep.pruner": {"name": pruner}, "sweep.order": order}
        | ({"sweep.storage": storage.format(root=tmp_path)} if storage else {})
    )
    space, written = Space.parse(params.sweep.space), params.sweep.objectives[0]
    objective = Objective(written.metric, written.direction)
    study = Study.create(tmp_path, "s", params, space, (objective,), "0" * 64)
    conductor = Conductor(
        study, HeldLease(), trials=trials, seconds=None, stop=threading.Event(), tell=lambda event: None
    )
    Virtual(4, curve).run(conductor, Bench(params.record(), str(tmp_path), None, str(tmp_path), "val_loss"))
    study = Study.open(tmp_path, "s")
    records = study.trials()
    assert len(records) == trials
    judge = Judge(study, records)
    for trial in records:
        verdicts = [each.stopped for each in judge.judgements(trial)]
        assert verdicts == [False] * (len(verdicts) - 1) + [trial.state == "pruned"] if verdicts else True
    stopped = [trial for trial in records if trial.state == "pruned"]
    assert stopped
    # Asked in the order of their ends, an answer is the same.
    fresh = Judge(study, records)
    for trial in sorted(stopped, key=lambda each: each.ended or 0.0):
        assert fresh.stop_of(trial) == judge.judgements(trial)[-1]


def test_a_rung_that_was_not_believed_is_told(tmp_path: Path) -> None:
    params = sweep_params({"train.epochs": 9, "sweep.pruner": {"name": "asha"}})
    objective = (Objective("val_loss", "minimize"),)
    Study.create(tmp_path, "s", params, Space.parse(params.sweep.space), objective, "hash")
    study = Study.open(tmp_path, "s", drive=True)
    conductor = Conductor(study, HeldLease(), trials=20, seconds=None, stop=threading.Event(), tell=lambda event: None)
    for number in range(9):
        trial = conductor.next()
        assert trial is not None
        # Each looks better than those before, and is worse.
        assert conductor.report(number, Report(1, {"val_loss": 1.0 - number / 10}, 0.1))
        assert conductor.report(number, Report(2, {"val_loss": 0.5}, 0.1))
        conductor.report(number, Report(3, {"val_loss": number / 10}, 0.1))
    late = conductor.next()
    assert late is not None
    assert conductor.report(late.number, Report(1, {"val_loss": 0.9}, 0.1))
    study.flush()
    judged = Judge(study, study.trials()).judgements(study.trials()[late.number])
    assert [(each.epoch, each.stopped, each.belief) for each in judged] == [(1, False, pytest.approx(-1.0))]
    console = Console(width=120, record=True)
    console.print(explain_trial(study, late.number).table())
    assert "went on, not believed (-1.00)" in console.export_text()
    assert explain_trial(study, late.number).to_json()["judgements"][0]["belief"] == pytest.approx(-1.0)
