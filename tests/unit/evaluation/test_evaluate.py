import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundled import settings

from nnops.data.prepared import Prepared
from nnops.errors import DataError, NameUnknownError, ParamsError
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import check_metrics, evaluate, fitting_metrics
from nnops.evaluation.predict import network, predict_split
from nnops.evaluation.scorecard import BaselineScore, Score, shown
from nnops.files import read_json
from nnops.metrics import METRICS, SHOWN


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_numbers_are_the_metrics_of_the_networks_predictions(project):
    scorecard = evaluate(project.model, project.data, project.params)
    predictions = predict_split(network(project.model), project.data, "test")
    assert (scorecard.predictions.output_NC == predictions.output_NC).all()
    for name in fitting_metrics(project.task):
        assert scorecard.test[name].value == METRICS.build(name, {})(predictions)
    flat = scorecard.metrics()
    assert all(type(value) is float and np.isfinite(value) for value in flat.values())
    fallback = "mean" if project.task == "regression" else "majority"
    names = {f"baseline.{name}.{SHOWN[project.task]}" for name in (fallback, "linear", "boosted_trees")}
    assert names | {f"test.{SHOWN[project.task]}", f"val.{SHOWN[project.task]}"} <= set(flat)
    for name in scorecard.test:
        assert flat[f"test.{name}.low"] <= flat[f"test.{name}"] <= flat[f"test.{name}.high"]


def test_val_is_to_the_bit_what_training_saw(project):
    model = project.model
    scorecard = evaluate(model, project.data, settings(project.task, baselines=[]))
    shown_metric = SHOWN[project.task]
    assert scorecard.val[shown_metric].value == model.record["val"][f"val_{shown_metric}"]


def test_metrics_and_baselines_are_those_asked_for_in_that_order(projects):
    project = projects("binary")
    params = settings("binary", metrics=["roc_auc", "accuracy"], baselines=["linear", "mean", "majority"])
    scorecard = evaluate(project.model, project.data, params)
    assert list(scorecard.test) == ["roc_auc", "accuracy"]
    assert scorecard.primary == "roc_auc"
    assert [one.name for one in scorecard.baselines] == ["linear", "majority"]


def test_no_samples_no_intervals(projects):
    project = projects("binary")
    params = settings("binary", intervals={"samples": 0}, baselines=["majority"])
    scorecard = evaluate(project.model, project.data, params)
    assert scorecard.test["accuracy"].low is None
    assert not [name for name in scorecard.metrics() if name.endswith((".low", ".high"))]
    assert scorecard.baselines[0].verdict == "ahead"


@pytest.mark.parametrize(("task", "metric", "sign"), [("multiclass", "accuracy", 1), ("regression", "rmse", -1)])
def test_the_gap_is_paired_and_the_verdict_follows_from_it(projects, task, metric, sign):
    project = projects(task)
    scorecard = evaluate(project.model, project.data, project.params)
    for one in scorecard.baselines:
        assert one.gap.value == pytest.approx(scorecard.test[metric].value - one.test[metric].value)
        assert one.gap.low <= one.gap.value <= one.gap.high
        worst, best = sorted((sign * one.gap.low, sign * one.gap.high))
        assert one.verdict == ("ahead" if worst > 0 else "behind" if best < 0 else "level")
    assert {one.verdict for one in scorecard.baselines} != {"level"}
    if task == "multiclass":
        assert scorecard.baselines[0].verdict == "ahead"


def test_a_network_that_loses_is_shown_as_such(projects):
    project = projects("multiclass")
    model = project.model
    for weights in model.module.parameters():
        weights.zero_()
    scorecard = evaluate(model, project.data, project.params)
    assert scorecard.beaten_by[-2:] == ("linear", "boosted_trees")
    assert {one.verdict for one in scorecard.baselines if one.name != "majority"} == {"behind"}
    assert "linear and boosted trees" in scorecard.sentence().partition(", behind ")[2]
    assert "mlp is behind" in scorecard.table()


def test_less_error_is_ahead(projects):
    scorecard = evaluate(projects("regression").model, projects("regression").data, settings("regression"))
    mine = scorecard.test["rmse"].value

    def rival(name, value):
        return BaselineScore(name, "", {"rmse": Score(value)}, Score(mine - value), "level")

    better, worse = rival("better", mine - 1), rival("worse", mine + 1)
    assert replace(scorecard, baselines=(better, worse)).beaten_by == ("better",)
    assert replace(scorecard, baselines=(worse,)).standing == "level with the best baseline"
    assert replace(scorecard, baselines=()).standing == ""


