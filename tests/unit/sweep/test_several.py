"""Several objectives, constraints and early stopping together, on real trainings."""

from pathlib import Path
from typing import Any

import pytest
from sweeps import LR, project, sweep, sweep_params

from nnops.errors import InputError, ParamsError
from nnops.params import Params
from nnops.sweep.apply import apply_trial
from nnops.sweep.constraint import Constraint, broken, parse_constraints
from nnops.sweep.front import central, dominates, front, hypervolumes
from nnops.sweep.objective import explain_unmeasured
from nnops.sweep.study import Study
from nnops.tracking.memory import MemoryTracker

HIDDEN = "model.options.hidden"
SPACE = {LR: {"float": [1e-3, 1e-1], "log": True}, HIDDEN: {"choice": [[2], [4], [8], [16], [64]]}}
SMALL = [{"metric": "val_loss", "direction": "minimize"}, {"metric": "parameters", "direction": "minimize"}]


def params_of(config: dict[str, Any] | None = None) -> Params:
    return sweep_params({"sweep.objective": SMALL, "sweep.budget.trials": 12} | (config or {}), SPACE)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_a_front_with_early_stopping_and_a_constraint(tmp_path: Path, sampler: str) -> None:
    config = {
        "sweep.sampler.name": sampler,
        "sweep.constraints": ["parameters <= 200"],
        "sweep.budget.trials": 16,
    }
    config |= {"sweep.sampler.options.startup_trials": 4} if sampler == "tpe" else {}
    config |= {"sweep.sampler.options.population": 3} if sampler == "nsga2" else {}
    params = params_of(config)
    summary, events = sweep(project(tmp_path, params), params)
    study = Study.open(tmp_path, "s")
    trials = study.trials()
    assert summary.trials["pruned"] > 0
    assert summary.trials["infeasible"] > 0
    assert summary.trials["failed"] == 0
    for trial in trials:
        # 64 units are 4 * 64 + 64 + 64 * 3 + 3 weights; nothing was trained to know it.
        assert (trial.config[HIDDEN] == [64]) == (trial.state == "infeasible")
        if trial.state == "infeasible":
            assert trial.reason == "parameters is 515, not <= 200."
            assert trial.epochs == 0
        if trial.state == "complete":
            width = trial.config[HIDDEN][0]
            assert trial.values == {"val_loss": trial.value, "parameters": 8 * width + 3}
    # Only who spent the full fidelity can be of the front.
    assert all(trial.epochs == 6 for trial in trials if trial.state == "complete")
    assert all(trial.epochs < 6 and not trial.values for trial in trials if trial.state == "pruned")
    members = study.front(trials)
    points = [study.point(trial) for trial in members]
    others = [study.point(trial) for trial in trials if trial.state == "complete"]
    assert not any(dominates(other, point) for other in others for point in points)
    assert summary.best is not None
    assert summary.best.number in [trial.number for trial in members]
    joined = [event.number for event in events if event.kind == "ended" and event.best]
    assert {trial.number for trial in members} <= set(joined)


def test_measures_and_the_front_are_tracked(tmp_path: Path) -> None:
    tracker = MemoryTracker()
    params = params_of({"sweep.budget.trials": 8, "sweep.pruner.name": "none"})
    sweep(project(tmp_path, params), params, tracker=tracker)
    study = Study.open(tmp_path, "s")
    for trial in study.trials():
        assert tracker.runs[trial.uid].finals["parameters"] == trial.values["parameters"]
    parent = tracker.runs[study.uid]
    assert parent.series("front/trials")[-1][1] == len(study.front())
    assert {"figures/front.png", "figures/hypervolume.png"} <= set(parent.files)
    assert "nearest to the best of every objective" in parent.tags["mlflow.note.content"]


def test_a_study_of_several_objectives_goes_on_as_it_would_have(tmp_path: Path) -> None:
    params = params_of({"sweep.sampler.name": "nsga2", "sweep.sampler.options.population": 3})
    sweep(project(tmp_path / "whole", params), params)
    root = project(tmp_path / "cut", params)
    sweep(root, params, trials=5)
    sweep(root, params, resume=True, trials=12)

    def rows(root: Path) -> list[Any]:
        return [(t.config, t.state, t.values, t.reports) for t in Study.open(root, "s").trials()]

    assert rows(root) == rows(tmp_path / "whole")


