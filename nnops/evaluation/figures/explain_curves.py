"""Partial dependence: a small panel a column, the mean answer in raw units over lines of single rows."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnops.data.columns import Categorical
from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Panels that there is room for, and lines of single rows in each.
SHOWN, LINES = 12, 40
COLUMNS = 3


def draw_curves(subject: Subject, explanation: Explanation) -> Figure:
    """Draw the columns whose curves reach furthest, on one scale."""
    value_MG = explanation.value
    reach_M = np.nanmax(value_MG, 1) - np.nanmin(value_MG, 1)
    order = np.argsort(-reach_M, kind="stable")[:SHOWN]
    columns = min(COLUMNS, len(order))
    lines = -(-len(order) // columns)
    figure = new_figure(2.7 * columns + 0.6, 2.25 * lines + 0.8)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(order) :]:
        axes.set_visible(False)
    for axes, line in zip(grid.flat, order, strict=False):
        feature = subject.features[int(explanation.further["place"][line])]
        known = np.isfinite(value_MG[line])
        row_GR = explanation.further["rows"][line][known]
        values = explanation.further["grid"][line][known]
        draw = _words if isinstance(feature.column, Categorical) else _numbers
        draw(axes, list(values), value_MG[line][known], row_GR)
        set_title(axes, plain(explanation.names[line], 20), f"{reach_M[line]:.2g}")
        axes.tick_params(labelsize=7.5)
    # One row at the edge must not flatten all the others.
    drawn = explanation.further["rows"][order]
    low, high = np.nanquantile(drawn, [0.03, 0.97])
    pad = 0.06 * (high - low) or 1.0
    grid[0, 0].set_ylim(low - pad, high + pad)
    heading = f"How {plain(explanation.unit)} moves with each column"
    figure.suptitle(heading, x=0.02, ha="left", fontsize=11, fontweight="bold", color=INK)
    note = (
        "Thick: mean over rows of train; thin: single rows, of words nine tenths. At the right: how far the mean moves."
    )
    figure.supxlabel(note, x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def _numbers(axes: Axes, values: list[str], mean_G: np.ndarray, row_GR: np.ndarray) -> None:
    number_G = np.array([float(value) for value in values])
    shown = np.unique(np.linspace(0, row_GR.shape[1] - 1, min(LINES, row_GR.shape[1])).astype(int))
    axes.plot(number_G, row_GR[:, shown], color=COLORS[-1], lw=0.6, alpha=0.4)
    axes.plot(number_G, mean_G, color=COLORS[0], lw=2.2)
    axes.locator_params(axis="x", nbins=4)


def _words(axes: Axes, values: list[str], mean_G: np.ndarray, row_GR: np.ndarray) -> None:
    order = np.argsort(-mean_G, kind="stable")
    for place, word in enumerate(order):
        low, high = np.quantile(row_GR[word], [0.05, 0.95])
        axes.vlines(place, low, high, color=COLORS[-1], lw=4, alpha=0.35)
        axes.plot(place, mean_G[word], "o", ms=5.5, color=COLORS[0])
    axes.set(xlim=(-0.6, len(order) - 0.4), xticks=range(len(order)))
    axes.set_xticklabels([plain(values[word], 14) for word in order], rotation=40, ha="right", rotation_mode="anchor")
