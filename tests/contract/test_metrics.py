"""What every metric of the table promises."""

import subprocess
import sys

import numpy as np
import pytest

from nnops.batch import TOKENS
from nnops.metrics import METRICS, SHOWN
from nnops.metrics.base import Predictions, better
from nnops.metrics.tokens import tally
from nnops.metrics.weighted import Weighted

CASES = [(name, task) for name in METRICS.names() for task in METRICS.load(name).tasks]


def truth(task, rows, rng):
    if task == "forecasting":
        return rng.normal(size=(rows, 6)).astype(np.float32)
    if task == "regression":
        return rng.normal(size=rows).astype(np.float32)
    if task == "multilabel":
        return rng.integers(0, 2, (rows, 3)).astype(np.float32)
    if task == "segmentation":
        return rng.integers(0, 3, (rows, 4, 3))
    return rng.permutation(np.arange(rows) % (2 if task == "binary" else 3))


def outputs(task, target_N, noise, rng):
    """Perfect outputs with noise laid over; noise None gives outputs that know nothing of the truth."""
    if task in ("forecasting", "regression"):
        base_NC = target_N.reshape(len(target_N), -1).astype(float)
        noise = noise and noise / 10
    elif task == "multilabel":
        base_NC = 8.0 * (2 * target_N - 1.0)
    elif task == "binary":
        base_NC = 8.0 * (2 * target_N[:, None] - 1.0)
    elif task == "segmentation":
        base_NC = 8.0 * np.moveaxis(np.eye(3)[target_N], -1, 1)
    else:
        base_NC = 8.0 * np.eye(3)[target_N]
    if noise is None:
        return rng.permutation(base_NC).astype(np.float32)
    return (base_NC + noise * rng.normal(size=base_NC.shape)).astype(np.float32)


def told(task, rows, noise, rng):
    """Rows of 1 to 5 tokens; of each ignorant row the logits are of other rows."""
    length_N1 = rng.integers(1, 6, (rows, 1))
    target_NT = np.where(np.arange(6) < length_N1, rng.integers(2, 8, (rows, 6)), 0)
    logit_NTC = 8.0 * np.eye(8)[rng.permutation(target_NT) if noise is None else target_NT]
    logit_NTC += (noise or 0.0) * rng.normal(size=logit_NTC.shape)
    return tally(task, logit_NTC.astype(np.float32), target_NT, np.arange(8))


def make(task, rows=200, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    if task in TOKENS:
        return told(task, rows, noise, rng)
    target_N = truth(task, rows, rng)
    return Predictions(task, outputs(task, target_N, noise, rng), target_N, mean=20.0, std=2.0)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_is_a_finite_number_in_its_range(name, task):
    for noise in (0.0, 1.0, 9.0, None):
        value = METRICS.build(name, {})(make(task, noise=noise))
        assert isinstance(value, float)
        assert np.isfinite(value)
        if name == "r2":
            assert value <= 1
        elif METRICS.load(name).direction == "maximize":
            assert 0 <= value <= 1
        else:
            assert value >= 0


@pytest.mark.parametrize(("name", "task"), CASES)
def test_perfect_is_better_than_noisy_than_ignorant(name, task):
    metric = METRICS.build(name, {})
    perfect, noisy, ignorant = (metric(make(task, noise=noise)) for noise in (0.0, 6.0, None))
    assert better(metric, perfect, noisy)
    assert better(metric, noisy, ignorant)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_order_of_rows_does_not_matter(name, task):
    metric = METRICS.build(name, {})
    predictions = make(task, noise=6.0)
    turned = predictions.rows(np.random.default_rng(1).permutation(len(predictions)))
    assert metric(turned) == pytest.approx(metric(predictions), rel=1e-12)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_weightings_do_not_touch_each_other(name, task):
    metric = METRICS.build(name, {})
    predictions = make(task, noise=6.0)
    weight_SN = np.random.default_rng(2).integers(0, 4, (7, len(predictions))).astype(float)
    together_S = metric.values(Weighted(predictions, weight_SN))
    alone_S = [metric.values(Weighted(predictions, weight_SN[s : s + 1]))[0] for s in range(7)]
    assert together_S.tolist() == alone_S


@pytest.mark.parametrize(("name", "task"), CASES)
def test_weights_may_be_scaled(name, task):
    metric = METRICS.build(name, {})
    predictions = make(task, noise=6.0)
    weight_SN = np.full((1, len(predictions)), 4.0)
    assert metric.values(Weighted(predictions, weight_SN))[0] == pytest.approx(metric(predictions), rel=1e-12)


def test_every_metric_says_its_tasks_direction_and_meaning():
    for name in METRICS.names():
        metric = METRICS.load(name)
        assert metric.tasks
        assert metric.direction in ("maximize", "minimize")
        assert metric.__doc__
        assert metric.examples()
        assert (METRICS.load(name).needs == "") == (name not in ("roc_auc", "pr_auc", "r2", "mape"))


def test_the_shown_metric_fits_its_task():
    for task, name in SHOWN.items():
        assert task in METRICS.load(name).tasks


def test_metrics_need_no_heavy_import():
    code = (
        "import sys; from nnops.metrics import METRICS; [METRICS.load(n) for n in METRICS.names()];"
        "print(sorted({'sklearn', 'torch', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
