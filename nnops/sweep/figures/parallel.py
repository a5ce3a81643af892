"""Parallel coordinates: a line for each trial through its values."""

from typing import TYPE_CHECKING, Any

from nnops.number import short
from nnops.sweep.figures.axis import place_of, ticks
from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.insight import short_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Axes beside the objective's; the most important keys come first.
AXES = 7
#: Where a line passes an axis whose key its trial does not have.
ABSENT = -0.13


def draw_parallel(seen: Seen) -> "Figure | None":
    """Lines coloured by rank, the best on top and boldest."""
    from matplotlib.collections import LineCollection

    from nnops.figure import FAINT, INK, MUTED, SEQUENTIAL, new_figure, plain, set_title

    if len(seen.told) < 2:
        return None
    objective = seen.study.objective
    keys = seen.keys[:AXES]
    dimensions = [seen.study.space.by_key[key] for key in keys]
    names = short_names(keys)
    figure = new_figure(max(7.5, 1.5 * (len(keys) + 1)), 4.2)
    axes: Any = figure.subplots()
    low, high, clipped = seen.focus
    span = (high - low) or 1.0
    lines: list[list[tuple[float, float]]] = []
    tones: list[float] = []
    for trial in reversed(seen.told):
        places = [place_of(dimension, trial) for dimension in dimensions]
        points = [(float(x), ABSENT if place is None else place) for x, place in enumerate(places)]
        lines.append([*points, (float(len(keys)), (seen.clip(trial.value or 0.0) - low) / span)])
        tones.append(seen.tones[trial.number])
    collection = LineCollection(lines, linewidths=[0.7 + 1.1 * tone**3 for tone in tones], alpha=0.85)
    collection.set_color([SEQUENTIAL(tone) for tone in tones])
    collection.set_rasterized(len(lines) > MANY)
    axes.add_collection(collection)
    lowest = 0.0
    for x, dimension in enumerate(dimensions):
        axes.axvline(x, color=FAINT, linewidth=1.2, zorder=0)
        for height, text in ticks(dimension):
            label = axes.text(x - 0.03, height, text, ha="right", va="center", fontsize=7.5, color=MUTED)
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0})
        if any(place_of(dimension, trial) is None for trial in seen.told):
            axes.text(x - 0.03, ABSENT, "not set", ha="right", va="center", fontsize=7.5, color=MUTED)
            lowest = ABSENT
    axes.axvline(len(keys), color=FAINT, linewidth=1.2, zorder=0)
    worst = 0.0 if objective.direction == "maximize" else 1.0
    for height, value in ((0.0, low), (1.0, high)):
        more = ("≤ " if worst == 0.0 else "≥ ") if clipped and height == worst else ""
        axes.text(
            len(keys) + 0.04, height, f"{more}{short(value, 4)}", ha="left", va="center", fontsize=7.5, color=MUTED
        )
    axes.set_xlim(-0.45, len(keys) + 0.4)
    axes.set_ylim(lowest - 0.06, 1.06)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    labels = [plain(name, 24) for name in (*names.values(), objective.metric)]
    axes.set_xticks(range(len(keys) + 1), labels, color=INK)
    axes.tick_params(axis="x", length=0)
    set_title(axes, f"{plain(seen.study.name, 40)}: which values went together", "bolder is better")
    return figure
