"""The timeline of workers: when each trial ran, and how full the workers were."""

from typing import TYPE_CHECKING, Any

from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.study import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A pause in which nothing ran is left out where it is longer than this share of the time in which something did.
PAUSE = 0.05


def draw_timeline(seen: Seen) -> "Figure | None":
    """A row for each trial that ran at once, a bar for each trial."""
    from nnops.figure import COLORS, FAINT, MUTED, new_figure, plain, set_title

    ran = sorted((t for t in [*seen.trials, *seen.repeats] if t.ended is not None and t.began), key=lambda t: t.began)
    if len(ran) < 2:
        return None
    starts, pauses = _without_pauses(ran)
    rows = lanes([(starts[t.number], starts[t.number] + (t.ended or 0.0) - t.began) for t in ran])
    count = max(rows) + 1
    colors = {"complete": COLORS[0], "pruned": "#b6bec7", "failed": COLORS[3], "infeasible": COLORS[1]}
    span = max(starts[t.number] + (t.ended or 0.0) - t.began for t in ran)
    scale, unit = (3600.0, "hours") if span > 2 * 3600 else (60.0, "minutes") if span > 120 else (1.0, "seconds")
    figure = new_figure(10.5, 1.5 + min(0.3 * max(count, 2), 4.0))
    axes: Any = figure.subplots()
    for state, color in colors.items():
        bars = [(place, t) for place, t in enumerate(ran) if t.state == state]
        if bars:
            axes.barh(
                [rows[place] for place, _ in bars], [((t.ended or 0.0) - t.began) / scale for _, t in bars],
                left=[starts[t.number] / scale for _, t in bars], height=0.74, color=color, linewidth=0.4,
                edgecolor="white", label=f"{state} ({len(bars)})", zorder=2, rasterized=len(ran) > MANY,
            )  # fmt: skip
    for moment in pauses:
        axes.axvline(moment / scale, color=FAINT, linewidth=2.5, zorder=1)
        axes.text(moment / scale, count - 0.4, "pause", fontsize=7.5, color=MUTED, ha="center", va="bottom")
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlim(0, span / scale)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylabel("trials at once")
    axes.set_xlabel(unit)
    busy = sum((t.ended or 0.0) - t.began for t in ran) / (span * count) if span else 1.0
    set_title(axes, f"{plain(seen.study.name, 40)}: when trials ran", f"{count} at once, {busy:.0%} busy")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def lanes(spans: list[tuple[float, float]]) -> list[int]:
    """The lowest row that is free for each span; they are sorted by their beginning.

    >>> lanes([(0, 2), (1, 3), (2, 4), (2.5, 3)])
    [0, 1, 0, 2]
    """
    ends: list[float] = []
    rows: list[int] = []
    for begin, end in spans:
        row = next((place for place, last in enumerate(ends) if last <= begin + 1e-6), len(ends))
        if row == len(ends):
            ends.append(end)
        else:
            ends[row] = end
        rows.append(row)
    return rows


def _without_pauses(ran: list[TrialRecord]) -> tuple[dict[int, float], list[float]]:
    """Seconds at which each trial began, pauses left out, and the moments at which they were."""
    first, reached, gaps = ran[0].began, ran[0].began, list[tuple[float, float]]()
    for trial in ran:
        if trial.began > reached:
            gaps.append((reached, trial.began))
        reached = max(reached, trial.ended or 0.0)
    active = reached - first - sum(end - begin for begin, end in gaps)
    cut = [(begin, end) for begin, end in gaps if end - begin > PAUSE * active]
    starts = {t.number: t.began - first - sum(end - begin for begin, end in cut if end <= t.began) for t in ran}
    moments = [begin - first - sum(e - b for b, e in cut if e <= begin) for begin, _ in cut]
    return starts, moments
