"""Texts whose tokens are coloured by what they add to the answer: a strip each as PNG, and a page as HTML."""

from html import escape

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextPath

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject
from nnops.evaluation.figures.explain_pixels import TITLES
from nnops.figure import COLORS, INK, MUTED, new_figure, plain

#: Texts and tokens of each that there is room for.
SHOWN, LONGEST = 12, 60
#: In points: of the text area, a line, the air between two texts, and the letters.
WIDTH, LINE, GAP, SIZE = 470.0, 19.0, 14.0, 9.5
INCH = 72.0


def shades(value_T: np.ndarray, most: float) -> list[str]:
    """A pale to strong colour for each value: red for, blue against."""
    found: list[str] = []
    for value in value_T:
        color = COLORS[3] if value > 0 else COLORS[0]
        share = 0.75 * min(1.0, abs(float(value)) / most)
        red, green, blue = (1 - share * (1 - part) for part in to_rgb(color))
        found.append(to_hex((red, green, blue)))
    return found


def draw_tokens(subject: Subject, explanation: Explanation, method: str) -> Figure:
    """Draw the texts one below the other, on one scale for each text."""
    assert explanation.score_N is not None
    font = FontProperties(family=["DejaVu Sans"], size=SIZE)
    blocks: list[tuple[str, list[tuple[float, float, str, str]], int]] = []
    for row in range(min(SHOWN, len(subject))):
        tokens = subject.tokens[row][:LONGEST]
        value_T = explanation.value[row, : len(tokens)]
        colors = shades(value_T, float(np.abs(value_T).max()) or 1.0)
        x, line = 0.0, 0
        placed: list[tuple[float, float, str, str]] = []
        for token, color in zip(tokens, colors, strict=True):
            width = _width(token, font) + 7.0
            if x and x + width > WIDTH:
                x, line = 0.0, line + 1
            placed.append((x, line * LINE, token, color))
            x += width + 2.0
        name = plain(subject.answers[subject.choice_N[row]], 40)
        blocks.append((f"{name}  {explanation.score_N[row]:.2g}", placed, line + 1))
    height = 46.0 + sum(LINE * lines + 14.0 + GAP for _, _, lines in blocks)
    figure = new_figure((WIDTH + 40) / INCH, height / INCH)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-20, WIDTH + 20), ylim=(height, 0))
    axes.set_axis_off()
    title = f"{TITLES.get(method, method)}: red speaks for the answer, blue against it"
    axes.text(0, 20, title, fontsize=10.5, fontweight="bold", color=INK, va="center")
    at = 44.0
    for heading, placed, lines in blocks:
        axes.text(0, at, heading, fontsize=8.5, color=MUTED, va="center")
        for x, y, token, color in placed:
            width, middle = _width(token, font) + 7.0, at + 17.0 + y
            box = FancyBboxPatch(
                (x, middle - 7.5),
                width,
                15.0,
                boxstyle="round,pad=0,rounding_size=2.5",
                facecolor=color,
                edgecolor="none",
            )
            axes.add_patch(box)
            axes.text(x + 3.5, middle, _safe(token), fontsize=SIZE, color=INK, va="center_baseline")
        at += LINE * lines + 14.0 + GAP
    return figure


def page(subject: Subject, explanation: Explanation, method: str) -> str:
    """The same as one self-contained HTML page; a token's value stands in its title."""
    assert explanation.score_N is not None
    blocks: list[str] = []
    for row, tokens in enumerate(subject.tokens):
        value_T = explanation.value[row, : len(tokens)]
        colors = shades(value_T, float(np.abs(value_T).max()) or 1.0)
        spans = " ".join(
            f'<span style="background:{color}" title="{value:+.4g}">{escape(token)}</span>'
            for token, value, color in zip(tokens, value_T, colors, strict=True)
        )
        name = escape(subject.answers[subject.choice_N[row]])
        told = f"{explanation.score_N[row]:.3g}, row {subject.number_N[row]}"
        blocks.append(f"<h2>{name} <small>{told}</small></h2>\n<p>{spans}</p>")
    style = (
        f"body{{font:16px/2 system-ui,sans-serif;color:{INK};max-width:50rem;margin:2rem auto;padding:0 1rem}}"
        f"h1{{font-size:1.3rem}}h2{{font-size:1rem;margin:1.4rem 0 0}}small{{color:{MUTED};font-weight:normal}}"
        "p{margin:0}span{padding:.1rem .3rem;border-radius:.25rem;color:#1f2933}"
    )
    title = escape(f"{TITLES.get(method, method)}: red speaks for the answer, blue against it")
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{style}</style>\n'
        f"<h1>{title}</h1>\n" + "\n".join(blocks) + "\n</html>\n"
    )


def _safe(token: str) -> str:
    return token.replace("$", r"\$")


def _width(token: str, font: FontProperties) -> float:
    """In points."""
    blanks = len(token) - len(token.replace(" ", ""))
    # A path of blanks alone has no extent.
    solid = token.replace(" ", "")
    path = TextPath((0, 0), solid, size=SIZE, prop=font, usetex=False) if solid else None
    return (float(path.get_extents().width) if path is not None and len(path.vertices) else 0.0) + 3.0 * blanks
