"""Figures of an examination: the range test, one batch learned by heart, gradients by layer."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnops.doctor.layer import Flow
from nnops.doctor.rate import RateRange
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title


def draw_rates(found: RateRange, lr: float) -> Figure:
    """The loss by rate, where it falls and breaks, the rate of the params and the one that is suggested."""
    figure = new_figure(7.6, 3.8)
    axes = figure.subplots()
    known = [(rate, loss) for rate, loss in zip(found.rates, found.losses, strict=True) if math.isfinite(loss)]
    smooth = [(rate, loss) for rate, loss in zip(found.rates, found.smooth, strict=True) if math.isfinite(loss)]
    axes.plot(*zip(*known, strict=True), color=COLORS[0], lw=1, alpha=0.3)
    axes.plot(*zip(*smooth, strict=True), color=COLORS[0], label="loss before each step, averaged")
    axes.set_xscale("log")
    low, high = min(loss for _, loss in smooth), found.start
    axes.set_ylim(low - 0.12 * max(high - low, 1e-9), high + 0.55 * max(high - low, 1e-9))
    axes.set_xlim(found.rates[0], found.rates[-1])
    if found.falls is not None:
        axes.axvspan(found.falls, found.breaks or found.rates[-1], color=COLORS[2], alpha=0.08, lw=0)
    other = found.suggested
    _mark(axes, lr, f"params {lr:g}", INK, 0.95, left=other is not None and lr < other)
    if other is not None:
        _mark(axes, other, f"suggested {other:g}", COLORS[2], 0.85, left=other <= lr)
    axes.set_xlabel("learning rate, raised at every step")
    axes.set_ylabel("loss")
    note = f"{len(known)} steps of {found.rows} rows"
    set_title(axes, "Learning-rate range test", note)
    return figure


def draw_batch(losses: dict[str, list[float]], known: float, rows: int) -> Figure:
    """The loss of one batch by step, for each way in which it was tried; ``known`` is that of a constant answer."""
    figure = new_figure(7.6, 3.8)
    axes = figure.subplots()
    floor = known * 1e-3
    for place, (name, row) in enumerate(losses.items()):
        values = [max(loss, floor) for loss in row if math.isfinite(loss)]
        axes.plot(range(1, len(values) + 1), values, color=COLORS[place % len(COLORS)], label=name)
    axes.axhline(known, color=MUTED, lw=1, ls=(0, (4, 3)))
    axes.annotate(
        "a constant answer",
        (1, known),
        xycoords=axes.get_yaxis_transform(),
        xytext=(-4, 4),
        textcoords="offset points",
        color=MUTED,
        fontsize=8.5,
        ha="right",
    )
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.legend(loc="lower left")
    set_title(axes, "One batch, learned by heart", f"{rows} rows")
    return figure


def draw_flows(flows: dict[str, list[Flow]]) -> Figure:
    """The gradient of each weight as a part of the weight, from the input to the output, at the start and after."""
    names = [flow.name.removesuffix(".weight") for flow in next(iter(flows.values()))]
    figure = new_figure(7.6, max(2.6, 1.5 + 0.26 * len(names)))
    axes = figure.subplots()
    for place, (when, row) in enumerate(flows.items()):
        values = [flow.relative if flow.relative > 0 else math.nan for flow in row]
        axes.plot(values, range(len(row)), "o-", ms=5, lw=1.2, color=COLORS[place], mec="white", label=when)
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), [plain(name, 34) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(True, axis="x")
    axes.set_xlabel("norm of the gradient / norm of the weight")
    if len(flows) > 1:
        axes.legend(loc="best")
    set_title(axes, "Gradients by layer", "input at the top")
    return figure


def _mark(axes: Axes, rate: float, text: str, color: str, height: float, *, left: bool) -> None:
    axes.axvline(rate, color=color, lw=1.2, ls=(0, (4, 3)), ymax=height)
    axes.annotate(
        text,
        (rate, height),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, -3),
        textcoords="offset points",
        color=color,
        fontsize=8.5,
        ha="right" if left else "left",
        va="top",
    )
