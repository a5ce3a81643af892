"""The one look of all figures: a quiet house style, drawn without pyplot's global state, PNG bytes that repeat.

    figure = new_figure(8, 4)
    axes = figure.subplots(1, 2)
    set_title(axes[0], "Validation loss", "best epoch 12")
    save_png(figure, path)

The style is laid over matplotlib only while axes are made and while the file is drawn, so a caller's own
settings are never changed. Import this module inside functions: it loads matplotlib.
"""

import base64
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text

from nnops.files import write_bytes

INK = "#1f2933"
MUTED = "#6b7785"
FAINT = "#e4e8ec"
#: Told apart by people with any colour vision, also in grey; the first one is the house colour.
COLORS = ("#2b5c8a", "#e08a2e", "#3d9970", "#b8475f", "#7a68ae", "#4fa3bf", "#b59a2b", "#8b949e")
SEQUENTIAL = LinearSegmentedColormap.from_list("nnops", ["#f7fafc", "#c9dcec", "#7fabd0", "#2b5c8a", "#153553"])
DIVERGING = LinearSegmentedColormap.from_list("nnops_ends", ["#b8475f", "#e9c3ca", "#f7fafc", "#bcd3e6", "#2b5c8a"])
DPI = 144

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#b6bec7",
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    # Ships with matplotlib, so the bytes are the same on every machine.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "savefig.dpi": DPI,
    "text.color": INK,
    "xtick.color": "#b6bec7",
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.color": "#b6bec7",
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 8.5,
    "ytick.left": False,
}


def _style() -> Any:
    # The backend is left out: it would stay changed after the context ends.
    settings: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    settings.update(STYLE)
    return matplotlib.rc_context(settings)


class HouseFigure(Figure):
    """A figure whose axes are born in the house style, whatever the caller's matplotlib settings say."""

    def add_subplot(self, *args: Any, **kwargs: Any) -> Any:
        """As in matplotlib; ``subplots`` comes through here as well."""
        with _style():
            return super().add_subplot(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        return render_png(self)

    def add_axes(self, *args: Any, **kwargs: Any) -> Any:
        """As in matplotlib."""
        with _style():
            return super().add_axes(*args, **kwargs)


def new_figure(width: float = 7.0, height: float = 4.0) -> Figure:
    """An empty figure in the house style, with room kept for labels.

    Args:
        width: In inches; 7 fills a page.
        height: In inches.
    """
    figure = HouseFigure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.14, h_pad=0.12)
    FigureCanvasAgg(figure)
    return figure


def set_title(axes: Axes, title: str, note: str = "") -> None:
    """Write a title at the left edge, and beside it at the right edge a small grey note such as a unit or a count."""
    axes.set_title(title, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=8)
    if note:
        axes.set_title(note, loc="right", fontsize=8.5, fontweight="normal", color=MUTED, pad=8)


def plain(text: str, longest: int = 28) -> str:
    r"""Text from data as a label: shortened, and its dollar signs not taken for formulas.

    >>> plain("price in $")
    'price in \\$'
    """
    short = text if len(text) <= longest else text[: longest - 1] + "\u2026"
    return short.replace("$", r"\$")


def render_png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as PNG: no date, no software name, so the same figure gives the same bytes."""
    content = io.BytesIO()
    with _whole(figure):
        figure.savefig(content, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return content.getvalue()


def render_svg(figure: Figure, name: str) -> str:
    """The figure as an ``<svg>`` element to stand in a page: transparent, its text as text, small.

    Args:
        figure: What is drawn rasterized stays pixels.
        name: Told apart from the page's other figures; letters, digits and ``-``.
    """
    content = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _whole(figure), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(content, format="svg", dpi=DPI, transparent=True, metadata=nothing)
    text = content.getvalue().decode()
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(href="|url\()#', rf"\1#{name}-", text)
    text = re.sub(r'data:image/png;base64,\s*([\w+/=\s]+)"', lambda m: f'{_few_colors(m[1])}"', text)
    # Hundredths of a point are finer than any screen.
    numbers = re.compile(r'( (?:d|x|y|width|height|transform)=")([^"]*)')
    text = numbers.sub(lambda m: m[1] + re.sub(r"(\.\d\d)\d+", r"\1", m[2]), text)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def _few_colors(content: str) -> str:
    """A PNG in base64 with a palette of 128 colours, a quarter of its size and hardly to be told apart."""
    from PIL import Image

    packed = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    image.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(packed.getvalue()).decode()}"


@contextmanager
def _whole(figure: Figure) -> Iterator[None]:
    """The style over everything that is drawn, and over what was made outside its reach."""
    for text in figure.findobj(Text):
        # Made outside the style's reach, such as a legend's, it may have the caller's font.
        cast(Text, text).set_fontfamily("sans-serif")
    for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes)]:
        if legend is not None:
            legend.get_frame().set(edgecolor="none", facecolor="white", alpha=0.85)
            for text in legend.get_texts():
                text.set(fontsize=8.5, color=INK)
    with _style(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; that is no reason to fail or to warn.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def save_png(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG file, atomically (see :func:`render_png`)."""
    write_bytes(path, render_png(figure))
