"""The figure of a training: loss and a metric by epoch, and the epoch whose weights were kept."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnops.evaluation.figures.summary import thousands, titled
from nnops.evaluation.scorecard import shown
from nnops.figure import COLORS, MUTED, new_figure, set_title


def draw_history(history: list[dict[str, float]], best_epoch: int) -> Figure:
    """Draw the curves of a training.

    Args:
        history: One row of numbers an epoch: ``train_loss``, ``val_loss``, ``val_<metric>``; of an ensemble with the
            ``member`` from 1, and a last row, of ``member`` 0, for the whole.
        best_epoch: The epoch whose weights were kept, from 1.
    """
    metrics = [name for name in history[0] if name.startswith("val_") and name != "val_loss"]
    panels: list[tuple[str, list[str]]] = [("loss", ["train_loss", "val_loss"])]
    panels += [(name.removeprefix("val_"), [name]) for name in metrics[:1]]
    figure = new_figure(8.4, 3.6)
    for axes, (title, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        if "member" in history[0]:
            _draw_members(axes, title, names, history)
        else:
            _draw(axes, title, names, history, best_epoch)
    return figure


def _draw(axes: Axes, title: str, names: list[str], history: list[dict[str, float]], best_epoch: int) -> None:
    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) == 1 else "None"
    for name in names:
        color = COLORS[1] if name.startswith("train_") else COLORS[0]
        axes.plot(epochs, [row[name] for row in history], marker=marker, color=color, label=name.partition("_")[0])
    kept = history[best_epoch - 1][names[-1]]
    axes.axvline(best_epoch, ymax=0.84, color="#b6bec7", lw=1, ls=(0, (4, 3)))
    axes.plot(best_epoch, kept, "o", ms=6, color=COLORS[0], mec="white")
    _finish(axes, names, history)
    set_title(axes, titled(title)[0].upper() + titled(title)[1:], f"val {shown(kept)} at epoch {best_epoch}, kept")


def _draw_members(axes: Axes, title: str, names: list[str], history: list[dict[str, float]]) -> None:
    """Members as thin lines over their own epochs, the whole as a level."""
    members = sorted({int(row["member"]) for row in history} - {0})
    for member in members:
        rows = [row for row in history if row["member"] == member]
        marker = "o" if len(rows) == 1 else "None"
        for name in names:
            color = COLORS[1] if name.startswith("train_") else COLORS[0]
            label = name.partition("_")[0] if member == members[0] else None
            epochs = range(1, len(rows) + 1)
            axes.plot(epochs, [row[name] for row in rows], marker=marker, color=color, lw=1, alpha=0.55, label=label)
    whole = history[-1][names[-1]]
    axes.axhline(whole, color=COLORS[0], lw=2, label="together")
    _finish(axes, names, history)
    set_title(
        axes, titled(title)[0].upper() + titled(title)[1:], f"val {shown(whole)} together, {len(members)} members"
    )


def _finish(axes: Axes, names: list[str], history: list[dict[str, float]]) -> None:
    values = [row[name] for row in history for name in names]
    if min(values) > 0 and max(values) > 30 * min(values):
        axes.set_yscale("log")
    elif max(values) >= 10_000:
        axes.yaxis.set_major_formatter(thousands)
    # Of one epoch there are no two whole marks, and the locator would take parts of one.
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set_xlabel("epoch")
    if len(names) > 1:
        axes.legend(loc="upper right")
    else:
        axes.tick_params(axis="y", labelcolor=MUTED)
