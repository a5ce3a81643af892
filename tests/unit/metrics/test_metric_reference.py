"""Every metric equals scikit-learn's, weights included, and a definition written out by hand."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from nnops.batch import TOKENS
from nnops.errors import DataError
from nnops.metrics import METRICS
from nnops.metrics.base import Predictions
from nnops.metrics.weighted import Weighted

ROWS = 137


def draw(task, seed=0, classes=4, ties=False):
    rng = np.random.default_rng(seed)
    if task == "forecasting":
        target_NC = rng.normal(size=(ROWS, 4)).astype(np.float32)
        output_NC = target_NC + rng.normal(size=(ROWS, 4)).astype(np.float32)
        return Predictions(task, output_NC, target_NC, np.array([50.0, -2, 0, 9]), np.array([7.0, 1, 3, 0.5]))
    if task == "regression":
        target_N = rng.normal(size=ROWS).astype(np.float32)
        output_NC = (target_N + rng.normal(size=ROWS).astype(np.float32))[:, None]
        return Predictions(task, output_NC, target_N, mean=50.0, std=7.0)
    if task == "multilabel":
        target_NC = (rng.random((ROWS, classes)) < np.arange(1, classes + 1) / (classes + 1)).astype(np.float32)
        logit_NC = rng.normal(size=(ROWS, classes)) + 1.5 * target_NC - 0.5
        return Predictions(task, (np.round(logit_NC) if ties else logit_NC).astype(np.float32), target_NC)
    if task == "segmentation":
        target_N = rng.integers(0, classes, (ROWS, 3, 2))
        logit_NC = rng.normal(size=(ROWS, classes, 3, 2)) + 1.5 * np.moveaxis(np.eye(classes)[target_N], -1, 1)
        return Predictions(task, (np.round(logit_NC) if ties else logit_NC).astype(np.float32), target_N)
    classes = 2 if task == "binary" else classes
    code_N = rng.choice(classes, ROWS, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    logit_NC = rng.normal(size=(ROWS, classes)) + 1.5 * np.eye(classes)[code_N]
    if ties:
        logit_NC = np.round(logit_NC)
    if task == "binary":
        return Predictions(task, (logit_NC[:, 1:] - logit_NC[:, :1]).astype(np.float32), code_N.astype(np.float32))
    return Predictions(task, logit_NC.astype(np.float32), code_N)


def average(predictions):
    return "binary" if predictions.task == "binary" else "macro"


def score(predictions):
    return predictions.output_NC[:, 0] if predictions.task == "binary" else predictions.probability_NC


def onehot(predictions):
    truth_N = predictions.truth_N
    return truth_N if predictions.task in ("binary", "multilabel") else np.eye(predictions.classes, dtype=int)[truth_N]


def log_loss(p, w):
    if p.task != "multilabel":
        return sk.log_loss(p.truth_N, p.probability_NC, sample_weight=w)
    columns = zip(p.truth_N.T, p.probability_NC.T, strict=True)
    return np.mean([sk.log_loss(truth_N, probability_N, sample_weight=w) for truth_N, probability_N in columns])


def brier(p, w):
    if p.task == "binary":
        return sk.brier_score_loss(p.truth_N, p.probability_NC[:, 1], sample_weight=w)
    off = [sk.mean_squared_error(onehot(p)[:, c], p.probability_NC[:, c], sample_weight=w) for c in range(p.classes)]
    return np.mean(off) if p.task == "multilabel" else np.sum(off)


def calibration_error(p, w):
    """Bin by bin: how far the mean probability is from the share that came true, by the weight in the bin."""
    said, true = p.probability_NC.max(1), p.truth_N == p.label_N
    if p.task == "binary":
        said, true = p.probability_NC[:, 1], p.truth_N == 1
    w = np.ones(len(p)) if w is None else w
    if p.task == "multilabel":
        said, true, w = p.probability_NC.ravel(), p.truth_N.ravel() == 1, np.repeat(w, p.classes)
    total = 0.0
    for place in range(10):
        inside = (said >= place / 10) & ((said < (place + 1) / 10) | (place == 9))
        if w[inside].sum():
            off = np.average(said[inside], weights=w[inside]) - np.average(true[inside], weights=w[inside])
            total += abs(off) * w[inside].sum() / w.sum()
    return total


def doubles(predictions):
    return predictions.target_N.astype(float), predictions.output_NC.astype(float)


def pixels(predictions, w):
    """Each pixel as a row."""
    weight_P = None if w is None else np.repeat(w, predictions.truth_N[0].size)
    return {"y_true": predictions.truth_N.ravel(), "y_pred": predictions.label_N.ravel(), "sample_weight": weight_P}


SKLEARN = {
    "dice": lambda p, w: sk.f1_score(**pixels(p, w), average="macro"),
    "mean_iou": lambda p, w: sk.jaccard_score(**pixels(p, w), average="macro"),
    "pixel_accuracy": lambda p, w: sk.accuracy_score(**pixels(p, w)),
    "f1_micro": lambda p, w: sk.f1_score(p.truth_N, p.label_N, average="micro", sample_weight=w),
    "hamming_loss": lambda p, w: sk.hamming_loss(p.truth_N, p.label_N, sample_weight=w),
    "subset_accuracy": lambda p, w: sk.accuracy_score(p.truth_N, p.label_N, sample_weight=w),
    "accuracy": lambda p, w: sk.accuracy_score(p.truth_N, p.label_N, sample_weight=w),
    "balanced_accuracy": lambda p, w: sk.balanced_accuracy_score(p.truth_N, p.label_N, sample_weight=w),
    "precision": lambda p, w: sk.precision_score(
        p.truth_N, p.label_N, average=average(p), sample_weight=w, zero_division=0
    ),
    "recall": lambda p, w: sk.recall_score(p.truth_N, p.label_N, average=average(p), sample_weight=w, zero_division=0),
    "f1": lambda p, w: sk.f1_score(p.truth_N, p.label_N, average=average(p), sample_weight=w, zero_division=0),
    "log_loss": log_loss,
    "brier": brier,
    "calibration_error": calibration_error,
    "roc_auc": lambda p, w: sk.roc_auc_score(onehot(p), score(p), average="macro", sample_weight=w),
    "pr_auc": lambda p, w: sk.average_precision_score(onehot(p), score(p), average="macro", sample_weight=w),
    "mae": lambda p, w: sk.mean_absolute_error(p.truth_N, p.value_N, sample_weight=w),
    "mse": lambda p, w: sk.mean_squared_error(p.truth_N, p.value_N, sample_weight=w),
    "rmse": lambda p, w: sk.mean_squared_error(p.truth_N, p.value_N, sample_weight=w) ** 0.5,
    "scaled_mae": lambda p, w: sk.mean_absolute_error(*doubles(p), sample_weight=w),
    "scaled_mse": lambda p, w: sk.mean_squared_error(*doubles(p), sample_weight=w),
    "scaled_rmse": lambda p, w: sk.mean_squared_error(*doubles(p), sample_weight=w) ** 0.5,
    "r2": lambda p, w: sk.r2_score(p.truth_N, p.value_N, sample_weight=w),
    "mape": lambda p, w: sk.mean_absolute_percentage_error(p.truth_N, p.value_N, sample_weight=w),
}

#: Metrics of tokens have their definitions in test_tokens.py.
CASES = [(name, task) for name in METRICS.names() for task in METRICS.load(name).tasks if task not in TOKENS]


def test_every_metric_has_a_reference():
    assert sorted(SKLEARN) == sorted({name for name, _ in CASES})


@pytest.mark.parametrize(("name", "task"), CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_equals_sklearn(name, task, ties):
    predictions = draw(task, ties=ties)
    assert METRICS.build(name, {})(predictions) == pytest.approx(SKLEARN[name](predictions, None), rel=1e-9)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_weights_equal_sklearn_and_repeated_rows(name, task):
    predictions = draw(task, seed=1, ties=task != "regression")
    rng = np.random.default_rng(2)
    metric = METRICS.build(name, {})
    drawn_SN = rng.integers(0, ROWS, (5, ROWS))
    weight_SN = np.stack([np.bincount(drawn_N, minlength=ROWS) for drawn_N in drawn_SN]).astype(float)
    values_S = metric.values(Weighted(predictions, weight_SN))
    for drawn_N, weight_N, value in zip(drawn_SN, weight_SN, values_S, strict=True):
        assert value == pytest.approx(metric(predictions.rows(drawn_N)), rel=1e-9)
        kept = weight_N > 0
        assert value == pytest.approx(SKLEARN[name](predictions.rows(kept), weight_N[kept]), rel=1e-9)


def by_hand(name, p):
    """The definitions, spelled out with loops."""
    rows = range(len(p))
    if p.task == "forecasting":
        y, z = doubles(p) if name.startswith("scaled_") else (p.truth_N, p.value_N)
        cells = [(i, c) for i in rows for c in range(4)]
        if name.endswith("mae"):
            return sum(abs(z[cell] - y[cell]) for cell in cells) / len(cells)
        mse = sum((z[cell] - y[cell]) ** 2 for cell in cells) / len(cells)
        return mse**0.5 if name.endswith("rmse") else mse
    if p.task == "regression":
        y, z = p.truth_N, p.value_N
        mse = sum((z[i] - y[i]) ** 2 for i in rows) / ROWS
        return {
            "mae": sum(abs(z[i] - y[i]) for i in rows) / ROWS,
            "mse": mse,
            "rmse": mse**0.5,
            "r2": 1 - mse * ROWS / sum((y[i] - sum(y) / ROWS) ** 2 for i in rows),
            "mape": sum(abs((z[i] - y[i]) / y[i]) for i in rows) / ROWS,
        }[name]
    y, z = p.truth_N, p.label_N
    if p.task == "segmentation":
        y, z = y.ravel(), z.ravel()
        rows = range(len(y))
    positives = [1] if p.task == "binary" else range(p.classes)
    hit = {c: sum(y[i] == z[i] == c for i in rows) for c in range(p.classes)}
    true = {c: sum(y[i] == c for i in rows) for c in range(p.classes)}
    said = {c: sum(z[i] == c for i in rows) for c in range(p.classes)}

    def auc(c):
        score_N = p.probability_NC[:, c]
        pairs = [(score_N[i], score_N[j]) for i in rows if y[i] == c for j in rows if y[j] != c]
        return sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)

    def average_precision(c):
        score_N = p.probability_NC[:, c]
        total = 0.0
        for level in sorted(set(score_N), reverse=True):
            gain = sum(y[i] == c and score_N[i] == level for i in rows)
            total += gain * sum(y[i] == c for i in rows if score_N[i] >= level) / sum(score_N >= level)
        return total / true[c]

    return {
        "dice": lambda: np.mean([2 * hit[c] / (said[c] + true[c]) for c in positives]),
        "mean_iou": lambda: np.mean([hit[c] / (said[c] + true[c] - hit[c]) for c in positives]),
        "pixel_accuracy": lambda: sum(y[i] == z[i] for i in rows) / len(y),
        "accuracy": lambda: sum(y[i] == z[i] for i in rows) / ROWS,
        "balanced_accuracy": lambda: np.mean([hit[c] / true[c] for c in range(p.classes)]),
        "precision": lambda: np.mean([hit[c] / said[c] for c in positives]),
        "recall": lambda: np.mean([hit[c] / true[c] for c in positives]),
        "f1": lambda: np.mean([2 * hit[c] / (said[c] + true[c]) for c in positives]),
        "log_loss": lambda: -np.mean([np.log(p.probability_NC[i, y[i]]) for i in rows]),
        "brier": lambda: np.mean([sum((p.probability_NC[i, c] - (y[i] == c)) ** 2 for c in positives) for i in rows]),
        "calibration_error": lambda: calibration_error(p, None),
        "roc_auc": lambda: np.mean([auc(c) for c in positives]),
        "pr_auc": lambda: np.mean([average_precision(c) for c in positives]),
    }[name]()


@pytest.mark.parametrize(("name", "task"), [case for case in CASES if case[1] != "multilabel"])
def test_equals_the_definition(name, task):
    predictions = draw(task, seed=3, ties=task != "regression")
    assert METRICS.build(name, {})(predictions) == pytest.approx(by_hand(name, predictions), rel=1e-9)


def test_labels_by_hand():
    """Two rows of three labels: a is called right once, b wrongly, c never is."""
    predictions = Predictions("multilabel", np.array([[2.0, 1.0, -1.0], [-3.0, -1.0, -2.0]]), np.eye(3)[[0, 2]])
    found = {name: METRICS.build(name, {})(predictions) for name, task in CASES if task == "multilabel"}
    assert found["subset_accuracy"] == 0
    assert found["hamming_loss"] == pytest.approx(2 / 6)
    assert found["f1_micro"] == pytest.approx(2 / 4)
    assert found["f1"] == found["precision"] == pytest.approx(1 / 3)
    assert found["recall"] == pytest.approx((1 + 0 + 0) / 3)
    assert found["roc_auc"] == pytest.approx((1 + 0) / 2)  # a is ranked right, c wrongly, and b has no row


@pytest.mark.parametrize("task", ["multilabel"])
def test_nothing_called_and_nothing_there_counts_as_zero(task):
    predictions = Predictions(task, -np.ones((4, 2)), np.zeros((4, 2)))
    assert METRICS.build("f1", {})(predictions) == METRICS.build("f1_micro", {})(predictions) == 0


@pytest.mark.parametrize("name", ["balanced_accuracy", "precision", "recall", "f1"])
def test_a_class_without_rows_or_calls_counts_as_in_sklearn(name):
    whole = draw("multiclass", seed=4)
    predictions = whole.rows(np.flatnonzero(whole.truth_N != 3))
    assert 3 in predictions.label_N
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = SKLEARN[name](predictions, None)
    assert METRICS.build(name, {})(predictions) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc"])
def test_a_class_without_rows_is_left_out_of_the_mean(name):
    whole = draw("multiclass", seed=5)
    predictions = whole.rows(np.flatnonzero(whole.truth_N != 0))
    area = sk.roc_auc_score if name == "roc_auc" else sk.average_precision_score
    areas = [area(predictions.truth_N == c, predictions.probability_NC[:, c]) for c in (1, 2, 3)]
    assert METRICS.build(name, {})(predictions) == pytest.approx(np.mean(areas), rel=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc"])
@pytest.mark.parametrize("only", [0, 1])
def test_an_area_of_one_class_is_refused(name, only):
    whole = draw("binary")
    predictions = whole.rows(np.flatnonzero(whole.truth_N == only))
    with pytest.raises(DataError, match=f"the metric {name} .* needs rows of at least two classes"):
        METRICS.build(name, {})(predictions)


def test_r2_of_a_constant_truth_and_mape_of_a_zero_are_refused():
    output_NC = np.array([[0.1], [0.2], [0.4]], np.float32)
    constant = Predictions("regression", output_NC, np.full(3, 0.1, np.float32), mean=1e6, std=3.0)
    with pytest.raises(DataError, match="two different true values"):
        METRICS.build("r2", {})(constant)
    zero = Predictions("regression", output_NC, np.array([0.0, 1.0, 2.0], np.float32))
    with pytest.raises(DataError, match="other than 0"):
        METRICS.build("mape", {})(zero)


def test_outputs_that_are_not_finite_give_nan_instead_of_a_complaint_about_the_truth():
    predictions = Predictions("regression", np.array([[np.nan], [1.0]], np.float32), np.array([0.5, 1.0], np.float32))
    assert np.isnan(METRICS.build("rmse", {})(predictions))


def test_log_loss_of_huge_logits_is_finite():
    wrong = Predictions("binary", np.array([[900.0]], np.float32), np.array([0.0], np.float32))
    assert METRICS.build("log_loss", {})(wrong) == 900.0
    wrong = Predictions("multiclass", np.array([[900.0, 0.0, 0.0]], np.float32), np.array([2]))
    assert METRICS.build("log_loss", {})(wrong) == 900.0
