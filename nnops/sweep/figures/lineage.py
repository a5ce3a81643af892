"""Lineage: the trainings of a population as a tree, from generation to generation, by epoch and value."""

from typing import TYPE_CHECKING

from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.lineage import ancestors, generations

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_lineage(seen: Seen) -> "Figure | None":
    """Each trial from where its parent ended: the winner's line, those that came to the end, and those given up."""
    from matplotlib.collections import LineCollection

    from nnops.figure import COLORS, FAINT, INK, MUTED, new_figure, plain, set_title

    found = generations(seen.trials)
    if len(found) < 2:
        return None
    by_number = {trial.number: trial for each in found for trial in each.members if trial.reports}
    line = [seen.best, *ancestors(seen.trials, seen.best.number)] if seen.best is not None else []
    winners = {trial.number for trial in line}
    living = {member.number for member in found[-1].members}
    living |= {each.number for number in living for each in ancestors(seen.trials, number)}
    figure = new_figure(10.5, 4.4)
    axes = figure.subplots()
    kinds = {"given up": (MUTED, 0.9, 0.5, 2), "came to the end": (COLORS[0], 1.2, 0.65, 3),
             "the best one's line": (COLORS[1], 2.6, 1.0, 4)}  # fmt: skip
    for kind, (color, width, alpha, order) in kinds.items():
        of = [t for t in by_number.values() if _kind(t.number, winners, living) == kind]
        if not of:
            continue
        lines: list[list[tuple[float, float]]] = []
        for trial in of:
            parent = by_number.get(trial.parent) if trial.parent is not None else None
            start = parent.epochs if parent is not None else 0
            own = [(float(epoch), value) for epoch, value in trial.reports.items() if epoch >= start]
            lines.append(own)
        axes.add_collection(LineCollection(lines, colors=color, linewidths=width, alpha=alpha, zorder=order,
                                           label=kind, capstyle="round", rasterized=len(of) > MANY))  # fmt: skip
        axes.scatter([line[-1][0] for line in lines], [line[-1][1] for line in lines], s=26 if order == 4 else 12,
                     color=color, alpha=min(1.0, alpha + 0.2), linewidths=0, zorder=order)  # fmt: skip
        for trial, drawn in zip(of, lines, strict=True) if order == 4 else ():
            axes.annotate(str(trial.number), drawn[-1], xytext=(4, 6), textcoords="offset points", fontsize=8.5,
                          color=INK, zorder=5)  # fmt: skip
    _frame(axes, seen, [each.epochs for each in found], FAINT)
    axes.set_ylabel(plain(seen.study.objective.metric, 40))
    handles, labels = axes.get_legend_handles_labels()
    # The best first, as it is looked for.
    axes.legend(handles[::-1], labels[::-1], loc="best")
    taken = sum(each.taken for each in found)
    going_on = sum(len(each.members) for each in found[1:])
    set_title(axes, f"{plain(seen.study.name, 40)}: lineage", f"{taken} of {going_on} went on with another's training")
    return figure


def _kind(number: int, winners: set[int], living: set[int]) -> str:
    if number in winners:
        return "the best one's line"
    return "came to the end" if number in living else "given up"


def _frame(axes: object, seen: Seen, ends: list[int], faint: str) -> None:
    """Limits, and a mark at the end of each generation."""
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    # What generations came to; where trainings began, far off, would press all of it flat.
    values = [trial.value for trial in seen.told if trial.value is not None]
    low, high = min(values), max(values)
    margin = 0.06 * ((high - low) or 1.0)
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(0.5, ends[-1] + 0.03 * ends[-1] + 0.5)
    for end in ends:
        axes.axvline(end, color=faint, linewidth=1.0, zorder=0)
    word = "generation " if len(ends) <= 8 else ""
    axes.set_xticks(ends, [f"{end}\n{word}{place}" for place, end in enumerate(ends, start=1)])
    axes.set_xlabel("epoch, and the generation that ended there")
