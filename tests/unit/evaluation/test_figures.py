"""Every figure, on small and awkward inputs: it draws, keeps its labels on the page, and repeats to the byte."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.image import imread

from nnops.evaluation.artifact import draw
from nnops.evaluation.figures.classes import draw_confusion
from nnops.evaluation.figures.history import draw_history
from nnops.evaluation.figures.summary import PANELS, draw_scorecard
from nnops.evaluation.scorecard import BaselineScore, Score, Scorecard
from nnops.figure import render_png
from nnops.metrics.predictions import Predictions


def scorecard(task="multiclass", classes=4, rows=60, constant=False, names=None):
    rng = np.random.default_rng(0)
    if task == "regression":
        target_N = np.zeros(rows) if constant else rng.normal(size=rows)
        predictions = Predictions(task, (target_N + 0.3 * rng.normal(size=rows))[:, None], target_N, 2e5, 1e5)
        test = {"rmse": Score(48799.6, 47000.0, 50000.0), "r2": Score(0.82, 0.8, 0.84)}
        primary, directions = "rmse", {"rmse": "minimize", "r2": "maximize"}
    else:
        classes = 2 if task == "binary" else classes
        target_N = np.zeros(rows, int) if constant else rng.integers(0, classes, rows)
        logit_NC = rng.normal(size=(rows, classes)) + 2 * np.eye(classes)[target_N]
        if task == "binary":
            logit_NC = logit_NC[:, 1:] - logit_NC[:, :1]
        predictions = Predictions(task, logit_NC, target_N)
        test = {"accuracy": Score(0.93, 0.9, 0.96), "log_loss": Score(0.2)}
        primary, directions = "accuracy", {"accuracy": "maximize", "log_loss": "minimize"}
    labels = tuple(names or (f"class number {c} of many" for c in range(predictions.classes)))
    far = {name: Score(100 * score.value) for name, score in test.items()}
    baselines = (
        BaselineScore("majority", "", far, Score(0.0), "ahead"),
        BaselineScore("boosted_trees", "10,000 of 54,000 rows, pixels averaged 2 x 2", test, Score(0.0), "level"),
    )
    return Scorecard(
        model="mlp",
        best_epoch=2,
        task=task,
        target="price in $ of a house with a long name",
        classes=labels,
        rows={"train": 10, "val": 5, "test": rows},
        primary=primary,
        directions=directions,
        level=0.95,
        samples=1000,
        test=test,
        val={},
        baselines=baselines,
        undefined={},
        absent={},
        predictions=predictions,
    )


CASES = {
    "binary": {"task": "binary"},
    "binary of one class": {"task": "binary", "constant": True},
    "one row": {"task": "multiclass", "rows": 1},
    "four classes": {"classes": 4},
    "many classes": {"classes": 60, "rows": 400},
    "a script that the font lacks": {"classes": 3, "names": ["数字一", "数字二", "$x_1"]},
    "values": {"task": "regression"},
    "many values": {"task": "regression", "rows": 3000},
    "equal values": {"task": "regression", "constant": True},
    "one value": {"task": "regression", "rows": 1},
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_draws_and_stays_on_the_page(name):
    for title, figure in draw(scorecard(**CASES[name])).items():
        assert_margins(render_png(figure), title)


@pytest.mark.parametrize("name", ["binary", "many values"])
def test_bytes_repeat(name):
    again = draw(scorecard(**CASES[name]))
    for title, figure in draw(scorecard(**CASES[name])).items():
        assert render_png(figure) == render_png(again[title]), title


def assert_margins(content, title):
    pixel_HWC = imread(io.BytesIO(content))
    edges = [pixel_HWC[:2], pixel_HWC[-2:], pixel_HWC[:, :2], pixel_HWC[:, -2:]]
    assert all((edge == 1).all() for edge in edges), f"{title} runs off the page"
    assert pixel_HWC.shape[1] >= 650, f"{title} is too small to read"


@pytest.mark.parametrize("epochs", [1, 2, 300])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_history_of_any_length(epochs, scale):
    rows = [
        {"train_loss": scale / (1 + e), "val_loss": scale / (2 + e), "lr": 0.1, "val_rmse": scale * 2.0}
        for e in range(epochs)
    ]
    assert_margins(render_png(draw_history(rows, epochs)), "history")
    several = [row | {"member": float(1 + place % 2)} for place, row in enumerate(rows)] + [rows[-1] | {"member": 0.0}]
    assert_margins(render_png(draw_history(several, len(several))), "history")
    assert_margins(render_png(draw_history([{"train_loss": 0.0, "val_loss": -1.0, "lr": 0.1}] * epochs, 1)), "history")


def test_one_epoch_has_one_mark():
    for axes in draw_history([{"train_loss": 1.0, "val_loss": 2.0, "lr": 0.1, "val_rmse": 3.0}], 1).axes:
        low, high = axes.get_xlim()
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1.0]


@pytest.mark.parametrize(("classes", "named"), [(31, 31), (77, 77), (150, 75)])
def test_names_of_many_classes_are_whole_and_apart(classes, named):
    names = [f"card_payment_not_recognised_{c}" for c in range(classes)]
    figure = draw_confusion(scorecard(classes=classes, rows=classes, names=names))
    figure.draw_without_rendering()
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        labels = axis.get_ticklabels()
        assert [label.get_text() for label in labels] == names[:: classes // named]
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_the_scorecard_shows_the_primary_metric_first_and_a_few_more():
    whole = scorecard()
    names = ["recall", "precision", "f1", "accuracy", "roc_auc", "log_loss"]
    scores = {name: Score(0.5) for name in names}
    many = replace(whole, primary="recall", test=scores, directions=dict.fromkeys(names, "maximize"), baselines=())
    axes = [one for one in draw_scorecard(many).axes if one.get_visible()]
    assert len(axes) == PANELS
    assert axes[0].get_title("left") == "Recall"
    assert axes[1].get_title("left") == "Accuracy"