def test_a_complete_trial_that_breaks_a_constraint_cannot_win_and_samplers_hear_it(tmp_path: Path) -> None:
    params = sweep_params(
        {"sweep.constraints": ["val_accuracy >= 0.99", "val_loss >= 0.01"], "sweep.pruner.name": "none"}
    )
    sweep(project(tmp_path, params), params)
    study = Study.open(tmp_path, "s")
    trials = study.trials()
    bad = [trial for trial in trials if trial.state == "infeasible"]
    assert bad
    assert bad[0].reason is not None
    assert bad[0].reason.startswith("val_accuracy is 0.")
    assert bad[0].epochs == 6
    assert bad[0].value is not None
    best = study.best(trials)
    assert best is None or best.measures["val_accuracy"] >= 0.99
    told = study.optuna.trials[bad[0].number].constraints
    assert told["val_accuracy >= 0.99"] == pytest.approx(0.99 - bad[0].measures["val_accuracy"])
    applied = apply_trial(tmp_path, "s", bad[0].number)
    assert applied.notes == (f"trial {bad[0].number} is infeasible: {bad[0].reason}",)


def test_the_int8_model_is_measured(tmp_path: Path) -> None:
    names = ["onnx_int8.val.accuracy", "onnx_int8.size_bytes", "torch_fp32.latency_p50_ms"]
    directions = ["maximize", "minimize", "minimize"]
    several = [SMALL[0], *({"metric": n, "direction": d} for n, d in zip(names, directions, strict=True))]
    params = sweep_params({"sweep.objective": several, "sweep.budget.trials": 2, "sweep.pruner.name": "none"})
    summary, _ = sweep(project(tmp_path, params), params)
    assert summary.trials["complete"] == 2
    for trial in Study.open(tmp_path, "s").trials():
        assert set(trial.values) == {"val_loss", *names}
        assert 0.3 < trial.values["onnx_int8.val.accuracy"] <= 1
        assert 500 < trial.values["onnx_int8.size_bytes"] < 20_000
        assert 0 < trial.values["torch_fp32.latency_p50_ms"] < 50


def test_the_fairness_gap_is_that_of_the_predictions(tmp_path: Path) -> None:
    rows = [f"{n % 17},{'FM'[n % 2]},{'yes' if n % 2 else 'no'}" for n in range(200)]
    (tmp_path / "a.csv").write_text("age,sex,target\n" + "\n".join(rows) + "\n")
    record: dict[str, Any] = {
        "data.source": {"name": "csv", "options": {"path": str(tmp_path / "a.csv")}},
        "sweep.constraints": ["fairness_gap.sex <= 0.2"],
        "sweep.pruner.name": "none",
        "train.epochs": 12,
        "sweep.budget.trials": 3,
    }
    for categories in ("one_hot", "embedding"):
        params = sweep_params({**record, "data.categories": categories}, {LR: {"float": [0.05, 0.1]}})
        root = project(tmp_path / categories, params)
        sweep(root, params)
        gaps = [trial.measures["fairness_gap.sex"] for trial in Study.open(root, "s").trials()]
        # The target is the sex, so a network that has learned anything is as unfair as can be.
        assert max(gaps) == 1.0
        assert Study.open(root, "s").best() is None
    with pytest.raises(ParamsError, match=r"'fairness_gap.age' is not measured of a trial; did you mean 'fairness_gap"):
        sweep(root, params_over(params, ["fairness_gap.age <= 0.2"]), "t")


def params_over(params: Params, constraints: list[str]) -> Params:
    from nnops.params import overlay

    return overlay(params, {"sweep.constraints": constraints})


def test_bad_objectives_and_constraints_start_nothing(tmp_path: Path) -> None:
    project(tmp_path)

    def refused(config: dict[str, Any], match: str) -> None:
        with pytest.raises(InputError, match=match) as error:
            sweep(tmp_path, sweep_params(config))
        assert "\n" not in str(error.value)

    second = "sweep.objective"
    refused({second: [SMALL[0], {"metric": "paramters"}]}, r"objective\.1\.metric: .* did you mean 'parameters'")
    refused({second: [SMALL[0], {"metric": "onnx_int8.val.accuracy"}]}, "larger; write direction: maximize")
    refused({second: [SMALL[1]]}, "'parameters' is not measured after each epoch")
    refused({second: [SMALL[0], SMALL[0]]}, "names val_loss twice")
    refused({second: []}, "got an empty list")
    refused({"sweep.constraints": ["parameters < 3"]}, "'parameters < 3' is not of the form 'metric <= number'")
    refused({"sweep.constraints": ["onnx_int8.test.accuracy >= 3"]}, r"did you mean 'onnx_int8\.val\.accuracy'")
    refused({"sweep.constraints": ["parameters <= 3", "parameters <= 4"]}, "bounds parameters <= twice")
    refused({second: SMALL, "sweep.sampler.name": "cmaes"}, "cmaes optimises one objective, got 2")
    sweep(tmp_path)
    with pytest.raises(InputError, match=r"the constraints none, not parameters <= 3"):
        sweep(tmp_path, sweep_params({"sweep.constraints": ["parameters <= 3"]}), resume=True)


