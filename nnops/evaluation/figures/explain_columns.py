"""What each column adds to answers: a swarm over all rows, and one row step by step.

Legend of shape suffixes: N rows, M columns.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from scipy.stats import rankdata

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Columns that there is room for in a swarm and in a row.
SHOWN, STEPS = 14, 10
#: Low to high values; without a pale middle, which would be lost on white.
LOW_HIGH = LinearSegmentedColormap.from_list("nnops_values", [COLORS[5], COLORS[4], COLORS[3]])
UP, DOWN = COLORS[3], COLORS[0]
TITLES = {"shap": "SHAP values", "lime": "LIME weights", "integrated_gradients": "Integrated gradients"}


def draw_summary(subject: Subject, explanation: Explanation, method: str) -> Figure:
    """Draw every row's value of each column, coloured by the raw value; the columns that count most on top."""
    value_NM = explanation.value
    size_M = np.abs(value_NM).mean(0)
    order = np.argsort(-size_M, kind="stable")[:SHOWN]
    figure = new_figure(7.6, 1.5 + 0.36 * len(order))
    axes = figure.subplots()
    reach = float(np.ptp(value_NM[:, order])) or 1.0
    inputs = subject.named(subject.inputs)
    for place, column in enumerate(order):
        numbers_N = subject.features[column].numbers(inputs)
        lift_N = swarm(value_NM[:, column], reach)
        if numbers_N is None:
            axes.scatter(value_NM[:, column], place + lift_N, s=11, color=COLORS[-1], alpha=0.75, lw=0)
        else:
            known = np.isfinite(numbers_N)
            shade = np.where(known[:, None], LOW_HIGH(_height(numbers_N)), (0.85, 0.85, 0.85, 1.0))
            axes.scatter(value_NM[:, column], place + lift_N, s=11, c=shade, alpha=0.9, lw=0)
        axes.annotate(
            f"{size_M[column]:.2g}",
            (1.0, place),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            size=8.5,
            color=MUTED,
        )
    axes.axvline(0, color=MUTED, lw=0.8, zorder=0)
    _name_lines(axes, [explanation.names[column] for column in order])
    axes.set_xlabel(f"what the column adds to {plain(explanation.unit)}")
    rows = "one row" if len(subject) == 1 else f"{len(subject):,} rows"
    set_title(axes, f"{TITLES.get(method, method)} of {rows}", "mean size at the right")
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), LOW_HIGH), ax=axes, aspect=32, pad=0.07, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"])
    bar.ax.tick_params(length=0, labelcolor=MUTED, labelsize=8.5)
    bar.set_label("value in its column; words are grey", color=MUTED, size=8.5, labelpad=-8)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return figure


def draw_row(subject: Subject, explanation: Explanation, method: str) -> Figure:
    """Draw how the columns lead from the base to the answer, of the row that is furthest from it."""
    assert explanation.score_N is not None
    assert explanation.base_N is not None
    row = int(np.abs(explanation.score_N - explanation.base_N).argmax())
    value_M, base = explanation.value[row], float(explanation.base_N[row])
    order = np.argsort(-np.abs(value_M), kind="stable")
    shown, rest = order[:STEPS], order[STEPS:]
    inputs = subject.named(tuple(each[row : row + 1] for each in subject.inputs))
    steps = [
        (
            f"{plain(explanation.names[column], 22)} = {plain(subject.features[column].texts(inputs)[0], 18)}",
            value_M[column],
        )
        for column in shown
    ]
    if len(rest):
        steps.append((f"{len(rest)} other columns", float(value_M[rest].sum())))
    figure = new_figure(7.6, 1.5 + 0.34 * len(steps))
    axes = figure.subplots()
    # The largest stands on top, next to the answer, so the way starts from below.
    at = base
    ends = [base]
    for place in reversed(range(len(steps))):
        value = float(steps[place][1])
        axes.barh(place, value, left=at, height=0.62, color=UP if value > 0 else DOWN)
        axes.annotate(
            f"{value:+.3g}",
            (max(at, at + value), place),
            (5, 0),
            textcoords="offset points",
            va="center",
            size=8.5,
            color=UP if value > 0 else DOWN,
        )
        at += value
        ends.append(at)
        if place:
            axes.vlines(at, place - 1.31, place + 0.31, color=MUTED, lw=0.7, alpha=0.7)
    axes.axvline(base, color=MUTED, lw=0.8, ls=(0, (4, 3)), zorder=0)
    low, high = min(ends), max(ends)
    pad = (high - low) or 1.0
    axes.set_xlim(low - 0.06 * pad, high + 0.14 * pad)
    _name_lines(axes, [name for name, _ in steps], ready=True)
    axes.set_xlabel(f"{plain(explanation.unit)}: from {base:.3g} without the row to {at:.3g}")
    set_title(
        axes,
        f"Row {subject.number_N[row]}: {plain(subject.answers[subject.choice_N[row]])} {at:.3g}",
        TITLES.get(method, method),
    )
    return figure


def _height(numbers_N: np.ndarray) -> np.ndarray:
    """How high each number stands among all: from 0, the lowest, however many share it, to 1, the highest."""
    below_N = rankdata(np.where(np.isfinite(numbers_N), numbers_N, -np.inf), "min") - 1
    return below_N / max(1.0, below_N.max())


def swarm(value_N: np.ndarray, reach: float) -> np.ndarray:
    """How far each dot stands from its line so that few hide another: side by side where many have one value.

    Args:
        value_N: Where the dots lie along the line.
        reach: The length of the axis.

    Returns:
        Between -0.4 and 0.4.
    """
    cell_N = np.round((value_N - value_N.min()) / reach * 90).astype(np.int64)
    lift_N = np.zeros(len(value_N))
    for cell in np.unique(cell_N):
        mine = np.flatnonzero(cell_N == cell)
        # 0, 1, -1, 2, -2, ...
        count = np.arange(len(mine))
        lift_N[mine] = np.where(count % 2 == 1, (count + 1) // 2, -(count // 2))
    return lift_N * min(0.075, 0.4 / max(1.0, np.abs(lift_N).max()))


def _name_lines(axes: Axes, names: list[str], *, ready: bool = False) -> None:
    axes.set(ylim=(len(names) - 0.4, -0.6), yticks=range(len(names)))
    axes.set_yticklabels(names if ready else [plain(name, 26) for name in names])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
