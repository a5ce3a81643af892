"""The data report as one figure: the target over the splits, then each column, or examples of each class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nnops.data.made import Made
from nnops.data.prepared import SPLITS
from nnops.figure import COLORS, INK, MUTED, new_figure, plain, set_title

#: Small pictures in one row, at most so many columns of the table, classes, and examples of a class.
ACROSS, MOST_COLUMNS, MOST_CLASSES, EXAMPLES = 4, 16, 12, 12
_SHORT = FuncFormatter(lambda value, _: short_number(value))
_PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.3g}%")
_SPLIT_COLORS = dict(zip(SPLITS, (COLORS[0], COLORS[1], COLORS[2]), strict=True))


def short_number(value: float) -> str:
    """A number as a tick label.

    >>> short_number(250000.0), short_number(-1.5e6), short_number(0.25)
    ('250k', '-1.5M', '0.25')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g}{letter}"
    return f"{value:.4g}"


def draw(made: Made) -> Figure:
    """The data report of a table, of images or of a series as a figure."""
    if made.preprocess.steps is not None:
        from nnops.data.series_chart import draw_series

        return draw_series(made)
    if made.preprocess.pixels is None:
        return draw_table(made.report)
    train = made.arrays["train"]
    if made.preprocess.target.task == "segmentation":
        # Every image counts as an example of one kind.
        return draw_images(made.report, train["image"], np.zeros(len(train["image"])), [])
    # The lowest band comes first in a spectrogram, and is looked at from below.
    image = train["image"][:, :, ::-1] if "sound" in made.extra else train["image"]
    return draw_images(made.report, image, train["target"], list(made.preprocess.target.classes))