def test_fronts_and_their_volume() -> None:
    points = [(1.0, 9.0), (2.0, 5.0), (9.0, 1.0), (5.0, 5.0), (2.0, 5.0)]
    assert front(points) == [0, 1, 2]
    assert [points[place] for place in central(points[:3])] == [(2.0, 5.0), (1.0, 9.0), (9.0, 1.0)]
    # In ranges of the front, whatever else is far away.
    assert central([(2.0, 5.0), (1.0, 9.0)], points[:3]) == [0, 1]
    assert central([(0.0, 1.0), (2.0, 5.0)], points[:3])[0] == 0
    assert front([]) == []
    volumes = hypervolumes([(0.0, 1.0), (1.0, 0.0), (0.5, 0.5), (0.75, 0.75), (0.25, 0.25)])
    assert volumes == pytest.approx([0.0, 0.0, 0.25, 0.25, 0.5625])


def test_constraints_in_words() -> None:
    both = parse_constraints(["a <= 1e3", "b>=0.5"])
    assert [str(each) for each in both] == ["a <= 1000", "b >= 0.5"]
    assert broken(both, {"a": 1000.0, "b": 0.4}) == ["b is 0.4, not >= 0.5"]
    assert broken(both, {"b": float("nan")}) == ["b is nan, not >= 0.5"]
    assert Constraint("b", ">=", 0.5).violation(0.4) == pytest.approx(0.1)


def test_on_workers_too(tmp_path: Path) -> None:
    config = {
        "sweep.constraints": ["parameters <= 200"],
        "sweep.repeats": {"top": 2, "seeds": 2},
        "sweep.order": "fixed",
        "sweep.lag": 2,
        "sweep.sampler.name": "nsga2",
        "sweep.sampler.options.population": 3,
    }
    tables: list[Any] = []
    for engine in ("inline", "ray"):
        params = params_of({**config, "sweep.engine": engine, "sweep.workers": 2 if engine == "ray" else 1})
        root = project(tmp_path / engine, params)
        sweep(root, params)
        study = Study.open(root, "s")
        tables.append([(r.number, r.config, r.state, r.values, r.repeat, r.seed) for r in study.records()])
        assert study.best() is not None
    searched = [[row for row in table if row[4] is None] for table in tables]
    assert searched[0] == searched[1]
    assert sorted(tables[0], key=repr) == sorted(tables[1], key=repr)


def test_a_search_over_families_and_their_shapes(tmp_path: Path) -> None:
    space = {
        "model.name": {"choice": ["cnn", "resnet"]},
        "model.options.channels": {"choice": [[4], [4, 8]]},
        "model.options.norm": {"choice": [True, False], "when": {"model.name": "cnn"}},
        "model.options.dropout": {"float": [0.0, 0.3], "when": {"model.options.norm": False}},
        "model.options.blocks": {"int": [1, 2], "when": {"model.name": "resnet"}},
    }
    config = {
        "data.source": {"name": "sklearn", "options": {"set": "digits"}},
        "model": {"name": "cnn", "options": {}},
        "train.epochs": 1,
        "train.batch_size": 256,
        "sweep.budget.trials": 8,
        "sweep.sampler": {"name": "qmc"},
        "sweep.pruner.name": "none",
        "sweep.constraints": ["parameters <= 1000000"],
    }
    params = sweep_params(config, space)
    summary, _ = sweep(project(tmp_path, params), params)
    assert summary.trials["complete"] == 8
    trials = Study.open(tmp_path, "s").trials()
    assert {trial.config["model.name"] for trial in trials} == {"cnn", "resnet"}
    for trial in trials:
        assert ("model.options.blocks" in trial.config) == (trial.config["model.name"] == "resnet")
        assert ("model.options.dropout" in trial.config) == (trial.config.get("model.options.norm") is False)
    # What was taken makes the very network, whatever the other family's options were.
    applied = apply_trial(tmp_path, "s")
    assert applied.config == trials[applied.number].config
    assert applied.notes == ()


def test_a_front_of_one_names_no_other(tmp_path: Path) -> None:
    both = [
        {"metric": "val_loss", "direction": "minimize"},
        {"metric": "val_accuracy", "direction": "maximize"},
    ]
    params = sweep_params({"sweep.objective": both})
    root = project(tmp_path, params)
    sweep(root, params, trials=1)
    assert apply_trial(root, "s").why == "alone on the front: no other trial is better in any objective"


def test_gaps_are_of_categorical_columns() -> None:
    said = explain_unmeasured("fairness_gap.sex", ["val_loss", "parameters"])
    assert said == (
        "'fairness_gap.sex' is not measured of a trial; the data have no categorical column with two groups of 10 val"
        " rows or more, or no classes are predicted; leave it out."
    )
    assert explain_unmeasured("fairness_gap.sx", ["fairness_gap.sex"]).endswith("did you mean 'fairness_gap.sex'?")
    assert explain_unmeasured("qqq", ["val_loss", "parameters"]).endswith("write one of val_loss, parameters.")
