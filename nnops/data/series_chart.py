"""The data report of a series as one figure: each variable over its steps, coloured by split, and how it is spread."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nnops.data.columns import Numeric
from nnops.data.made import Made
from nnops.data.prepared import SPLITS
from nnops.figure import COLORS, INK, new_figure, plain, set_title

#: Variables that are drawn, and points of a line: each stands for the mean of several steps where there are more.
MOST, POINTS = 8, 1200
_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def draw_series(made: Made) -> Figure:
    """The figure of one series, or of the first of several."""
    report, steps = made.report, made.preprocess.steps
    assert steps is not None
    shown = made.features[:MOST]
    figure = new_figure(10.5, 1.3 + 1.35 * len(shown))
    rows = report["rows"]
    text = f"{plain(report['source'], 40)}   steps of {report['series']['step']}"
    if report["series"]["count"] > 1:
        text += f", the first of {report['series']['count']} series"
    if len(made.features) > MOST:
        text += f", {MOST} of {len(made.features)} variables"
    figure.suptitle(text, x=0.013, ha="left", fontsize=12, fontweight="bold", color=INK)
    patches = [Patch(color=COLORS[place], label=f"{name} {rows[name]:,} windows") for place, name in enumerate(SPLITS)]
    figure.legend(handles=patches, loc="upper right", ncols=3, handlelength=0.9, handleheight=0.9, columnspacing=1.4)
    grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=[5, 1], sharex="col")
    entries = {entry["name"]: entry for entry in report["columns"]}
    for place, name in enumerate(shown):
        left, right = grid[place]
        _draw_line(left, _steps_of(made, place))
        set_title(left, plain(name), "forecast" if name in steps.targets else "")
        _draw_spread(right, entries[name])
        if not place:
            set_title(right, "Spread", "train")
    grid[-1][0].set_xlabel("step")
    return figure


def _steps_of(made: Made, place: int) -> list[np.ndarray]:
    """The steps that each split of the first series owns, in the variable's own unit."""
    fitted, window = made.preprocess.columns[place], made.spec.shapes[0][0]
    assert isinstance(fitted, Numeric)
    parts: list[np.ndarray] = []
    for split in SPLITS:
        first, end = made.extra["series"]["spans"][split][0]
        # What stands before the first target of val and test is the past, drawn with the split that owns it.
        skip = 0 if split == "train" else window
        parts.append(made.arrays[split]["series"][first + skip : end, place] * fitted.spread + fitted.shift)
    return parts


def _draw_line(axes: Axes, parts: Sequence[np.ndarray]) -> None:
    block = max(1, sum(map(len, parts)) // POINTS)
    start = 0
    for color, part in zip(COLORS, parts, strict=False):
        edges = np.arange(0, len(part), block)
        means = np.add.reduceat(part.astype(np.float64), edges) / np.diff(np.append(edges, len(part)))
        axes.plot(start + edges, means, color=color, lw=0.9)
        start += len(part)
    axes.margins(x=0.005)
    axes.xaxis.set_major_formatter(_THOUSANDS)
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _draw_spread(axes: Axes, entry: Mapping[str, Any]) -> None:
    edges = np.asarray(entry["edges"])
    axes.barh(edges[:-1], entry["counts"], height=np.diff(edges), align="edge", color=COLORS[0], alpha=0.85)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", labelsize=7.5)
