"""Figures of a classification: confusion matrix, ROC and precision-recall curves, calibration."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nnops.evaluation.curve import Calibration, Curve, calibration, confusion, curves
from nnops.evaluation.scorecard import Scorecard
from nnops.figure import COLORS, FAINT, INK, MUTED, SEQUENTIAL, new_figure, plain, set_title

#: Above this many classes a cell is too small for its number.
NUMBERED = 16
#: Above this many classes the figure grows and names stand upright; inches of a class, of all, and of what is around.
CROWDED, PITCH, LARGEST, AROUND = 30, 0.13, 15.0, 2.6
#: A bin of fewer rows says little.
FEW = 10
#: Curves that get a colour and a name: those of the classes that are told apart worst.
MARKED = 3


def draw_confusion(scorecard: Scorecard) -> Figure:
    """Draw true against predicted classes; the colour is the share of a true class's rows, small ones stretched."""
    count_CC = confusion(scorecard.predictions)
    total_C1 = count_CC.sum(1, keepdims=True)
    share_CC = np.divide(count_CC, total_C1, out=np.zeros(count_CC.shape), where=total_C1 > 0)
    classes = len(count_CC)
    crowded = classes > CROWDED
    names = [plain(name, 36 if crowded else 24) for name in scorecard.classes]
    side = max(8.0, min(LARGEST, AROUND + PITCH * classes)) if crowded else min(8.0, 3.2 + 0.38 * classes)
    figure = new_figure(side + 0.8, side)
    axes = figure.subplots()
    image = axes.imshow(share_CC, cmap=SEQUENTIAL, norm=PowerNorm(0.5, 0, 1))
    # Points between two classes; a line of text needs its size and a little more, or some names are left out.
    pitch = 72 * (side - AROUND) / classes
    size = min(8.5, max(0.82 * pitch, 6.0)) if crowded else 8.5
    places = range(0, classes, math.ceil(1.2 * size / pitch))
    long = max(len(name) for name in names) > (3 if classes > 4 else 9)
    angle = (90 if crowded else 45) if long else 0
    axes.set_xticks(places, [names[c] for c in places], rotation=angle, ha="right" if long else "center", fontsize=size)
    axes.set_yticks(places, [names[c] for c in places], fontsize=size)
    if crowded:
        axes.tick_params(axis="both", pad=2)
        for label in axes.get_xticklabels():
            label.set(ha="center")
    elif long:
        axes.tick_params(axis="x", pad=2)
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
    if classes <= NUMBERED:
        for true, row in enumerate(count_CC):
            for said, count in enumerate(row):
                share = share_CC[true, said]
                text = f"{count:,}\n{share:.1%}" if classes <= 4 else f"{count:,}" if count else ""
                color = "white" if share > 0.3 else INK
                axes.text(said, true, text, ha="center", va="center", fontsize=9 if classes <= 10 else 7, color=color)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted", ylabel="true")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=18, pad=0.03, format=PercentFormatter(1, decimals=0))
    bar.set_ticks([0, 0.05, 0.2, 0.5, 1])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8)
    bar.set_label("share of the true class", fontsize=8.5, color=MUTED)
    right = int(np.trace(count_CC))
    set_title(axes, "Confusion", f"{right:,} of {count_CC.sum():,} right")
    return figure


def draw_curves(scorecard: Scorecard) -> Figure:
    """Draw the ROC and the precision-recall curves side by side."""
    found = curves(scorecard.predictions)
    figure = new_figure(8.4, 4.5)
    roc, pr = figure.subplots(1, 2)
    roc.plot([0, 1], [0, 1], color="#b6bec7", lw=1, ls=(0, (4, 3)))
    for axes, metric, title in ((roc, "roc_auc", "ROC"), (pr, "pr_auc", "Precision-recall")):
        score = scorecard.test.get(metric)
        note = ""
        if score is not None:
            note = f"area {score.value:.4f}" + (f" ({score.low:.4f} to {score.high:.4f})" if score.low else "")
        set_title(axes, title, note)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.03))
        axes.grid(visible=True, axis="both")
        axes.set_box_aspect(1)
    roc.set(xlabel="false positive rate", ylabel="true positive rate")
    pr.set(xlabel="recall", ylabel="precision")
    if scorecard.task == "binary":
        _draw_binary(roc, pr, found, scorecard)
    else:
        _draw_classes(roc, pr, found, scorecard)
    return figure


def _points(curve: Curve, *, roc: bool) -> tuple[np.ndarray, np.ndarray]:
    if roc:
        return curve.false_positive_T, curve.recall_T
    # Once all of the class is found, lower thresholds only find others.
    whole = int(np.argmax(curve.recall_T >= 1)) + 1
    return curve.recall_T[:whole], curve.precision_T[:whole]


