"""The picture of a compression: size, latency and quality of each variant side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nnops.compression.compress import Compressed

OTHER = "#b9c6d3"
ALLOWED = "#eef3f7"


def draw_variants(compressed: "Compressed", path: Path) -> None:
    """Draw one panel each for size, time of one row and of a batch, and the first metric that may not drop."""
    from nnops.compression.cost import BATCH
    from nnops.figure import COLORS, new_figure, save_png

    variants, choice = compressed.variants, compressed.choice
    colors = [COLORS[0] if variant.name == choice.variant else OTHER for variant in variants]
    figure = new_figure(12.0, 1.3 + 0.55 * len(variants))
    size, latency, batch, quality = figure.subplots(1, 4, sharey=True, width_ratios=(1, 1, 1, 1.55))
    _bars(size, "Size", "KiB", [variant.cost.size_bytes / 1024 for variant in variants], colors)
    times_us = [1000 * variant.cost.latency_p50_ms for variant in variants]
    _bars(latency, "One row", "µs, median", times_us, colors)
    times_ms = [variant.cost.batch_latency_p50_ms for variant in variants]
    _bars(batch, f"{BATCH} rows", "ms, median", times_ms, colors)
    _dots(quality, compressed, colors)
    verdicts = {name: judged.verdict for name, judged in choice.judged.items()}
    words = {"chosen": "\nchosen", "refused": "\nrefused", "fit": ""}
    size.set_yticks(range(len(variants)), [v.name + words[verdicts.get(v.name, "fit")] for v in variants])
    for label, variant in zip(size.get_yticklabels(), variants, strict=True):
        label.set_fontweight("bold" if variant.name == choice.variant else "normal")
    size.set_ylim(len(variants) - 0.4, -0.6)
    save_png(figure, path)


def _bars(axes: "Axes", title: str, note: str, values: list[float], colors: list[str]) -> None:
    from nnops.figure import INK, set_title

    places = list(range(len(values)))
    axes.barh(places, values, height=0.5, color=colors)
    for place, value in zip(places, values, strict=True):
        text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        axes.annotate(text, (value, place), (5, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
    axes.set_xlim(0, 1.22 * max(values))
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    set_title(axes, title, note)


def _dots(axes: "Axes", compressed: "Compressed", colors: list[str]) -> None:
    """The metric on val, that the choice looks at, filled; on test, that it never sees, as a ring."""
    from nnops.compression.choice import is_better_high
    from nnops.evaluation.figures.summary import titled
    from nnops.figure import set_title

    variants = compressed.variants
    metric, limit = next(iter(compressed.limits.items()))
    reference = variants[0].metrics["val"][metric]
    end = reference - limit if is_better_high(metric) else reference + limit
    places = list(range(len(variants)))
    val, test = ([variant.metrics[split][metric] for variant in variants] for split in ("val", "test"))
    axes.scatter(test, places, s=46, facecolors="white", edgecolors=colors, linewidths=1.6, zorder=2)
    axes.scatter(val, places, s=46, color=colors, zorder=3)
    seen = [*val, *test, end]
    room = 0.25 * (max(seen) - min(seen)) or 0.1
    left, right = min(seen) - room, max(seen) + room
    axes.axvspan(*((end, right) if is_better_high(metric) else (left, end)), color=ALLOWED, linewidth=0, zorder=0)
    axes.set_xlim(left, right)
    axes.locator_params(axis="x", nbins=5)
    if max(seen) >= 10_000:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    title = titled(metric)
    set_title(axes, title[0].upper() + title[1:], "● val   ○ test   ▒ allowed on val")
