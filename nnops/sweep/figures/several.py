"""Figures of several objectives: the front, and its hypervolume over trials."""

from typing import TYPE_CHECKING, Any

from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.front import hypervolumes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnops.sweep.study import TrialRecord

#: A measured quantity whose largest value is so many times its smallest one gets a logarithmic axis.
LOG_FROM = 20.0


def draw_front(seen: Seen) -> "Figure | None":
    """Each further objective against the first: complete trials, those of the front, those that broke a constraint."""
    from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

    first, *others = seen.study.objectives
    complete = [trial for trial in seen.complete if trial.values]
    if not others or not complete:
        return None
    broke = [trial for trial in seen.trials if trial.state == "infeasible" and trial.values]
    members = seen.study.front(seen.trials)
    chosen = seen.best or members[0]
    figure = new_figure(max(6.4, 4.4 * len(others)), 4.4)
    panels: Any = figure.subplots(1, len(others), squeeze=False)[0]
    for place, (axes, other) in enumerate(zip(panels, others, strict=True)):

        def points(trials: "list[TrialRecord]", name: str = other.metric) -> tuple[list[float], list[float]]:
            return [trial.values[name] for trial in trials], [trial.values[first.metric] for trial in trials]

        rest = [trial for trial in complete if trial not in members]
        kinds = [
            (broke, {"marker": "x", "s": 22, "color": COLORS[3], "linewidths": 1.2}, "breaks a constraint"),
            (rest, {"s": 20, "facecolors": "none", "edgecolors": MUTED, "linewidths": 0.9}, "complete"),
            (members, {"s": 34, "color": COLORS[0], "zorder": 4}, "front"),
        ]
        for trials, style, label in kinds:
            if trials:
                text = f"{label} ({len(trials)})" if place == 0 else None
                axes.scatter(*points(trials), label=text, rasterized=len(trials) > MANY, **style)
        if len(others) == 1:
            walk = sorted(zip(*points(members), strict=True), key=lambda point: other.loss(point[0]))
            side = "post" if other.direction == "minimize" else "pre"
            xs, ys = zip(*sorted(walk), strict=True)
            axes.step(xs, ys, where=side, color=COLORS[0], linewidth=1.2, alpha=0.6, zorder=3)
        (x,), (y,) = points([chosen])
        axes.scatter([x], [y], s=110, facecolors="none", edgecolors=COLORS[1], linewidths=1.8, zorder=5,
                     label=f"taken by default: trial {chosen.number}" if place == 0 else None)  # fmt: skip
        values = [*points(complete)[0], *points(broke)[0]]
        if min(values) > 0 and max(values) / min(values) > LOG_FROM:
            axes.set_xscale("log")
        else:
            axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel(f"{other.metric}  ({other.direction})", color=INK)
        axes.set_ylabel(f"{first.metric}  ({first.direction})", color=INK)
        axes.grid(visible=True, axis="both")
    set_title(
        panels[0], f"{plain(seen.study.name, 40)}: the front", f"{len(members)} of {len(complete)} complete trials"
    )
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def draw_hypervolume(seen: Seen) -> "Figure | None":
    """How much of the box between the best and the worst values seen is dominated, after each complete trial."""
    from nnops.figure import COLORS, new_figure, plain, set_title

    complete = [trial for trial in seen.complete if trial.values]
    if len(seen.study.objectives) < 2 or len(complete) < 2:
        return None
    volumes = hypervolumes([seen.study.point(trial) for trial in complete])
    figure = new_figure(7.5, 3.4)
    axes: Any = figure.subplots()
    axes.step([trial.number for trial in complete], volumes, where="post", color=COLORS[0], linewidth=1.8)
    axes.set_ylim(0, 1)
    axes.set_xlabel("trial")
    axes.set_ylabel("hypervolume, share of the box")
    note = f"{volumes[-1]:.3f} after {len(complete)} complete trials"
    set_title(axes, f"{plain(seen.study.name, 40)}: hypervolume of the front", note)
    return figure
