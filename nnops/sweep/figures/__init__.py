"""Figures of a study: one a file, each a function that takes a :class:`Seen` and gives a figure, or None.

The order is that of a page: what was found, what decided it, how it was spent.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnops.sweep.figures.seen import Seen

FIGURES = {
    "history": "nnops.sweep.figures.history:draw_history",
    "front": "nnops.sweep.figures.several:draw_front",
    "hypervolume": "nnops.sweep.figures.several:draw_hypervolume",
    "repeats": "nnops.sweep.figures.repeats:draw_repeats",
    "importance": "nnops.sweep.figures.weight:draw_importance",
    "slices": "nnops.sweep.figures.slices:draw_slices",
    "contour": "nnops.sweep.figures.contour:draw_contour",
    "parallel": "nnops.sweep.figures.parallel:draw_parallel",
    "lineage": "nnops.sweep.figures.lineage:draw_lineage",
    "rungs": "nnops.sweep.figures.rungs:draw_rungs",
    "timeline": "nnops.sweep.figures.timeline:draw_timeline",
}


def build_figures(seen: "Seen") -> "dict[str, Figure]":
    """Every figure that the trials allow, by name, in the order of :data:`FIGURES`."""
    found: dict[str, Figure] = {}
    for name in FIGURES:
        figure = build_figure(name, seen)
        if figure is not None:
            found[name] = figure
    return found


def build_figure(name: str, seen: "Seen") -> "Figure | None":
    """One figure, or None where there is nothing to see yet."""
    module, function = FIGURES[name].split(":")
    return getattr(import_module(module), function)(seen)
