"""Figures of a regression: predicted against true values, and what is left over."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnops.evaluation.figures.summary import thousands
from nnops.evaluation.scorecard import Scorecard, shown
from nnops.figure import COLORS, MUTED, SEQUENTIAL, new_figure, plain, set_title

#: Above this many rows, dots hide each other and their density is drawn instead.
DOTS = 1500
#: Below this many rows, medians of tenths are noise.
TREND = 200
CELLS = 48


def draw_predicted(scorecard: Scorecard) -> Figure:
    """Draw predicted against true values."""
    predictions = scorecard.predictions
    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    whole_M = np.concatenate([predictions.truth_N, predictions.value_N])
    # A handful of wild predictions must not squeeze the rest into a corner.
    low, high = np.quantile(whole_M, [0.001, 0.999])
    pad = 0.04 * (high - low) or 1.0
    limits = (float(low - pad), float(high + pad))
    _cloud(figure, axes, predictions.truth_N, predictions.value_N, limits, limits)
    axes.plot(limits, limits, color=COLORS[1], lw=1.4)
    axes.set_box_aspect(1)
    _scale(axes.xaxis, limits)
    _scale(axes.yaxis, limits)
    axes.set(xlabel=f"true {plain(scorecard.target)}", ylabel=f"predicted {plain(scorecard.target)}")
    r2 = scorecard.test.get("r2")
    outside = np.count_nonzero((whole_M < limits[0]) | (whole_M > limits[1]))
    notes = [
        f"R² {r2.value:.3f}" if r2 else "",
        f"{outside} value{'' if outside == 1 else 's'} outside" if outside else "",
    ]
    set_title(axes, "Predicted and true", ", ".join(note for note in notes if note))
    return figure


def draw_residuals(scorecard: Scorecard) -> Figure:
    """Draw residuals, predicted minus true, against the prediction, and how they spread."""
    predictions = scorecard.predictions
    figure = new_figure(8.4, 4.2)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2.4, 1))
    error_N, value_N = predictions.error_N, predictions.value_N
    reach = float(np.quantile(np.abs(error_N), 0.998)) * 1.1 or 1.0
    low, high = np.quantile(value_N, [0.001, 0.999])
    pad = 0.03 * (high - low) or 1.0
    x_limits, y_limits = (float(low - pad), float(high + pad)), (-reach, reach)
    _cloud(figure, left, value_N, error_N, x_limits, y_limits)
    left.axhline(0, color=COLORS[1], lw=1.4)
    trend = len(error_N) >= TREND
    if trend:
        _draw_trend(left, value_N, error_N)
    _scale(left.xaxis, x_limits)
    _scale(left.yaxis, y_limits)
    left.set(xlabel=f"predicted {plain(scorecard.target)}", ylabel="predicted minus true")
    set_title(left, "Residuals", "dotted: medians, each of a tenth of the rows" if trend else "")
    edges = np.linspace(-reach, reach, 41 if trend else 16)
    right.hist(error_N, bins=list(edges), orientation="horizontal", color=COLORS[0], edgecolor="white", lw=0.4)
    right.axhline(0, color=COLORS[1], lw=1.4)
    right.set(xlabel="rows")
    right.tick_params(axis="y", labelleft=False)
    right.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
    set_title(right, "Spread", f"median {shown(float(np.median(error_N)))}")
    return figure


def _draw_trend(axes: Axes, value_N: np.ndarray, error_N: np.ndarray) -> None:
    order_N = np.argsort(value_N, kind="stable")
    parts = [part for part in np.array_split(order_N, 10) if len(part)]
    x = [float(np.median(value_N[part])) for part in parts]
    y = [float(np.median(error_N[part])) for part in parts]
    axes.plot(x, y, "o:", ms=4, lw=1.4, color=COLORS[3], mec="white", mew=0.6)


def _cloud(
    figure: Figure,
    axes: Axes,
    x_N: np.ndarray,
    y_N: np.ndarray,
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
) -> None:
    if len(x_N) <= DOTS:
        axes.plot(x_N, y_N, "o", ms=3.6, color=COLORS[0], alpha=0.55, mec="none")
    else:
        # A log scale, so that rare rows show; its colours start below one row, which would be all but white.
        image = axes.hexbin(
            x_N,
            y_N,
            gridsize=CELLS,
            extent=(*x_limits, *y_limits),
            norm=LogNorm(vmin=0.3),
            mincnt=1,
            cmap=SEQUENTIAL,
            linewidths=0.1,
        )
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=18, pad=0.03, format="{x:,.0f}")
        bar.ax.set_ylim(bottom=1)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=8, which="both")
        bar.set_label("rows", fontsize=8.5, color=MUTED)
    axes.set(xlim=x_limits, ylim=y_limits)
    axes.grid(visible=True, axis="both")


def _scale(axis: Axis, limits: tuple[float, float]) -> None:
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    if max(map(abs, limits)) >= 10_000:
        axis.set_major_formatter(thousands)
