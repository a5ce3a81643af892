"""Forecasts judged: baselines and metrics against references, draws in blocks, figures and tables."""

import csv

import numpy as np
import pytest
from small import SPECS, params, small

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.evaluation.artifact import draw, write_scorecard
from nnops.evaluation.baselines import BASELINES
from nnops.evaluation.baselines.base import Rows
from nnops.evaluation.evaluate import check_metrics, evaluate
from nnops.evaluation.interval import resample
from nnops.metrics import METRICS
from nnops.metrics.predictions import Predictions
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

SPEC = Spec("forecasting", ("series",), ((12, 3),), (), 4 * 2, targets=(2, 0))


def rows(count=60, seed=0, season=5):
    """Windows of three variables that repeat every ``season`` steps, with a little noise."""
    rng = np.random.default_rng(seed)
    whole = rng.normal(size=(season, 3))[np.arange(count + 16) % season] + 0.01 * rng.normal(size=(count + 16, 3))
    series = np.stack([whole[n : n + 12] for n in range(count)]).astype(np.float32)
    target = np.stack([whole[n + 12 : n + 16][:, [2, 0]].ravel() for n in range(count)]).astype(np.float32)
    return Rows((series,), target)


def fit(name, train=None):
    return BASELINES.build(name, {}).fit(train or rows(), rows(20, 1), SPEC, seed=7)


def test_the_last_value_goes_on():
    test = rows(10, 2)
    found = fit("last_value").predict(test.inputs).reshape(10, 4, 2)
    for step in range(4):
        np.testing.assert_array_equal(found[:, step], test.inputs[0][:, -1, [2, 0]])


@pytest.mark.parametrize("season", [3, 5, 7])
def test_the_season_is_found_and_repeated(season):
    fitted, test = fit("seasonal_naive", rows(300, season=season)), rows(10, 2, season)
    assert fitted.note == f"a season of {season} steps"
    found = fitted.predict(test.inputs)
    for step in range(4):
        place = 12 - season + step % season
        np.testing.assert_array_equal(found.reshape(10, 4, 2)[:, step], test.inputs[0][:, place, [2, 0]])
    assert np.abs(found - test.target_N).max() < 0.1


def test_the_linear_forecast_is_scikit_learns_ridge():
    from sklearn.linear_model import Ridge

    train, test = rows(50, 3, season=11), rows(10, 4)

    def flat(part):
        window = part.inputs[0][:, :, [2, 0]].astype(float).transpose(0, 2, 1).reshape(-1, 12)
        ahead = part.target_N.astype(float).reshape(-1, 4, 2).transpose(0, 2, 1).reshape(-1, 4)
        return window - window[:, -1:], ahead - window[:, -1:], window[:, -1:]

    window, ahead, _ = flat(train)
    ridge = Ridge(alpha=1.0).fit(window, ahead)
    window, _, last = flat(test)
    wanted = (ridge.predict(window) + last).reshape(10, 2, 4).transpose(0, 2, 1).reshape(10, 8)
    np.testing.assert_allclose(fit("linear", train).predict(test.inputs), wanted, atol=1e-6)


def test_the_mean_answers_each_steps_own():
    train = rows()
    found = fit("mean", train).predict(rows(3, 2).inputs)
    np.testing.assert_allclose(found, np.tile(train.target_N.mean(0), (3, 1)), rtol=1e-5)


def test_metrics_in_scaled_and_in_own_units():
    from sklearn.metrics import mean_absolute_error, mean_squared_error

    rng = np.random.default_rng(0)
    output, target = rng.normal(size=(20, 8)), rng.normal(size=(20, 8))
    mean, std = rng.normal(size=8), rng.uniform(1, 9, 8)
    predictions = Predictions("forecasting", output, target, mean, std)
    true, said = target * std + mean, output * std + mean
    wanted = {
        "scaled_mse": mean_squared_error(target, output),
        "scaled_mae": mean_absolute_error(target, output),
        "scaled_rmse": mean_squared_error(target, output) ** 0.5,
        "mse": mean_squared_error(true, said),
        "mae": mean_absolute_error(true, said),
        "rmse": mean_squared_error(true, said) ** 0.5,
    }
    assert sorted(wanted) == sorted(name for name in METRICS.names() if "forecasting" in METRICS.load(name).tasks)
    for name, value in wanted.items():
        assert METRICS.build(name, {})(predictions) == pytest.approx(value)


