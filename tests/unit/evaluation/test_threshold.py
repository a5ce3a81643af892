"""The decision threshold: found on val, used wherever labels are, and by group where that is asked for."""

import numpy as np
import pytest
import treated
from sklearn.metrics import balanced_accuracy_score

from nnops.errors import ParamsError
from nnops.evaluation.evaluate import check_metrics, evaluate
from nnops.evaluation.fairness import gap_values
from nnops.evaluation.figures.threshold import draw_threshold
from nnops.evaluation.groups import divide
from nnops.evaluation.predict import network, predict_split
from nnops.evaluation.threshold import Decision, as_probability, decide
from nnops.evaluation.threshold_search import best, sweep
from nnops.figure import render_png
from nnops.params import parse


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return treated.Treated(tmp_path_factory.mktemp("treated"))


def asking(threshold):
    return treated.params(
        evaluate={
            "metrics": ["accuracy", "balanced_accuracy"],
            "baselines": [],
            "intervals": {"samples": 0},
            "threshold": threshold,
        }
    )


def test_every_threshold_is_what_counting_says():
    rng = np.random.default_rng(2)
    score_N, truth_N = rng.normal(size=60).round(1), rng.integers(0, 2, 60)
    found = sweep(score_N, truth_N)
    for place, cut in enumerate(found.cut_K):
        label_N = score_N > cut
        assert found.hit_K[place] == (label_N & (truth_N == 1)).sum()
        assert found.rate("accuracy")[place] == pytest.approx((label_N == truth_N).mean())
        assert found.rate("balanced_accuracy")[place] == pytest.approx(balanced_accuracy_score(truth_N, label_N))
    tried = [balanced_accuracy_score(truth_N, score_N > cut) for cut in np.linspace(-4, 4, 81) + 0.01]
    assert balanced_accuracy_score(truth_N, score_N > best(found, "balanced_accuracy")) == pytest.approx(max(tried))


def test_a_number_and_what_is_found_decide_labels_on_test(project):
    test = predict_split(network(project.model), project.data, "test")
    probability_N = test.probability_NC[:, 1]
    card = evaluate(project.model, project.data, asking(0.3))
    assert card.test["accuracy"].value == pytest.approx(((probability_N > 0.3) == test.truth_N).mean())
    assert card.metrics()["threshold"] == pytest.approx(0.3)
    found = evaluate(project.model, project.data, asking({"metric": "balanced_accuracy"}))
    plain = evaluate(project.model, project.data, asking(None))
    assert found.val["balanced_accuracy"].value > plain.val["balanced_accuracy"].value
    assert "threshold" not in plain.metrics()
    assert plain.threshold is None


def test_a_half_is_what_is_unset(project):
    mine, plain = (evaluate(project.model, project.data, asking(each)) for each in (0.5, None))
    assert {k: v for k, v in mine.metrics().items() if k != "threshold"} == plain.metrics()
    assert "threshold" not in asking(None).record("evaluate")["evaluate"]


def test_thresholds_by_group_bring_groups_together(project):
    plain = evaluate(project.model, project.data, asking(None))
    fair = evaluate(project.model, project.data, asking({"by": "sex", "metric": "accuracy", "cost": 0.05}))
    assert fair.threshold is not None
    assert set(fair.threshold.decision.cuts) == {"f", "m"}
    val = predict_split(network(project.model), project.data, "val")
    divisions = divide(project.data, "val")
    before, after = (
        gap_values(each, divisions) for each in (val, fair.threshold.decision.apply(val, project.data, "val"))
    )
    assert after["equalized_odds_gap.sex"] < 0.5 * before["equalized_odds_gap.sex"]
    assert fair.metrics()["test.equalized_odds_gap.sex"] < plain.metrics()["test.equalized_odds_gap.sex"]
    assert fair.val["accuracy"].value >= plain.val["accuracy"].value - 0.05
    record = fair.threshold.decision.to_json()
    assert Decision.from_json(record) == fair.threshold.decision
    assert record["thresholds"]["f"] == pytest.approx(as_probability(record["cuts"]["f"]))
    assert render_png(draw_threshold(fair)) == render_png(draw_threshold(fair))
    assert fair.remarks()[0].startswith("threshold by sex: f 0.")


def test_groups_too_small_keep_the_common_threshold(project):
    params = asking({"by": "town", "metric": "accuracy", "goal": "demographic_parity"})
    decision = decide(params, project.data, predict_split(network(project.model), project.data, "val"))
    assert decision is not None
    assert set(decision.cuts) == {"Bonn", "Kiel"}
    cut_N = decision.cut_of(("Bonn", "Kiel", "missing"), np.array([0, 2, -1]))
    assert cut_N.tolist() == [decision.cuts["Bonn"], decision.cut, decision.cut]


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (1.5, "must be a probability between 0 and 1"),
        ("half", "must be a probability between 0 and 1"),
        ({"metric": "recall"}, "must be 'accuracy', 'balanced_accuracy' or 'f1', got 'recall'"),
        ({"goal": "demographic_parity"}, "goal is of thresholds by group; name their column"),
        ({"by": "sex", "metric": "f1"}, "write accuracy or balanced_accuracy with by"),
    ],
)
def test_what_is_no_threshold(threshold, message):
    with pytest.raises(ParamsError, match=r"evaluate\.threshold") as caught:
        parse({"evaluate": {"threshold": threshold}})
    assert message in str(caught.value)


def test_tasks_without_a_threshold(project):
    with pytest.raises(ParamsError, match=r"is of a binary task.*the task is regression; leave it out"):
        check_metrics(parse({"evaluate": {"threshold": 0.4}}), "regression")
    with pytest.raises(ParamsError, match=r"evaluate\.threshold\.by must name a column of data\.groups"):
        evaluate(project.model, project.data, asking({"by": "age", "metric": "accuracy"}))
