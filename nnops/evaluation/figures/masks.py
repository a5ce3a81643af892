"""The figures of a segmentation: how well each class is found, and images beside true and answered masks."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nnops.evaluation.scorecard import Scorecard
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Classes that there is room for, and images that are shown.
SHOWN, EXAMPLES = 24, 6


def draw_iou(scorecard: Scorecard) -> Figure:
    """Draw the IoU of each class, the one of most pixels on top."""
    pixels_CC = scorecard.predictions.pixels_NCC.sum(0)
    truth_C, called_C, hit_C = pixels_CC.sum(1), pixels_CC.sum(0), np.diagonal(pixels_CC)
    order = np.argsort(-truth_C, kind="stable")[:SHOWN]
    either_C = (truth_C + called_C - hit_C)[order]
    share = np.divide(hit_C[order], either_C, out=np.zeros(len(order)), where=either_C > 0)
    figure = new_figure(7.2, 1.3 + 0.3 * len(order))
    axes = figure.subplots()
    axes.barh(range(len(order)), share, height=0.6, color=COLORS[0])
    for place, code in enumerate(order):
        text = f"{share[place]:.3f}, {truth_C[code] / truth_C.sum():.1%} of pixels"
        axes.annotate(
            text, (share[place], place), (5, 0), textcoords="offset points", va="center", color=MUTED, size=8.5
        )
    axes.set(xlim=(0, 1.4), ylim=(len(order) - 0.4, -0.6), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.set_yticks(range(len(order)), [plain(scorecard.classes[code], 22) for code in order])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    set_title(axes, "Intersection over union", "of each class, on test")
    return figure


def draw_masks(scorecard: Scorecard) -> Figure:
    """Draw true and answered masks of some rows of test, and where they differ."""
    predictions = scorecard.predictions
    chosen = np.unique(np.linspace(0, len(predictions) - 1, min(EXAMPLES, len(predictions))).astype(np.int64))
    truth_NHW, label_NHW = predictions.truth_N[chosen], predictions.rows(chosen).label_N
    colors = ListedColormap([COLORS[code % len(COLORS)] for code in range(len(scorecard.classes))])
    figure = new_figure(1.5 * len(chosen) + 0.8, 5.0)
    grid = figure.subplots(3, len(chosen), squeeze=False)
    most = len(scorecard.classes) - 0.5
    for place, row in enumerate(chosen):
        grid[0, place].imshow(truth_NHW[place], cmap=colors, vmin=-0.5, vmax=most, interpolation="nearest")
        grid[1, place].imshow(label_NHW[place], cmap=colors, vmin=-0.5, vmax=most, interpolation="nearest")
        wrong = truth_NHW[place] != label_NHW[place]
        grid[2, place].imshow(wrong, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        grid[0, place].set_title(f"row {row}", fontsize=8.5, color=MUTED)
        grid[2, place].set_xlabel(f"{wrong.mean():.1%} wrong", fontsize=8.5, color=MUTED)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
    for line, name in enumerate(("true", "answered", "differs")):
        grid[line, 0].set_ylabel(name, color=INK)
    return figure