def _draw_binary(roc: Axes, pr: Axes, found: list[Curve], scorecard: Scorecard) -> None:
    for curve in found:
        roc.plot(*_points(curve, roc=True), color=COLORS[0])
        pr.plot(*_points(curve, roc=False), color=COLORS[0], drawstyle="steps-pre")
    count_CC = confusion(scorecard.predictions)
    (_, wrong), (_, hits) = count_CC
    if found and wrong + hits:
        recall = hits / count_CC[1].sum()
        share = count_CC[1].sum() / count_CC.sum()
        pr.axhline(share, color="#b6bec7", lw=1, ls=(0, (4, 3)))
        pr.annotate("chance", (0, share), (2, 3), textcoords="offset points", fontsize=8, color=MUTED)
        for axes, x, y in ((roc, wrong / count_CC[0].sum(), recall), (pr, recall, hits / (wrong + hits))):
            axes.plot(x, y, "o", ms=7, color=COLORS[1], mec="white", label=_threshold(scorecard))
            axes.legend(loc="lower right" if axes is roc else "lower left")
    positive = plain(scorecard.classes[1])
    pr.set_xlabel(f"recall of {positive}")


def _threshold(scorecard: Scorecard) -> str:
    if scorecard.threshold is None:
        return "threshold 0.5"
    decision = scorecard.threshold.decision
    return f"thresholds by {plain(decision.by)}" if decision.by else f"threshold {decision.threshold:.3g}"


def _draw_classes(roc: Axes, pr: Axes, found: list[Curve], scorecard: Scorecard) -> None:
    grid_G = np.linspace(0, 1, len(found[0].on_grid()[0])) if found else np.empty(0)
    on_grid = [curve.on_grid() for curve in found]
    for axes, place in ((roc, 0), (pr, 1)):
        heights = [float(both[place].mean()) for both in on_grid]
        worst = sorted(range(len(found)), key=lambda k: (heights[k], k))[:MARKED]
        marks = dict(zip(worst, COLORS[1:], strict=False))
        for k, curve in sorted(enumerate(found), key=lambda pair: pair[0] in marks):
            x_T, y_T = _points(curve, roc=axes is roc)
            style = {"color": marks[k], "lw": 1.6} if k in marks else {"color": "#c3cad2", "lw": 1.0}
            axes.plot(x_T, y_T, drawstyle="default" if axes is roc else "steps-pre", **style)
        if not found:
            continue
        mean_G = np.mean([both[place] for both in on_grid], 0)
        axes.plot(grid_G, mean_G, color=COLORS[0], lw=2.2, label="mean of classes")
        for k in worst:
            axes.plot([], [], color=marks[k], label=plain(scorecard.classes[found[k].code], 18))
        if len(found) > len(worst):
            axes.plot([], [], color="#c3cad2", label="other classes")
        axes.legend(
            loc="lower right" if axes is roc else "lower left",
        )


def draw_calibration(scorecard: Scorecard) -> Figure:
    """Draw how often the model is right when it is this sure, and how sure it is how often."""
    found = calibration(scorecard.predictions)
    binary, several = scorecard.task == "binary", scorecard.task == "multilabel"
    figure = new_figure(5.2, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="#b6bec7", lw=1, ls=(0, (4, 3)))
    known = found.rows_B > 0
    few = found.rows_B < FEW
    above.plot(found.mean_B[known & ~few], found.share_B[known & ~few], color=COLORS[0], lw=1.4)
    for part, fill in ((known & ~few, COLORS[0]), (known & few, "white")):
        above.plot(found.mean_B[part], found.share_B[part], "o", ms=6, color=COLORS[0], mfc=fill)
    share = f"share that is {plain(scorecard.classes[1])}" if binary else "share right"
    above.set(ylim=(-0.03, 1.03), ylabel="share that has it" if several else share)
    above.grid(visible=True, axis="both")
    above.tick_params(axis="x", labelbottom=False)
    note = f"expected error {found.error:.3f}"
    set_title(above, "Calibration", note + (f", hollow: under {FEW} rows" if (known & few).any() else ""))
    _draw_bins(below, found)
    word = f"probability of {plain(scorecard.classes[1])}" if binary else "probability of the predicted class"
    if several:
        word = "probability of a label"
    below.set(xlim=(-0.02, 1.02), xlabel=word, ylabel="labels" if several else "rows")
    return figure


def _draw_bins(axes: Axes, found: Calibration) -> None:
    width = found.edge_B[1] - found.edge_B[0]
    axes.bar(found.edge_B[:-1], found.rows_B, width=width, align="edge", color=COLORS[0], edgecolor="white", lw=1)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", color=FAINT)
    axes.locator_params(axis="y", nbins=4)
