"""History: every trial's value in the order asked with the best so far, and the regret over the epochs spent."""

import math
from typing import TYPE_CHECKING, Any

from nnops.number import short
from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.study import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_history(seen: Seen) -> "Figure | None":
    """Values by trial at the left; at the right, once the best has changed, the regret by epochs spent."""
    from nnops.figure import new_figure, plain, set_title

    if not seen.told:
        return None
    regret = regrets(seen)
    best = seen.best
    note = f"best {short(best.value)}, trial {best.number}" if best else "nothing complete"
    title = f"{plain(seen.study.name, 40)}: search history"
    if len(regret) < 2:
        figure = new_figure(7.5, 3.8)
        axes: Any = figure.subplots()
        _draw_values(axes, seen)
        set_title(axes, title, note)
    else:
        figure = new_figure(10.5, 3.8)
        left, right = figure.subplots(1, 2, width_ratios=[2, 1])
        _draw_values(left, seen)
        _draw_regret(right, seen, regret)
        set_title(left, title, note)
        set_title(right, "Regret", "distance to the best found")
    figure.legend(loc="outside lower center", ncols=5)
    return figure


def regrets(seen: Seen) -> list[tuple[int, float]]:
    """Epochs that all trials have spent, and the distance of the best so far to the best of all, whenever it changed.

    Trials are taken in the order in which they ended. The last one, whose distance is 0, is left in.
    """
    loss = seen.study.objective.loss
    ended = sorted((t for t in seen.trials if t.ended is not None), key=lambda t: (t.ended or 0.0, t.number))
    spent, steps = 0, list[tuple[int, float]]()
    for trial in ended:
        spent += trial.epochs
        if trial.state == "complete" and trial.value is not None:
            value = loss(trial.value)
            if not steps or value < steps[-1][1]:
                steps.append((spent, value))
    return [(epochs, value - steps[-1][1]) for epochs, value in steps]


def best_so_far(seen: Seen) -> list[TrialRecord]:
    """Complete trials that were better than all of lower numbers."""
    loss, steps = seen.study.objective.loss, list[TrialRecord]()
    for trial in seen.complete:
        if not steps or loss(trial.value or 0.0) < loss(steps[-1].value or 0.0):
            steps.append(trial)
    return steps


def _draw_values(axes: Any, seen: Seen) -> None:
    from nnops.figure import COLORS, MUTED, plain

    low, high, clipped = seen.focus
    maximize = seen.study.objective.direction == "maximize"
    many = len(seen.told) > MANY
    pruned, complete = seen.pruned, seen.complete
    inside = [t for t in pruned if seen.inside(t)], [t for t in complete if seen.inside(t)]
    lost = [t for t in seen.trials if t.state in ("failed", "infeasible")]
    if pruned:
        axes.scatter(
            [t.number for t in inside[0]], [t.value for t in inside[0]], rasterized=many,
            s=16, facecolors="none", edgecolors=MUTED, linewidths=0.9, label=f"stopped early ({len(pruned)})",
        )  # fmt: skip
    axes.scatter(
        [t.number for t in inside[1]], [t.value for t in inside[1]], rasterized=many,
        s=24, color=COLORS[0], label=f"complete ({len(complete)})", zorder=3,
    )  # fmt: skip
    if clipped:
        # Drawn at the edge: seen to be there, and the contest of the good ones keeps its room.
        off = [t for t in seen.told if not seen.inside(t)]
        edge, marker = (low, "v") if maximize else (high, "^")
        axes.scatter(
            [t.number for t in off], [edge] * len(off), rasterized=many,
            marker=marker, s=18, color=[COLORS[0] if t.state == "complete" else MUTED for t in off], linewidths=0,
            clip_on=False, label=f"of these off the scale ({len(off)})", zorder=3,
        )  # fmt: skip
        axes.set_ylim(low, high)
    steps = best_so_far(seen)
    if steps:
        numbers = [t.number for t in steps] + [max(seen.trials[-1].number, 1)]
        values = [seen.clip(t.value or 0.0) for t in (*steps, steps[-1])]
        axes.step(numbers, values, where="post", color=COLORS[1], linewidth=1.6, label="best so far", zorder=2)
    if lost:
        bottom, top = axes.get_ylim()
        axes.scatter(
            [t.number for t in lost], [bottom if maximize else top] * len(lost),
            marker="x", s=22, color=COLORS[3], linewidths=1.2, label=f"failed or infeasible ({len(lost)})",
            clip_on=False,
        )  # fmt: skip
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set_xlabel("trial")
    axes.set_ylabel(plain(seen.study.objective.metric, 40))


def _draw_regret(axes: Any, seen: Seen, regret: list[tuple[int, float]]) -> None:
    from nnops.figure import COLORS

    spent = sum(trial.epochs for trial in seen.trials)
    positive = [value for _, value in regret if value > 0]
    # As far below as a third of the others reach, at least a half.
    floor = min(positive) / max(2.0, (max(positive) / min(positive)) ** 0.35)
    epochs = [epoch for epoch, _ in regret] + [max(spent, regret[-1][0])]
    values = [value or floor for _, value in regret]
    axes.step(epochs, [*values, values[-1]], where="post", color=COLORS[1], linewidth=1.8)
    axes.scatter([epochs[-2]], [floor], s=34, color=COLORS[1], zorder=4)
    axes.annotate("best found", (epochs[-2], floor), xytext=(0, 7), textcoords="offset points", fontsize=8,
                  ha="right" if epochs[-2] > spent / 2 else "left")  # fmt: skip
    axes.set_yscale("log")
    marks = regret_marks(min(positive), max(positive))
    # Nothing has no place on such an axis; it gets one below all others, and says so.
    axes.set_yticks([floor, *marks], ["0", *(short(mark, 3) for mark in marks)])
    axes.minorticks_off()
    axes.set_xlabel("epochs spent by all trials")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def regret_marks(low: float, high: float) -> list[float]:
    """Marks of a logarithmic axis: the powers of ten from ``low`` to ``high``, its ends where there are less than two.

    >>> regret_marks(30.0, 2000.0), regret_marks(3.0, 40.0), regret_marks(5.0, 5.0)
    ([100.0, 1000.0], [3.0, 40.0], [5.0])
    """
    powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    return powers if len(powers) > 1 else list(dict.fromkeys([low, high]))
