"""The scorecard as a picture: the model and its baselines, one small panel a metric, values with their intervals."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnops.evaluation.scorecard import Score, Scorecard, shown
from nnops.figure import COLORS, INK, MUTED, new_figure, set_title

#: Which metrics come first where there are more than panels.
FIRST = (
    "accuracy",
    "mean_iou",
    "dice",
    "pixel_accuracy",
    "roc_auc",
    "f1",
    "log_loss",
    "scaled_mse",
    "scaled_mae",
    "rmse",
    "mae",
    "r2",
    "mape",
)
PANELS = 4
#: Baselines that look at nothing are too far off to set the scale; beyond it they are drawn at the edge.
BLIND = ("majority", "mean")
#: Words of names that are written in capitals.
CAPITALS = {"roc", "auc", "pr", "f1", "rmse", "mae", "mse", "mape", "r2"}


def draw_scorecard(scorecard: Scorecard) -> Figure:
    """Draw the comparison of a model with its baselines on the test split."""
    names = _choose(scorecard)
    entries = [(scorecard.model, scorecard.test), *((one.name, one.test) for one in scorecard.baselines)]
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(7.5, 0.85 + lines * (0.75 + 0.27 * len(entries)))
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for place, (name, axes) in enumerate(zip(names, grid.flat, strict=False)):
        scores = [(title, table[name]) for title, table in entries if name in table]
        _draw(axes, name, scores, scorecard, labelled=place % columns == 0)
    heading = f"{scorecard.model} in {titled(scorecard.primary)} on test"
    if scorecard.standing:
        heading += f": {scorecard.standing}"
    figure.suptitle(heading, x=0.02, ha="left", fontsize=11, fontweight="bold", color=INK)
    notes = [f"{scorecard.rows['test']:,} rows."]
    if scorecard.samples:
        notes.append(f"Bars hold {scorecard.level:.0%} of {scorecard.samples:,} bootstrap draws.")
    if any(_better(name, table[name], scorecard) for name in names for _, table in entries[1:] if name in table):
        notes.append(f"Orange is better than the {scorecard.model}.")
    spared = [f"{one.name.replace('_', ' ')}: {one.note}." for one in scorecard.baselines if one.note]
    note = "\n".join([" ".join(notes), *spared])
    figure.supxlabel(note, x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def titled(name: str) -> str:
    """A metric's name as people write it.

    >>> titled("roc_auc"), titled("log_loss"), titled("mean_iou")
    ('ROC AUC', 'log loss', 'mean IoU')
    """
    text = " ".join(word.upper() if word in CAPITALS else word for word in name.split("_"))
    return text.replace("R2", "R²").replace("iou", "IoU")


def thousands(value: float, place: float = 0) -> str:
    """A tick of a wide axis.

    >>> thousands(250000.0), thousands(0.0)
    ('250k', '0')
    """
    del place
    return f"{value / 1000:,.0f}k" if value else "0"


def _choose(scorecard: Scorecard) -> list[str]:
    ranks = {name: place for place, name in enumerate((scorecard.primary, *FIRST))}
    ranks[scorecard.primary] = 0
    return sorted(scorecard.test, key=lambda name: ranks.get(name, len(ranks)))[:PANELS]


def _better(name: str, score: Score, scorecard: Scorecard) -> bool:
    """Whether a score is better than the model's."""
    mine = scorecard.test[name].value
    return score.value > mine if scorecard.directions[name] == "maximize" else score.value < mine


def _draw(axes: Axes, name: str, scores: list[tuple[str, Score]], scorecard: Scorecard, *, labelled: bool) -> None:
    seen = [score for title, score in scores if title not in BLIND]
    low, high = _limits(seen if len(seen) > 1 else [score for _, score in scores])
    for place, (_, score) in enumerate(scores):
        better = _better(name, score, scorecard)
        color = COLORS[0] if place == 0 else COLORS[1] if better else COLORS[-1]
        if not low <= score.value <= high:
            edge, marker = (low, "<") if score.value < low else (high, ">")
            axes.plot(edge, place, marker, ms=6, color=color, clip_on=False)
        else:
            if score.low is not None and score.high is not None:
                axes.hlines(place, max(score.low, low), min(score.high, high), color=color, lw=5, alpha=0.3)
            axes.plot(score.value, place, "o", ms=6.5, color=color)
        write_value(axes, place, score.value, COLORS[0] if place == 0 else INK if better else MUTED, bold=place == 0)
    axes.set(xlim=(low, high), ylim=(len(scores) - 0.4, -0.6), yticks=range(len(scores)))
    axes.set_yticklabels([title.replace("_", " ") for title, _ in scores] if labelled else [])
    axes.tick_params(axis="y", labelcolor=INK, pad=9)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.locator_params(axis="x", nbins=5)
    if max(abs(low), abs(high)) >= 10_000:
        axes.xaxis.set_major_formatter(thousands)
    wanted = "more" if scorecard.directions[name] == "maximize" else "less"
    set_title(axes, titled(name)[0].upper() + titled(name)[1:], f"{wanted} is better")


def write_value(axes: Axes, place: int, value: float, color: str = INK, *, bold: bool = False) -> None:
    """Write a number beside the right edge, at the height of its line."""
    axes.annotate(
        shown(value),
        (1.0, place),
        (8, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=color,
        fontweight="bold" if bold else "normal",
    )


def _limits(scores: list[Score]) -> tuple[float, float]:
    low = min(score.value if score.low is None else score.low for score in scores)
    high = max(score.value if score.high is None else score.high for score in scores)
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad
