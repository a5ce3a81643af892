"""The timeline of workers: when each trial ran, and how full the workers were."""

from typing import TYPE_CHECKING, Any

from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.hours import Span, hours, parts
from nnops.sweep.words import duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A pause in which nothing ran is left out where it is longer than this share of the time in which something did.
PAUSE = 0.05


def draw_timeline(seen: Seen) -> "Figure | None":
    """A row for each trial that ran at once, a bar for each time in which a trial ran."""
    from nnops.figure import COLORS, MUTED, new_figure, plain, set_title

    records = [*seen.trials, *seen.repeats]
    ran = [trial for trial in records if trial.ended is not None and trial.began]
    if len(ran) < 2:
        return None
    driven = hours(seen.study, records)
    found = sorted(((trial, *part) for trial in ran for part in parts(trial, driven)), key=lambda bar: bar[1])
    spans, pauses = without_pauses([(begin, end) for _, begin, end in found])
    rows = lanes(spans)
    count, span = max(rows) + 1, max(end for _, end in spans)
    colors = {"complete": COLORS[0], "pruned": "#b6bec7", "failed": COLORS[3], "infeasible": COLORS[1]}
    scale, unit = (3600.0, "hours") if span > 2 * 3600 else (60.0, "minutes") if span > 120 else (1.0, "seconds")
    figure = new_figure(10.5, 1.5 + min(0.3 * max(count, 2), 4.0))
    axes: Any = figure.subplots()
    for state, color in colors.items():
        bars = [place for place, (trial, *_) in enumerate(found) if trial.state == state]
        if bars:
            axes.barh(
                [rows[bar] for bar in bars], [(spans[bar][1] - spans[bar][0]) / scale for bar in bars],
                left=[spans[bar][0] / scale for bar in bars], height=0.74, color=color, linewidth=0.4,
                edgecolor="white", label=f"{state} ({sum(trial.state == state for trial in ran)})", zorder=2,
                rasterized=len(found) > MANY,
            )  # fmt: skip
    told = -span
    for moment, seconds in pauses:
        # A way cut through the bars, for a time that is not drawn.
        axes.axvline(moment / scale, color="white", linewidth=4.5, zorder=3)
        axes.axvline(moment / scale, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=4)
        if moment - told > 0.12 * span:
            axes.text(moment / scale, -0.56, f"pause of {duration(seconds)}", fontsize=7.5, color=MUTED, ha="center",
                      va="bottom")  # fmt: skip
            told = moment
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlim(0, span / scale)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylabel("trials at once")
    axes.set_xlabel(unit)
    busy = sum(end - begin for begin, end in spans) / (span * count) if span else 1.0
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


def without_pauses(spans: list[Span]) -> tuple[list[Span], list[Span]]:
    """Spans in seconds from the first one on, long pauses between them left out; and when those were, how long.

    >>> without_pauses([(100.0, 104.0), (150.0, 156.0)])
    ([(0.0, 4.0), (4.0, 10.0)], [(4.0, 46.0)])
    """
    first = reached = spans[0][0]
    gaps: list[Span] = []
    for begin, end in spans:
        if begin > reached:
            gaps.append((reached, begin))
        reached = max(reached, end)
    active = reached - first - sum(end - begin for begin, end in gaps)
    cut = [(begin, end) for begin, end in gaps if end - begin > PAUSE * active]

    def place(moment: float) -> float:
        return moment - first - sum(end - begin for begin, end in cut if end <= moment)

    # No span reaches into a gap.
    moved = [(place(begin), place(begin) + end - begin) for begin, end in spans]
    return moved, [(place(begin), end - begin) for begin, end in cut]
