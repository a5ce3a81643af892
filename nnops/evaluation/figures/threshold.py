"""Why the decision threshold is where it is: metrics at every threshold on val, and the curve of each group."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnops.evaluation.figures.summary import titled
from nnops.evaluation.groups import find_column
from nnops.evaluation.scorecard import Scorecard
from nnops.evaluation.threshold import WHERE, Tuned, as_probability
from nnops.evaluation.threshold_search import Sweep, sweep
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Points of a line.
POINTS = 1000
#: Metrics that are drawn beside the one that is made best.
METRICS = ("accuracy", "balanced_accuracy", "f1")


def draw_threshold(scorecard: Scorecard) -> Figure:
    """Draw what every threshold gives on val, and of thresholds by group the groups' ROC curves."""
    tuned = scorecard.threshold
    assert tuned is not None
    assert tuned.val is not None
    decision = tuned.decision
    grouped = bool(decision.cuts)
    figure = new_figure(9.4 if grouped else 5.6, 4.2)
    score_N, truth_N = tuned.val.output_NC[:, 0].astype(np.float64), tuned.val.truth_N
    whole = sweep(score_N, truth_N)
    axes = figure.subplots(1, 2 if grouped else 1, squeeze=False)[0]
    _draw_metrics(axes[0], whole.some(POINTS), tuned, scorecard)
    if grouped:
        place = find_column(tuned.data, decision.by, f"{WHERE}.by")
        code_N = tuned.data.groups("val")[:, place]
        names = tuned.data.groupings[place].groups
        sweeps = {
            name: sweep(score_N[code_N == names.index(name)], truth_N[code_N == names.index(name)])
            for name in decision.cuts
        }
        _draw_groups(axes[1], sweeps, tuned)
    rows = f"{len(score_N):,} rows of val; test took no part."
    figure.supxlabel(rows, x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def _draw_metrics(axes: Axes, found: Sweep, tuned: Tuned, scorecard: Scorecard) -> None:
    asked = tuned.decision.metric
    probability_K = np.array([as_probability(cut) for cut in found.cut_K])
    for name in sorted(METRICS, key=lambda name: name == asked):
        mine = name == asked or asked is None
        color = COLORS[0] if name == asked else "#c3cad2"
        axes.plot(probability_K, found.rate(name), color=color, lw=2.0 if mine else 1.2, zorder=3 if mine else 2)
        at = int(np.abs(probability_K - 0.9).argmin())
        axes.annotate(
            titled(name),
            (probability_K[at], found.rate(name)[at]),
            (22, 5),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=COLORS[0] if name == asked else MUTED,
        )
    axes.axvline(0.5, color="#b6bec7", lw=1, ls=(0, (4, 3)))
    if not tuned.decision.cuts:
        axes.axvline(tuned.decision.threshold, color=COLORS[1], lw=1.6)
    place = {} if not tuned.decision.cuts else tuned.decision.cuts
    for color, (name, cut) in zip(COLORS[1:], place.items(), strict=False):
        axes.axvline(as_probability(cut), color=color, lw=1.4, label=f"{plain(name, 18)} {as_probability(cut):.3g}")
    if place:
        axes.legend(loc="lower center")
    axes.set(xlim=(0, 1), xlabel=f"threshold for {plain(scorecard.classes[1])}")
    axes.grid(visible=True, axis="both")
    note = "" if place else f"at {tuned.decision.threshold:.3g}"
    set_title(axes, "Metrics by threshold", note)


def _draw_groups(axes: Axes, sweeps: dict[str, Sweep], tuned: Tuned) -> None:
    """ROC curves, with the points of 1/2 hollow and those that were chosen full."""
    ends: list[float] = []
    for color, (name, found) in zip(COLORS[1:], sweeps.items(), strict=False):
        axes.plot(found.rate("fpr"), found.rate("tpr"), color=color, lw=1.5, alpha=0.75)
        for cut, fill in ((0.0, "white"), (tuned.decision.cuts[name], color)):
            at = int(np.abs(found.cut_K - cut).argmin())
            x, y = float(found.rate("fpr")[at]), float(found.rate("tpr")[at])
            ends.append(x)
            label = plain(name, 18) if fill == color else None
            axes.plot(x, y, "o", ms=7.5, color=color, mfc=fill, mec=color, label=label, zorder=4)
    axes.plot([], [], "o", ms=7, color=INK, mfc="white", label="at 0.5")
    axes.set(xlim=(-0.01, min(1.01, 2.5 * max(ends) + 0.05)), ylim=(-0.02, 1.03))
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.grid(visible=True, axis="both")
    axes.legend(loc="lower right")
    set_title(axes, f"Groups of {plain(str(tuned.decision.by), 16)}", str(tuned.decision.goal).replace("_", " "))
