"""Which steps of a window a forecast comes from: the window as lines, and below a strip of heat each variable."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject
from nnops.evaluation.figures.explain_columns import TITLES
from nnops.evaluation.figures.explain_pixels import SIGNED, SIZES
from nnops.figure import COLORS, INK, MUTED, new_figure, plain

#: Windows and variables that there is room for.
SHOWN, STRIPS = 4, 8


def draw_steps(subject: Subject, explanation: Explanation, method: str) -> Figure:
    """Draw some windows; the variables that count most are shown."""
    assert explanation.score_N is not None
    shown = np.unique(np.linspace(0, len(subject) - 1, min(SHOWN, len(subject))).astype(int))
    rows = len(shown)
    size_V = np.abs(explanation.value).sum((0, 1))
    strips = np.argsort(-size_V, kind="stable")[: max(1, min(STRIPS, int((size_V > 0).sum())))]
    target = subject.spec.targets[int(subject.choice_N[0])] if subject.spec.targets else int(strips[0])
    figure = new_figure(7.6, rows * (1.0 + 0.2 * len(strips)) + 1.3)
    heights = [4.0, max(1.5, 0.9 * len(strips))] * rows
    grid = figure.subplots(2 * rows, 1, sharex=True, gridspec_kw={"height_ratios": heights, "hspace": 0.02})
    value = explanation.value[shown][:, :, strips]
    most = float(np.quantile(np.abs(value), 0.995)) or 1.0
    signed, steps = bool((explanation.value < 0).any()), explanation.value.shape[1]
    norm, colors = (TwoSlopeNorm(0, -most, most), SIGNED) if signed else (Normalize(0, most), SIZES)
    for place, row in enumerate(shown):
        line, heat = grid[2 * place], grid[2 * place + 1]
        line.plot(range(steps), subject.inputs[0][row, :, target], color=COLORS[0], lw=1.5)
        line.set(yticks=[])
        line.spines["bottom"].set_visible(False)
        line.tick_params(bottom=False)
        line.set_title(f"window {subject.number_N[row]}", loc="left", fontsize=8.5, color=INK, fontweight="bold", pad=3)
        line.set_title(f"answer {explanation.score_N[row]:.4g}", loc="right", fontsize=8.5, color=MUTED, pad=3)
        line.set_ylabel(
            plain(subject.variables[target], 18), rotation=0, ha="right", va="center", color=INK, fontsize=8.5
        )
        heat.imshow(value[place].T, aspect="auto", cmap=colors, norm=norm, interpolation="nearest")
        heat.set_yticks(range(len(strips)), [plain(subject.variables[name], 18) for name in strips])
        heat.tick_params(axis="y", labelcolor=INK, labelsize=7.5, pad=4)
        heat.grid(visible=False)
    grid[-1].set_xlabel(f"step of the window, 0 to {steps - 1}; the forecast follows")
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=list(grid), aspect=36, pad=0.02)
    bar.ax.tick_params(length=0, labelcolor=MUTED, labelsize=8)
    bar.set_label(
        f"{'added to' if signed else 'how strongly it moves'} {plain(explanation.unit, 48)}", color=MUTED, size=8.5
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    heading = f"{TITLES.get(method, method.replace('_', ' ').capitalize())} over the window"
    figure.suptitle(heading, x=0.02, ha="left", fontsize=11, fontweight="bold", color=INK)
    return figure
