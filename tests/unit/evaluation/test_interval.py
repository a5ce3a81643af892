import numpy as np
import pytest

from nnops.evaluation import interval as module
from nnops.evaluation.interval import interval, resample
from nnops.metrics import METRICS
from nnops.metrics.predictions import Predictions

NAMES = {
    "binary": ["accuracy", "balanced_accuracy", "f1", "log_loss", "pr_auc", "precision", "recall", "roc_auc"],
    "regression": ["mae", "mape", "mse", "r2", "rmse"],
}


def make(task, rows, seed=0):
    rng = np.random.default_rng(seed)
    if task == "regression":
        target_N = rng.normal(size=rows)
        return Predictions(task, (target_N + rng.normal(size=rows))[:, None], target_N, 10.0, 2.0)
    target_N = rng.integers(0, 2, rows).astype(np.float32)
    return Predictions(task, (target_N * 2 - 1 + 1.5 * rng.normal(size=rows))[:, None], target_N)


def choose(task):
    return {name: METRICS.build(name, {}) for name in NAMES[task]}


@pytest.mark.parametrize("task", sorted(NAMES))
def test_a_draw_is_the_metric_of_the_drawn_rows(task):
    predictions, metrics = make(task, 83), choose(task)
    drawn = resample([predictions], metrics, 20, np.random.default_rng(5))[0]
    generator = np.random.default_rng(5)
    for s in range(20):
        again = predictions.rows(generator.integers(0, 83, 83))
        for name, metric in metrics.items():
            assert drawn[name][s] == pytest.approx(metric(again), rel=1e-9)


def test_draws_do_not_depend_on_how_many_are_held(monkeypatch):
    predictions, metrics = make("binary", 50), choose("binary")
    whole = resample([predictions], metrics, 33, np.random.default_rng(1))[0]
    monkeypatch.setattr(module, "HELD", 100)
    parts = resample([predictions], metrics, 33, np.random.default_rng(1))[0]
    for name in metrics:
        assert parts[name].tolist() == whole[name].tolist()


def test_models_see_the_same_draws():
    predictions, metrics = make("binary", 60), choose("binary")
    better = Predictions("binary", predictions.output_NC + 0.0, predictions.target_N)
    first, second = resample([predictions, better], metrics, 50, np.random.default_rng(2))
    assert (first["accuracy"] == second["accuracy"]).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    metrics = {"accuracy": METRICS.build("accuracy", {})}
    covered = 0
    for _ in range(150):
        target_N = np.ones(200, np.float32)
        predictions = Predictions("binary", np.where(rng.random(200) < 0.8, 1.0, -1.0)[:, None], target_N)
        low, high = interval(resample([predictions], metrics, 300, rng)[0]["accuracy"], 0.9)
        covered += low <= 0.8 <= high
    # Binomial(150, 0.9) has a deviation of 3.7.
    assert 122 <= covered <= 148


def test_a_wider_level_is_a_wider_interval():
    draws = resample([make("regression", 100)], choose("regression"), 400, np.random.default_rng(3))[0]["rmse"]
    (low_1, high_1), (low_2, high_2) = interval(draws, 0.8), interval(draws, 0.99)
    assert low_2 < low_1 < high_1 < high_2


def test_draws_without_a_value_are_left_out_until_they_are_too_many():
    values = np.arange(100.0)
    values[:10] = np.nan
    assert interval(values, 0.9) == interval(values[10:], 0.9)
    values[:11] = np.nan
    assert interval(values, 0.9) is None
    assert interval(np.empty(0), 0.9) is None


def test_no_samples_no_draws():
    assert resample([make("binary", 9)], choose("binary"), 0, np.random.default_rng(0))[0]["accuracy"].shape == (0,)
