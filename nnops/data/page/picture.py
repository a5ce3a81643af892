"""The pictures of the page: SVG written by hand, so that the same report gives the same bytes."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from nnops.data.chart import short_number
from nnops.data.prepared import SPLITS
from nnops.figure import COLORS

#: Size of a small histogram, of the target's, and the height of a class.
SMALL, LARGE, BAR = (132, 34), (760, 190), 34
#: Classes that have bars, and examples of each.
MOST_CLASSES, EXAMPLES = 20, 14


def small_histogram(counts: Sequence[int]) -> str:
    """Bars of one column."""
    width, height = SMALL
    step, most = width / max(len(counts), 1), max([*counts, 1])
    bars = "".join(
        f'<rect class="train" x="{place * step:.1f}" y="{height * (1 - count / most):.1f}" width="{step - 0.8:.1f}" '
        f'height="{height * count / most:.1f}"/>'
        for place, count in enumerate(counts)
    )
    return f'<svg width="{width}" height="{height}" role="img" aria-label="Histogram in train">{bars}</svg>'


def target_histogram(target: Mapping[str, Any]) -> str:
    """Shares of rows over the target's value, a line for each split."""
    width, height = LARGE
    edges = target["edges"]
    shares = {name: _shares(target["statistics"][name]["counts"]) for name in SPLITS}
    most = max([max(share) for share in shares.values()] + [1e-9])
    across = np.linspace(8, width - 8, len(edges))
    parts = [f'<line x1="8" x2="{width - 8}" y1="{height - 24}" y2="{height - 24}"/>']
    for name in SPLITS:
        tops = [height - 24 - (height - 40) * share / most for share in shares[name]]
        path = f"M{across[0]:.1f} {height - 24}" + "".join(
            f"V{top:.1f}H{right:.1f}" for top, right in zip(tops, across[1:], strict=True)
        )
        path += f"V{height - 24}"
        if name == "train":
            parts.append(f'<path class="shade" d="{path}"/>')
        parts.append(f'<path class="{name}" d="{path}"/>')
    marks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(edges[0], edges[-1])
    for mark in (mark for mark in marks if edges[0] <= mark <= edges[-1]):
        x = float(np.interp(mark, edges, across))
        # A label at an edge would be cut.
        anchor = "start" if x < 20 else "end" if x > width - 20 else "middle"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{height - 24}" y2="{height - 20}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="{anchor}">{short_number(mark)}</text>')
    label = "Share of rows over the target, by split"
    return f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def class_bars(target: Mapping[str, Any]) -> str:
    """Shares of the classes, a bar for each split; the most frequent ones."""
    counts = target["counts"]
    names = list(counts["train"])
    shown = names if len(names) <= MOST_CLASSES else sorted(names, key=lambda name: -counts["train"][name])
    shown = shown[:MOST_CLASSES]
    shares = {name: dict(zip(names, _shares([counts[name][word] for word in names]), strict=True)) for name in SPLITS}
    most = max(shares[name][word] for name in SPLITS for word in shown)
    width, left, right = LARGE[0], 24 + 7 * min(max(len(word) for word in shown), 26), 150
    parts: list[str] = []
    for row, word in enumerate(shown):
        top = row * BAR + 3
        parts.append(f'<text class="label" x="0" y="{top + 18}">{escape(_cut(word, 26))}</text>')
        for place, name in enumerate(SPLITS):
            size = (width - left - right) * shares[name][word] / most
            parts.append(
                f'<rect class="{name}" x="{left}" y="{top + 9 * place}" width="{size:.1f}" height="8" rx="1"/>'
            )
        text = f"{counts['train'][word]:,} in train, {shares['train'][word]:.1%}"
        longest = max(shares[name][word] for name in SPLITS)
        end = left + (width - left - right) * longest / most
        parts.append(f'<text x="{end + 8:.1f}" y="{top + 18}">{text}</text>')
    height, label = len(shown) * BAR, "Share of each class, by split"
    more = f"<p><small>{len(shown)} of {len(names)} classes</small></p>" if len(shown) < len(names) else ""
    svg = f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    return svg + more


def image_sheet(pixels_NCHW: np.ndarray, target: np.ndarray, classes: list[str]) -> str:
    """A row of examples for each class, or some of all where there are none."""
    chosen = [np.flatnonzero(target == code)[:EXAMPLES] for code in range(len(classes))][:MOST_CLASSES]
    if not classes:
        chosen = np.array_split(np.arange(min(len(target), 4 * EXAMPLES)), 4)
    names = classes[:MOST_CLASSES] if classes else [""] * len(chosen)
    most = max(int(pixels_NCHW[rows].max(initial=0)) for rows in chosen) or 1
    rows = [
        f'<tr><td class="name">{escape(_cut(name, 30))}</td><td><img src="{_strip(pixels_NCHW[places], most)}" '
        f'alt="{len(places)} examples {escape(name)}"></td></tr>'
        for name, places in zip(names, chosen, strict=True)
        if len(places)
    ]
    return f'<div class="scroll"><table class="sheet">{"".join(rows)}</table></div>'


def mask_sheet(pixels_NCHW: np.ndarray, code_NHW: np.ndarray) -> str:
    """Some images, their masks below."""
    chosen = np.linspace(0, len(code_NHW) - 1, min(EXAMPLES, len(code_NHW))).astype(np.int64)
    colors = np.array([[int(color[place : place + 2], 16) for place in (1, 3, 5)] for color in COLORS], np.uint8)
    masks_NCHW = colors[code_NHW[chosen] % len(colors)].transpose(0, 3, 1, 2)
    most = int(pixels_NCHW[chosen].max(initial=0)) or 1
    rows = [
        f'<tr><td class="name">{name}</td><td><img src="{strip}" alt="{len(chosen)} {name}"></td></tr>'
        for name, strip in (("images", _strip(pixels_NCHW[chosen], most)), ("masks", _strip(masks_NCHW, 255)))
    ]
    return f'<div class="scroll"><table class="sheet">{"".join(rows)}</table></div>'


def _strip(pixels_NCHW: np.ndarray, most: int) -> str:
    """Images side by side as a PNG in the page; levels up to ``most`` are spread over all that a screen has."""
    from PIL import Image

    _, channels, height, width = pixels_NCHW.shape
    gap = max(1, height // 8)
    strip = np.zeros((height, len(pixels_NCHW) * (width + gap) - gap, 4), np.uint8)
    for place, image in enumerate(pixels_NCHW):
        left = place * (width + gap)
        shown = (image.transpose(1, 2, 0).astype(np.float64) * (255 / most)).astype(np.uint8)
        strip[:, left : left + width, :3] = shown[:, :, :3] if channels >= 3 else shown[:, :, :1]
        strip[:, left : left + width, 3] = 255
    memory = io.BytesIO()
    Image.fromarray(strip, "RGBA").save(memory, "PNG")
    return f"data:image/png;base64,{base64.b64encode(memory.getvalue()).decode()}"


def _shares(counts: Sequence[int]) -> list[float]:
    whole = max(sum(counts), 1)
    return [count / whole for count in counts]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