def test_the_same_inputs_give_the_same_bytes_also_in_another_process(projects, tmp_path):
    project = projects("multiclass")
    history = project.train / "history.csv"
    write_scorecard(tmp_path / "a", evaluate(project.model, project.data, project.params), history)
    code = """
import sys
from pathlib import Path
from bundled import settings
from nnops.data.prepared import Prepared
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.training.artifact import read_model
task, prepared, train, out = sys.argv[1], *map(Path, sys.argv[2:])
scorecard = evaluate(read_model(train), Prepared.open(prepared), settings(task))
write_scorecard(out, scorecard, train / "history.csv")
"""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONHASHSEED": "3",
        "OMP_NUM_THREADS": "2",
        "MPLBACKEND": "agg",
    }
    command = [sys.executable, "-c", code, project.task, project.data.folder, project.train, tmp_path / "b"]
    subprocess.run(command, check=True, env=environment)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_another_seed_moves_the_intervals_and_not_the_values(projects):
    project = projects("regression")
    first = evaluate(project.model, project.data, settings("regression", baselines=[]))
    second = evaluate(project.model, project.data, settings("regression", baselines=[]).model_copy(update={"seed": 8}))
    assert first.test["rmse"].value == second.test["rmse"].value
    assert first.test["rmse"].low != second.test["rmse"].low


def test_a_metric_that_test_leaves_undefined_is_left_out_and_named(projects, tmp_path):
    project = projects("regression")
    data = shifted(project.data, tmp_path, to_zero=True)
    scorecard = evaluate(project.model, data, settings("regression", baselines=["mean"]))
    assert scorecard.undefined == {"mape": "true values other than 0"}
    assert "mape" not in scorecard.test
    assert "test.mape" not in scorecard.metrics()
    with pytest.raises(DataError, match=r"mape is not defined on the \d+ rows of test"):
        evaluate(project.model, data, settings("regression", metrics=["mape"], baselines=[]))


def shifted(data: Prepared, folder: Path, *, to_zero: bool) -> Prepared:
    """The same data with a first test row whose true value is 0, or with no test rows."""
    import shutil

    shutil.copytree(data.folder, folder / "prepared")
    path = folder / "prepared" / "test" / "target.npy"
    target_N = np.load(path)
    if to_zero:
        target_N[0] = -data.schema["target_mean"] / data.schema["target_std"]
        schema = data.schema | {"target_mean": 0.0}
        target_N[0] = 0.0
    else:
        schema = data.schema | {"rows": data.schema["rows"] | {"test": 0}}
        target_N = target_N[:0]
    np.save(path, target_N)
    return Prepared(folder / "prepared", schema)


def test_an_empty_test_split_is_one_sentence(projects, tmp_path):
    project = projects("regression")
    with pytest.raises(DataError, match=r"the test split has no rows.*data\.split\.test"):
        evaluate(project.model, shifted(project.data, tmp_path, to_zero=False), project.params)


def test_a_model_of_other_data_is_refused(projects):
    with pytest.raises(DataError, match="not those of the prepared data"):
        evaluate(projects("binary").model, projects("multiclass").data, settings("multiclass"))


@pytest.mark.parametrize(
    ("task", "names", "message"),
    [
        ("binary", ["rmse"], "'rmse' does not fit the task binary; write some of accuracy, balanced_accuracy, brier"),
        ("regression", ["rmse", "roc_auc"], "'roc_auc' does not fit the task regression; write some of rmse, mae"),
        ("binary", ["acuracy"], "unknown metric 'acuracy'; did you mean 'accuracy'"),
        ("regression", ["xyz"], "unknown metric 'xyz'; there is mae, mape, mse, r2, rmse"),
    ],
)
def test_metrics_that_do_not_fit_are_answered_with_those_that_do(task, names, message):
    with pytest.raises(ParamsError) as caught:
        check_metrics(settings(task, metrics=names), task)
    assert message in str(caught.value)
    assert str(caught.value).startswith("params.yaml: evaluate.metrics: ")


def test_an_unknown_baseline_is_found_before_any_work():
    with pytest.raises(NameUnknownError, match=r"params.yaml: evaluate.baselines: .*did you mean 'linear'"):
        check_metrics(settings("binary", baselines=["liner"]), "binary")


def test_the_written_files_hold_what_they_promise(project, tmp_path):
    scorecard = evaluate(project.model, project.data, settings(project.task, baselines=["linear"]))
    metrics = write_scorecard(tmp_path, scorecard, project.train / "history.csv")
    assert read_json(tmp_path / "metrics.json") == metrics == scorecard.metrics()
    record = read_json(tmp_path / "scorecard.json")
    assert record["baselines"][0]["name"] == "linear"
    assert record["primary"] == SHOWN[project.task]
    lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert len(lines) == 1 + project.data.rows("test")
    last = "residual" if project.task == "regression" else "confidence"
    assert lines[0] == f"row,actual,predicted,{last}"
    figures = {path.stem for path in (tmp_path / "figures").iterdir()}
    if project.task == "regression":
        assert figures == {"scorecard", "history", "predicted", "residuals"}
        return
    assert figures == {"scorecard", "history", "confusion", "curves", "calibration"}
    right = [line.split(",") for line in lines[1:]]
    share = sum(actual == said for _, actual, said, _ in right) / len(right)
    assert share == pytest.approx(scorecard.test["accuracy"].value)
    assert (tmp_path / "roc.csv").read_text().splitlines()[0] == "false_positive_rate,true_positive_rate"
    assert (tmp_path / "pr.csv").read_text().splitlines()[0] == "recall,precision"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (12.345, "12.35"), (123.45, "123.5"), (-0.000197, "-0.0002"), (2e-7, "2.0e-07")],
)
def test_numbers_for_people(value, text):
    assert shown(value) == text
