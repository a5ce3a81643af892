"""Figures of forecasts: some windows with what came and what was foretold, and the error at each step ahead."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnops.evaluation.scorecard import Scorecard, shown
from nnops.figure import COLORS, MUTED, new_figure, plain, set_title


def draw_forecasts(scorecard: Scorecard) -> Figure:
    """Draw windows of test: a column a window, a row a target, in its own unit."""
    examples = scorecard.examples
    names = examples[0].names
    figure = new_figure(3.4 * len(examples) + 0.6, 0.9 + 1.75 * len(names))
    grid = figure.subplots(len(names), len(examples), squeeze=False, sharex=True)
    for across, example in enumerate(examples):
        past, ahead = len(example.past_LV), len(example.truth_HV)
        before, after = np.arange(-past + 1, 1), np.arange(1, ahead + 1)
        for down, name in enumerate(names):
            axes = grid[down][across]
            axes.plot(before, example.past_LV[:, down], color=MUTED, lw=1.1, label="past")
            axes.plot(after, example.truth_HV[:, down], color=COLORS[0], lw=1.6, label="truth")
            axes.plot(after, example.forecast_HV[:, down], color=COLORS[1], lw=1.6, label="forecast")
            axes.axvline(0.5, color="#b6bec7", lw=0.8)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            set_title(axes, plain(name), f"window {example.row:,} of test" if not down else "")
        grid[-1][across].set_xlabel("steps ahead")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3)
    return figure


def draw_step_errors(scorecard: Scorecard) -> Figure:
    """Draw how the error grows with the steps ahead, for the model and its baselines."""
    figure = new_figure(7.0, 3.8)
    axes = figure.subplots()
    errors = scorecard.step_errors
    steps = np.arange(1, len(errors[scorecard.model]) + 1)
    drawn = {name: values for name, values in errors.items() if len(values) == len(steps)}
    for place, (name, values) in enumerate(drawn.items()):
        mine = name == scorecard.model
        axes.plot(
            steps,
            values,
            color=COLORS[place % len(COLORS)],
            lw=2.2 if mine else 1.3,
            marker="o" if len(steps) == 1 else None,
            label=f"{name.replace('_', ' ')}  {shown(float(np.mean(values)))}",
            zorder=3 if mine else 2,
        )
    # A baseline that looks at nothing must not squeeze the others to the floor.
    top = 1.6 * float(np.quantile(np.concatenate([np.asarray(values) for values in drawn.values()]), 0.75))
    axes.set_ylim(0, max(top, 1.1 * max(drawn[scorecard.model])))
    axes.set(xlabel="steps ahead")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    set_title(axes, "Error by step ahead", "mean squared error, scaled")
    axes.legend(title="mean over steps", title_fontsize=8, loc="lower right")
    return figure
