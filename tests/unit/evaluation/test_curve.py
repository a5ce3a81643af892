import numpy as np
import pytest
from sklearn import metrics as sk

from nnops.evaluation.curve import calibration, confusion, curves
from nnops.metrics.predictions import Predictions


def draw(task, seed=0, rows=150, ties=False):
    rng = np.random.default_rng(seed)
    classes = 2 if task == "binary" else 3
    code_N = rng.integers(0, classes, rows)
    logit_NC = rng.normal(size=(rows, classes)) + np.eye(classes)[code_N]
    if ties:
        logit_NC = np.round(logit_NC)
    if task == "binary":
        logit_NC = logit_NC[:, 1:] - logit_NC[:, :1]
    return Predictions(task, logit_NC, code_N)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("ties", [False, True])
def test_curves_equal_scikit_learn(task, ties):
    predictions = draw(task, ties=ties)
    for curve in curves(predictions):
        true_N = predictions.truth_N == curve.code
        score_N = predictions.output_NC[:, 0] if task == "binary" else predictions.probability_NC[:, curve.code]
        false_T, true_T, _ = sk.roc_curve(true_N, score_N, drop_intermediate=False)
        np.testing.assert_allclose(curve.false_positive_T, false_T, atol=1e-12)
        np.testing.assert_allclose(curve.recall_T, true_T, atol=1e-12)
        precision_T, recall_T, _ = sk.precision_recall_curve(true_N, score_N)
        np.testing.assert_allclose(curve.precision_T[1:], precision_T[::-1][1:], atol=1e-12)
        np.testing.assert_allclose(curve.recall_T[1:], recall_T[::-1][1:], atol=1e-12)


def test_the_grid_keeps_the_areas():
    predictions = draw("binary", rows=3000)
    (curve,) = curves(predictions)
    roc_G, pr_G = curve.on_grid()
    grid_G = np.linspace(0, 1, len(roc_G))
    assert roc_G[-1] == 1.0
    assert (np.diff(roc_G) >= 0).all()
    assert np.trapezoid(roc_G, grid_G) == pytest.approx(
        sk.roc_auc_score(predictions.truth_N, predictions.output_NC[:, 0]), abs=2e-3
    )
    assert pr_G.mean() == pytest.approx(
        sk.average_precision_score(predictions.truth_N, predictions.output_NC[:, 0]), abs=5e-3
    )


def test_a_class_without_rows_has_no_curve():
    whole = draw("multiclass")
    predictions = whole.rows(np.flatnonzero(whole.truth_N != 1))
    assert [curve.code for curve in curves(predictions)] == [0, 2]
    binary = draw("binary")
    assert curves(binary.rows(np.flatnonzero(binary.truth_N == 0))) == []


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_confusion_equals_scikit_learn(task):
    predictions = draw(task)
    expected = sk.confusion_matrix(predictions.truth_N, predictions.label_N)
    assert confusion(predictions).tolist() == expected.tolist()


def test_calibration_counts_every_row_once_and_is_right_by_hand():
    logit_N = np.log([0.05 / 0.95, 0.05 / 0.95, 0.95 / 0.05, 1e9])
    predictions = Predictions("binary", logit_N[:, None], np.array([0, 1, 1, 1]))
    found = calibration(predictions)
    assert found.rows_B.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.share_B[[0, 9]].tolist() == [0.5, 1.0]
    np.testing.assert_allclose(found.mean_B[[0, 9]], [0.05, 0.975], atol=1e-6)
    assert found.error == pytest.approx((2 * 0.45 + 2 * 0.025) / 4, abs=1e-6)


def test_a_model_that_means_its_probabilities_is_calibrated():
    rng = np.random.default_rng(0)
    logit_N = rng.normal(scale=2, size=20000)
    truth_N = (rng.random(20000) < 1 / (1 + np.exp(-logit_N))).astype(int)
    assert calibration(Predictions("binary", logit_N[:, None], truth_N)).error < 0.02
    assert calibration(Predictions("binary", 3 * logit_N[:, None], truth_N)).error > 0.05
