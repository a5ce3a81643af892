"""How the primary metric falls as inputs are damaged more and more: one small panel a kind of damage."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnops.evaluation.figures.summary import titled
from nnops.evaluation.scorecard import Damage, Scorecard, shown
from nnops.figure import COLORS, INK, MUTED, new_figure, set_title

COLUMNS = 4


def draw_robustness(scorecard: Scorecard) -> Figure:
    """Draw the primary metric against the strength of each corruption and attack, the worst one first."""
    clean, *rest = scorecard.damage
    found: dict[tuple[str, str], list[Damage]] = {}
    for one in rest:
        found.setdefault((one.kind, one.name), []).append(one)
    sign = 1 if scorecard.directions[scorecard.primary] == "maximize" else -1
    ordered = sorted(found.values(), key=lambda points: (points[0].kind == "corruption", sign * points[-1].score.value))
    columns = min(COLUMNS, len(ordered))
    lines = -(-len(ordered) // max(columns, 1))
    figure = new_figure(max(2.05 * columns + 0.4, 4.5), 0.95 + 1.75 * lines)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(ordered) :]:
        axes.set_visible(False)
    for points, axes in zip(ordered, grid.flat, strict=False):
        _draw(axes, points, clean)
    figure.suptitle(
        f"{scorecard.model} in {titled(scorecard.primary)} on damaged rows; {shown(clean.score.value)} on clean ones",
        x=0.02,
        ha="left",
        fontsize=11,
        fontweight="bold",
        color=INK,
    )
    notes = [f"{scorecard.damaged_rows:,} rows of test. Dashed: clean rows."]
    if scorecard.samples:
        notes.append(f"Bands hold {scorecard.level:.0%} of {scorecard.samples:,} bootstrap draws.")
    if any(one.kind == "attack" for one in rest):
        notes.append("Orange: attacks that know the network.")
    figure.supxlabel(("  " if columns == COLUMNS else "\n").join(notes), x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def _draw(axes: Axes, points: list[Damage], clean: Damage) -> None:
    attack = points[0].kind == "attack"
    color = COLORS[1] if attack else COLORS[0]
    strengths = [0.0, *(one.strength for one in points)]
    scores = [clean.score, *(one.score for one in points)]
    values = [score.value for score in scores]
    axes.axhline(clean.score.value, color=MUTED, lw=0.9, ls=(0, (3, 3)))
    lows = [score.value if score.low is None else score.low for score in scores]
    highs = [score.value if score.high is None else score.high for score in scores]
    axes.fill_between(strengths, lows, highs, color=color, alpha=0.18, lw=0)
    axes.plot(strengths, values, color=color, marker="o", ms=3.2)
    axes.set_xticks(strengths if attack else range(6))
    axes.set_xticklabels([f"{value:.3g}" for value in strengths] if attack else [str(place) for place in range(6)])
    name = points[0].name.upper() if attack else points[0].name.replace("_", " ")
    set_title(axes, name[0].upper() + name[1:], shown(values[-1]))
    axes.set_xlabel("epsilon" if attack else "severity")
    axes.margins(x=0.06)
