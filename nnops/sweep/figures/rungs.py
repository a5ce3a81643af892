"""Rung survival: the curves of all trials, and how many of them came to each epoch."""

from typing import TYPE_CHECKING, Any

from nnops.sweep.figures.seen import MANY, Seen

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_rungs(seen: Seen) -> "Figure | None":
    """Learning curves at the left, those that were stopped in grey; at the right trials that reached each epoch."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    from nnops.figure import COLORS, INK, MUTED, SEQUENTIAL, new_figure, plain, set_title

    curves = [trial for trial in reversed(seen.told) if trial.reports]
    last = max((trial.epochs for trial in curves), default=0)
    if len(curves) < 2 or last < 2:
        return None
    figure = new_figure(10.5, 3.8)
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    low, high, clipped = seen.focus_of_reports
    lines = [[(float(epoch), value) for epoch, value in trial.reports.items()] for trial in curves]
    complete = [trial.state == "complete" for trial in curves]
    colors = [SEQUENTIAL(0.3 + 0.7 * seen.tones[t.number]) if whole else MUTED
              for t, whole in zip(curves, complete, strict=True)]  # fmt: skip
    collection = LineCollection(lines, colors=colors, linewidths=[1.2 if whole else 0.8 for whole in complete],
                                alpha=0.6, rasterized=len(lines) > MANY)  # fmt: skip
    left.add_collection(collection)
    stops = [trial for trial in curves if trial.state == "pruned"]
    left.scatter([trial.epochs for trial in stops], [min(max(trial.value or 0.0, low), high) for trial in stops],
                 s=12, color=MUTED, linewidths=0, zorder=3, clip_on=False, rasterized=len(stops) > MANY)  # fmt: skip
    best = seen.best
    if best is not None and best.reports:
        left.plot(list(best.reports), list(best.reports.values()), color=COLORS[1], linewidth=2.2, zorder=4,
                  label=f"best, trial {best.number}")  # fmt: skip
    for label, count, style in (
        ("complete", sum(complete), {"color": SEQUENTIAL(0.75), "linewidth": 1.2}),
        ("stopped early", len(stops), {"color": MUTED, "linewidth": 0.8, "marker": ".", "markersize": 6}),
    ):
        if count:
            # A line of nothing, for the legend: the curves themselves are of many tones.
            left.add_line(Line2D([], [], label=f"{label} ({count})", **style))
    left.set_xlim(1 - 0.015 * (last - 1), last)
    # A range that leaves something out has a margin already.
    margin = 0.0 if clipped else 0.05 * ((high - low) or 1.0)
    left.set_ylim(low - margin, high + margin)
    left.set_xlabel("epoch")
    left.set_ylabel(plain(seen.study.objective.metric, 40))
    left.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)

    reached = [sum(trial.epochs >= epoch for trial in curves) for epoch in range(1, last + 1)]
    _draw_reached(right, reached, COLORS[0], INK)
    values = [value for trial in curves for value in trial.reports.values()]
    off = sum(not low <= value <= high for value in values)
    note = f"{off} of {len(values)} reports off the scale" if off else ""
    set_title(left, f"{plain(seen.study.name, 40)}: curves", note)
    spent, whole = sum(trial.epochs for trial in curves), last * len(curves)
    set_title(right, "Survival", f"{spent / whole:.0%} of all epochs spent")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _draw_reached(axes: Any, reached: list[int], color: str, ink: str) -> None:
    """Steps, with a number at the first epoch, wherever trials were stopped, and at the end."""
    epochs = list(range(1, len(reached) + 1))
    axes.fill_between(epochs, reached, step="mid", color=color, alpha=0.22, linewidth=0)
    axes.step(epochs, reached, where="mid", color=color, linewidth=1.8)
    drops = [epoch for epoch in epochs[1:] if reached[epoch - 1] < reached[epoch - 2]]
    if len(drops) <= 6:
        for epoch in dict.fromkeys([1, *drops]):
            axes.annotate(str(reached[epoch - 1]), (epoch, reached[epoch - 1]), xytext=(2, 4), fontsize=8, color=ink,
                          textcoords="offset points")  # fmt: skip
    axes.set_xlim(0.5, len(reached) + 0.5)
    axes.set_ylim(0, max(reached) * 1.14)
    axes.set_xlabel("epoch")
    axes.set_ylabel("trials that reached it")
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_major_locator().set_params(integer=True, min_n_ticks=1)
