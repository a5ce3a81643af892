"""The figure of a multilabel task: how well each label is found."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nnops.evaluation.scorecard import Scorecard
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Labels that there is room for: the most frequent ones.
SHOWN = 30


def draw_labels(scorecard: Scorecard) -> Figure:
    """Draw precision and recall of each label, the most frequent one on top."""
    truth_NC, label_NC = scorecard.predictions.truth_N, scorecard.predictions.label_N
    rows_C, called_C, hit_C = truth_NC.sum(0), label_NC.sum(0), (truth_NC * label_NC).sum(0)
    order = np.argsort(-rows_C, kind="stable")[:SHOWN]
    figure = new_figure(7.2, 1.5 + 0.27 * len(order))
    axes = figure.subplots()
    places = np.arange(len(order))
    for name, below_C, color in (("precision", called_C, COLORS[1]), ("recall", rows_C, COLORS[0])):
        known = below_C[order] > 0
        share = np.divide(hit_C[order], below_C[order], out=np.zeros(len(order)), where=known)
        axes.plot(share[known], places[known], "o", ms=6.5, color=color, label=name, clip_on=False)
    for place, code in enumerate(order):
        axes.annotate(
            f"{rows_C[code]:,} rows",
            (1.0, place),
            (12, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=MUTED,
        )
    axes.set(xlim=(-0.02, 1.02), ylim=(len(order) - 0.4, -0.6))
    axes.set_yticks(places, [plain(scorecard.classes[code], 22) for code in order])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=True, axis="both")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.3 - 0.6 / len(order)), ncols=2)
    more = f"{len(order)} of {len(rows_C)} labels" if len(order) < len(rows_C) else "above a probability of 1/2"
    set_title(axes, "Labels", more)
    return figure
