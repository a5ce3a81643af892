"""Slices: the objective over each key alone."""

import math
from typing import TYPE_CHECKING, Any

from nnops.sweep.dimension import Dimension
from nnops.sweep.figures.axis import label_axis, place_of
from nnops.sweep.figures.seen import Seen, mark_trials
from nnops.sweep.insight import short_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Panels; the most important keys come first.
PANELS = 6
ACROSS = 3
#: How far the marks of a choice are moved apart, in shares of the distance of two choices.
JITTER = 0.18


def draw_slices(seen: Seen) -> "Figure | None":
    """A panel for each of the most important keys."""
    from nnops.figure import new_figure, plain, set_title

    keys = [key for key in seen.keys if any(key in trial.now for trial in seen.told)][:PANELS]
    if len(seen.told) < 2 or not keys:
        return None
    names = short_names(seen.study.space.by_key)
    across = min(ACROSS, len(keys))
    down = math.ceil(len(keys) / across)
    figure = new_figure(max(3.5 * across, 5.0), 0.5 + 2.7 * down)
    panels: list[Any] = list(figure.subplots(down, across, squeeze=False, sharey=True).flat)
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    low, high, clipped = seen.focus
    for place, (axes, key) in enumerate(zip(panels, keys, strict=False)):
        dimension = seen.study.space.by_key[key]
        mark_trials(axes, seen, _places(seen, dimension))
        axes.set_xlim(-0.06, 1.06)
        if dimension.kind == "choice":
            margin = 0.45 / max(len(dimension.choices) - 1, 1)
            axes.set_xlim(-margin, 1 + margin)
        if clipped:
            margin = 0.05 * (high - low)
            axes.set_ylim(low - margin, high + margin)
        label_axis(axes.xaxis, dimension, names[key])
        weight = f"{seen.weights[key]:.0%} of importance" if key in seen.weights else ""
        if place % across == 0:
            axes.set_ylabel(plain(seen.study.objective.metric, 40))
        set_title(axes, f"{plain(seen.study.name, 24)}: slices" if place == 0 else "", weight)
    return figure


def _places(seen: Seen, dimension: Dimension) -> dict[int, float]:
    places: dict[int, float] = {}
    distance = 1 / max(len(dimension.choices) - 1, 1)
    for trial in seen.told:
        place = place_of(dimension, trial)
        if place is not None:
            # Golden ratio: even and the same every time.
            moved = (trial.number * 0.6180339887 % 1 - 0.5) * 2 * JITTER * distance
            places[trial.number] = place + (moved if dimension.kind == "choice" else 0.0)
    return places
