"""Importance as bars."""

from typing import TYPE_CHECKING, Any

from nnops.sweep.figures.seen import Seen
from nnops.sweep.insight import short_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_importance(seen: Seen) -> "Figure | None":
    """A bar for each key."""
    from nnops.figure import COLORS, INK, new_figure, plain, set_title

    weights = seen.weights
    if not weights:
        return None
    names = short_names(weights)
    figure = new_figure(7.5, 1.3 + 0.34 * len(weights))
    axes: Any = figure.subplots()
    keys = list(reversed(weights))
    axes.barh([plain(names[key], 40) for key in keys], [weights[key] for key in keys], color=COLORS[0], height=0.62)
    for place, key in enumerate(keys):
        axes.text(weights[key] + 0.01, place, f"{weights[key]:.0%}", va="center", fontsize=8.5, color=INK)
    axes.set_xlim(0, max(weights.values()) * 1.12)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    set_title(axes, f"{plain(seen.study.name, 40)}: what decided the best trials", "PED-ANOVA")
    return figure
