"""The groups of rows on which a model is worse, with the primary metric on each beside that of all rows."""

from matplotlib.figure import Figure

from nnops.evaluation.figures.summary import titled, write_value
from nnops.evaluation.scorecard import Scorecard
from nnops.figure import COLORS, INK, MUTED, new_figure, plain

#: Most characters of a condition.
WIDE = 38


def draw_slices(scorecard: Scorecard) -> Figure:
    """Draw the primary metric on each slice, the worst one first, and on all rows of test."""
    slices, whole = scorecard.slices or (), scorecard.test[scorecard.primary]
    figure = new_figure(7.5, 1.5 + 0.52 * (len(slices) + 1))
    axes = figure.subplots()
    entries = [*((one.score, COLORS[1]) for one in slices), (whole, COLORS[0])]
    for place, (score, color) in enumerate(entries):
        if score.low is not None and score.high is not None:
            axes.hlines(place, score.low, score.high, color=color, lw=5, alpha=0.3)
        axes.plot(score.value, place, "o", ms=6.5, color=color)
        write_value(axes, place, score.value)
    axes.axvline(whole.value, color=MUTED, lw=0.9, ls=(0, (3, 3)), zorder=0)
    words = ["\n".join([*_lines(one.text), f"{one.rows:,} rows"]) for one in slices]
    axes.set_yticks(range(len(entries)), [*words, f"all rows of test\n{scorecard.rows['test']:,} rows"])
    axes.set_ylim(len(entries) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK, pad=9)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    figure.suptitle(
        f"Where {scorecard.model} is worst, in {titled(scorecard.primary)}",
        x=0.02,
        ha="left",
        fontsize=11,
        fontweight="bold",
        color=INK,
    )
    notes = "Slices of one or two conditions whose loss is significantly greater than that of the other rows."
    if scorecard.samples:
        notes += f"\nBars hold {scorecard.level:.0%} of {scorecard.samples:,} bootstrap draws."
    figure.supxlabel(notes, x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def _lines(text: str) -> list[str]:
    """A condition a line."""
    first, _, second = text.partition(" and ")
    return [plain(first, WIDE), *([f"and {plain(second, WIDE)}"] if second else [])]