def test_draws_take_windows_in_a_row():
    output = np.arange(40.0)[:, None]
    predictions = Predictions("forecasting", output, np.zeros_like(output))
    metrics = {"scaled_mae": METRICS.build("scaled_mae", {})}
    one, ten, all_of_them = (
        resample([predictions], metrics, 400, np.random.default_rng(0), block)[0]["scaled_mae"] for block in (1, 10, 40)
    )
    # A mean over few blocks moves more than one over as many single rows; a circle of all rows does not move.
    assert ten.std() > 1.8 * one.std()
    np.testing.assert_allclose(all_of_them, 19.5)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves")
    data = small(folder / "data", "series")
    chosen = params(model={"name": "linear_series", "options": {}}, evaluate={"intervals": {"samples": 20}})
    write_model(folder / "model", train(chosen, data), chosen, data)
    return evaluate(read_model(folder / "model"), data, chosen), folder


def test_a_forecast_stands_beside_its_baselines(judged):
    card, _ = judged
    assert card.primary == "scaled_mse"
    assert [one.name for one in card.baselines] == ["last_value", "seasonal_naive", "linear"]
    assert card.test["scaled_mse"].value < 0.8 * card.baselines[0].test["scaled_mse"].value
    for name, errors in card.step_errors.items():
        scores = card.test if name == card.model else next(one.test for one in card.baselines if one.name == name)
        assert np.mean(errors) == pytest.approx(scores["scaled_mse"].value)
        assert len(errors) == 2


def test_examples_are_windows_in_own_units(judged):
    card, folder = judged
    data = small(folder / "data", "series")
    tensors = data.tensors("test")
    assert [example.row for example in card.examples] == [0, 30, 59]
    scale = np.array([5.0, 2.0]), np.array([20.0, 0.5])
    for example in card.examples:
        assert example.names == ("a", "c")
        past = tensors.inputs[0][example.row].numpy()[-4:, [0, 2]]
        np.testing.assert_allclose(example.past_LV, past * scale[0] + scale[1], rtol=1e-6)
        truth = tensors.target[example.row].numpy().reshape(2, 2)
        np.testing.assert_allclose(example.truth_HV, truth * scale[0] + scale[1], rtol=1e-6)


def test_an_evaluation_is_written_with_its_steps(judged, tmp_path):
    card, _ = judged
    numbers = write_scorecard(tmp_path, card)
    assert {"test.scaled_mse", "test.scaled_mse.low", "test.rmse", "baseline.linear.scaled_mse"} <= set(numbers)
    with (tmp_path / "steps.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0]) == ["step", "model", "last_value", "seasonal_naive", "linear"]
    assert [float(row["model"]) for row in table] == pytest.approx(card.step_errors["linear_series"], rel=1e-5)
    with (tmp_path / "predictions.csv").open() as stream:
        windows = list(csv.DictReader(stream))
    assert len(windows) == 60
    assert np.mean([float(row["scaled_mse"]) for row in windows]) == pytest.approx(numbers["test.scaled_mse"], rel=1e-5)
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"scorecard.png", "forecasts.png", "steps.png"}


def test_figures_show_what_they_say(judged):
    card, _ = judged
    figures = draw(card)
    axes = figures["forecasts"].axes
    assert len(axes) == 2 * 3
    past, truth, forecast = axes[0].get_lines()[:3]
    np.testing.assert_array_equal(forecast.get_ydata(), card.examples[0].forecast_HV[:, 0])
    np.testing.assert_array_equal(truth.get_xdata(), [1, 2])
    assert past.get_xdata()[-1] == 0
    (steps,) = figures["steps"].axes
    np.testing.assert_array_equal(steps.get_lines()[0].get_ydata(), card.step_errors["linear_series"])


def test_a_baseline_of_another_task_is_refused():
    with pytest.raises(
        ParamsError, match="'boosted_trees' does not fit the task forecasting; write some of last_value"
    ):
        check_metrics(params(evaluate={"baselines": ["boosted_trees"]}), SPECS["series"].task)
    with pytest.raises(ParamsError, match="'last_value' does not fit the task binary"):
        check_metrics(params(evaluate={"baselines": ["last_value"]}), "binary")