def draw_table(report: Mapping[str, Any]) -> Figure:
    """The figure of a table: target, missing values, and one small picture a column."""
    columns = [entry for entry in report["columns"] if entry["kind"] != "ignore"][:MOST_COLUMNS]
    rows = -(-len(columns) // ACROSS)
    figure = new_figure(10.5, 3.2 + 1.7 * rows)
    top, below = figure.add_gridspec(2, 1, height_ratios=[2.6, 1.7 * rows])
    left, right = top.subgridspec(1, 2, width_ratios=[1.35, 1])
    _heading(figure, report)
    _draw_target(figure.add_subplot(left), report)
    _draw_missing(figure.add_subplot(right), report)
    grid = below.subgridspec(rows, ACROSS)
    for index, entry in enumerate(columns):
        _draw_column(figure.add_subplot(grid[divmod(index, ACROSS)]), entry)
    return figure


def draw_images(report: Mapping[str, Any], pixels_NCHW: np.ndarray, target: np.ndarray, classes: list[str]) -> Figure:
    """The figure of images: the target, and examples of the train split (a row for each class).

    Args:
        report: The data report.
        pixels_NCHW: uint8, of the train split.
        target: Of the train split, as stored.
        classes: Empty for a regression.
    """
    figure = new_figure(10.5, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.35])
    _heading(figure, report)
    _draw_target(left, report)
    shown = classes[:MOST_CLASSES]
    there = [target[:, code] > 0 if target.ndim == 2 else target == code for code in range(len(shown))]
    chosen = [np.flatnonzero(rows)[:EXAMPLES] for rows in there]
    if not shown:
        chosen = np.array_split(np.arange(min(len(target), EXAMPLES * EXAMPLES // 2)), EXAMPLES // 2)
    right.imshow(_sheet(pixels_NCHW, chosen), cmap="gray_r" if _dark(pixels_NCHW) else "gray", vmin=0, aspect="equal")
    height = pixels_NCHW.shape[2]
    gap = _gap(height)
    if shown:
        right.set_yticks([index * (height + gap) + height / 2 for index in range(len(shown))])
        right.set_yticklabels([plain(name, 16) for name in shown])
    else:
        right.set_yticks([])
    right.set_anchor("W")
    right.set_xticks([])
    right.grid(visible=False)
    right.spines["bottom"].set_visible(False)
    size = " x ".join(map(str, pixels_NCHW.shape[1:]))
    set_title(right, "Examples from train", f"{size} (channels x height x width)")
    return figure


def _heading(figure: Figure, report: Mapping[str, Any]) -> None:
    rows = report["rows"]
    text = f"{plain(report['source'], 48)}   {sum(rows[name] for name in SPLITS):,} rows"
    used = sum(entry["kind"] != "ignore" for entry in report.get("columns", []))
    if used > MOST_COLUMNS:
        text += f", {MOST_COLUMNS} of {used} columns"
    figure.suptitle(text, x=0.013, ha="left", fontsize=12, fontweight="bold", color=INK)
    patches = [Patch(color=_SPLIT_COLORS[name], label=f"{name} {rows[name]:,}") for name in SPLITS]
    figure.legend(handles=patches, loc="upper right", ncols=3, handlelength=0.9, handleheight=0.9, columnspacing=1.4)


def _draw_target(axes: Axes, report: Mapping[str, Any]) -> None:
    target = report["target"]
    if "counts" in target:
        _draw_classes(axes, target)
        return
    edges = np.asarray(target["edges"])
    for name in SPLITS:
        counts = np.asarray(target["statistics"][name]["counts"], float)
        share = counts / counts.sum()
        axes.stairs(share, edges, color=_SPLIT_COLORS[name], linewidth=1.6, fill=False, label=name)
        if name == "train":
            axes.stairs(share, edges, color=_SPLIT_COLORS[name], alpha=0.14, fill=True)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(_SHORT)
    set_title(axes, f"Target: {plain(target['name'])}", "share of rows")


def _draw_classes(axes: Axes, target: Mapping[str, Any]) -> None:
    counts = target["counts"]
    names = list(counts["train"])
    shown = (
        names if len(names) <= MOST_CLASSES else sorted(names, key=lambda name: -counts["train"][name])[:MOST_CLASSES]
    )
    places = np.arange(len(shown))
    for offset, name in zip((-0.27, 0.0, 0.27), SPLITS, strict=True):
        # Labels of one row do not exclude each other, so their shares are those of the rows.
        total = max(target["rows"][name] if "rows" in target else sum(counts[name].values()), 1)
        share = [counts[name][label] / total for label in shown]
        axes.barh(places + offset, share, height=0.24, color=_SPLIT_COLORS[name], label=name)
    axes.set_yticks(places, [plain(label, 18) for label in shown])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    more = f", {len(shown)} of {len(names)} classes" if len(shown) < len(names) else ""
    set_title(axes, f"Target: {plain(target['name'])}", f"share of each split{more}")


def _draw_missing(axes: Axes, report: Mapping[str, Any]) -> None:
    share = {entry["name"]: entry["missing"]["train"] for entry in report["columns"] if entry["missing"]["train"] > 0}
    set_title(axes, "Missing values", "train" if share else "")
    if not share:
        axes.set_axis_off()
        axes.text(0.0, 0.94, "none in train", transform=axes.transAxes, color=MUTED, va="top", fontsize=9)
        return
    names = sorted(share, key=lambda name: (-share[name], name))[:8]
    places = np.arange(len(names))
    axes.barh(places, [share[name] for name in names], height=0.56, color=COLORS[3])
    for place, name in zip(places, names, strict=True):
        axes.annotate(
            f"{share[name]:.1%}",
            (share[name], place),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize=8.5,
        )
    axes.set_yticks(places, [plain(name, 20) for name in names])
    axes.set_ylim(max(len(names), 4) - 0.4, -0.6)
    axes.set_xlim(0, max(0.25, 1.2 * max(share.values())))
    axes.xaxis.set_visible(False)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)


def _draw_column(axes: Axes, entry: Mapping[str, Any]) -> None:
    if entry["kind"] == "categorical":
        words = entry["top"][:5]
        most = max(count for _, count in words)
        axes.barh(range(len(words)), [count for _, count in words], height=0.62, color="#b9cfe2")
        for place, (word, _) in enumerate(words):
            axes.text(most * 0.02, place, plain(word, 24), va="center", fontsize=8, color=INK)
        axes.set_ylim(4.6, -0.6)
        axes.set_yticks([])
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.grid(visible=False)
        note = f"{entry['distinct']} words"
    else:
        edges = np.asarray(entry["edges"])
        axes.stairs(entry["counts"], edges, fill=True, color=COLORS[0], alpha=0.85)
        axes.set_yticks([])
        axes.grid(visible=False)
        note = ""
        if entry["kind"] == "date":
            axes.set_xticks([edges[0], edges[-1]], [entry["first"][:10], entry["last"][:10]])
            labels = axes.get_xticklabels()
            labels[0].set_horizontalalignment("left")
            labels[-1].set_horizontalalignment("right")
            note = "date"
        else:
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.xaxis.set_major_formatter(_SHORT)
            note = "tokens a text" if entry["kind"] == "text" else ""
    axes.set_facecolor("white")
    axes.tick_params(labelsize=7.5)
    axes.set_title(plain(entry["name"], 24), loc="left", fontsize=9, fontweight="bold", color=INK, pad=4)
    axes.set_title(note, loc="right", fontsize=7.5, fontweight="normal", color=MUTED, pad=4)


def _sheet(pixels_NCHW: np.ndarray, chosen: list[np.ndarray]) -> np.ndarray:
    """A contact sheet: row k shows the images ``chosen[k]``."""
    _, channels, height, width = pixels_NCHW.shape
    gap = _gap(height)
    across = max(len(row) for row in chosen)
    blank = 0 if _dark(pixels_NCHW) else int(pixels_NCHW[chosen[0]].max())
    sheet = np.full(
        (len(chosen) * (height + gap) - gap, across * (width + gap) - gap, channels), blank, dtype=pixels_NCHW.dtype
    )
    for down, row in enumerate(chosen):
        for right, index in enumerate(row):
            y, x = down * (height + gap), right * (width + gap)
            sheet[y : y + height, x : x + width] = pixels_NCHW[index].transpose(1, 2, 0)
    return sheet if channels in (3, 4) else sheet[:, :, 0]


def _dark(pixels_NCHW: np.ndarray) -> bool:
    """Whether images have light signs on a dark ground; these are shown inverted, on the white of the page."""
    return pixels_NCHW.shape[1] == 1 and float(np.median(pixels_NCHW[:500])) < 0.5 * float(pixels_NCHW[:500].max())


def _gap(height: int) -> int:
    return max(1, height // 10)
