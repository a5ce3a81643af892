"""Figure of repeats: means with intervals."""

from typing import TYPE_CHECKING, Any

from nnops.number import short
from nnops.sweep.figures.seen import Seen
from nnops.sweep.repeat import LEVEL, further_seeds, noise, summarize, winner

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_repeats(seen: Seen) -> "Figure | None":
    """The first objective of each repeated trial: in the search, under each further seed, and the mean's interval."""
    from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

    study = seen.study
    name = study.objective.metric
    repeated = [each for each in summarize(study, seen.trials, seen.repeats) if each.means]
    if not repeated:
        return None
    won = winner(study, seen.trials, repeated)
    figure = new_figure(7.5, 1.7 + 0.42 * len(repeated))
    axes: Any = figure.subplots()
    for place, each in enumerate(reversed(repeated)):
        best = won is not None and each.trial.number == won.trial.number
        color = COLORS[1] if best else COLORS[0]
        low, high = each.intervals[name]
        axes.plot([low, high], [place, place], color=color, linewidth=2.2, solid_capstyle="round", zorder=2)
        axes.scatter([run.values[name] for run in each.runs], [place] * len(each.runs), s=14, color=color, alpha=0.45)
        axes.scatter([each.means[name]], [place], s=46, color=color, zorder=4)
        axes.scatter([each.trial.values[name]], [place], marker="|", s=120, color=MUTED, linewidths=1.6, zorder=3)
    labels = [f"trial {each.trial.number}" for each in reversed(repeated)]
    axes.set_yticks(range(len(repeated)), labels, color=INK)
    axes.set_ylim(-0.6, len(repeated) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_xlabel(f"{name}: mean and {LEVEL:.0%} interval (t), each seed, and | the value in the search")
    moved = noise(repeated)[name]
    seeds = len(further_seeds(study))
    set_title(
        axes,
        f"{plain(study.name, 40)}: repeated under {seeds} further seeds",
        f"another seed moves it by {short(moved, 2)}",
    )
    return figure
