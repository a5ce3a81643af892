"""How much worse a model gets without a column: bars with the spread over repeats."""

import numpy as np
from matplotlib.figure import Figure

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.figures.summary import titled
from nnops.evaluation.interval import interval
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Columns that there is room for.
SHOWN = 20
LEVEL = 0.95


def draw_importance(explanation: Explanation) -> Figure:
    """Draw the drop of the metric for each column, the largest on top."""
    mean_M = explanation.value.mean(0)
    order = np.argsort(-mean_M, kind="stable")[:SHOWN]
    figure = new_figure(7.2, 1.3 + 0.3 * len(order))
    axes = figure.subplots()
    for place, column in enumerate(order):
        low, high = interval(explanation.value[:, column], LEVEL) or (mean_M[column], mean_M[column])
        # What may as well be nothing is grey.
        color = COLORS[0] if low > 0 else COLORS[-1]
        axes.barh(place, mean_M[column], height=0.6, color=color, alpha=0.85)
        axes.hlines(place, low, high, color=INK, lw=1.4)
        axes.annotate(
            f"{mean_M[column]:.3g}",
            (max(high, 0), place),
            (6, 0),
            textcoords="offset points",
            va="center",
            size=8.5,
            color=MUTED,
        )
    axes.axvline(0, color=MUTED, lw=0.8)
    names = [plain(explanation.names[column], 26) for column in order]
    axes.set(ylim=(len(order) - 0.4, -0.6), yticks=range(len(order)))
    axes.set_yticklabels(names)
    axes.margins(x=0.12)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    whole = explanation.checks["whole"]
    axes.set_xlabel(f"{titled(explanation.unit)} lost when the column is shuffled; it is {whole:.4g} with all")
    hidden = len(explanation.names) - len(order)
    note = f"lines hold {LEVEL:.0%} of {len(explanation.value)} draws"
    set_title(axes, "Permutation importance", note + (f", {hidden} more columns" if hidden else ""))
    return figure
