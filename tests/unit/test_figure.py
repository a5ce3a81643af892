"""The house style: bytes that repeat, and nobody else's settings touched."""

import matplotlib
import numpy as np
import pytest

from nnops.figure import COLORS, new_figure, plain, render_png, save_png, set_title


def drawn():
    figure = new_figure(4, 3)
    left, right = figure.subplots(1, 2)
    left.plot(np.arange(5), np.arange(5) ** 2, label="a")
    left.legend()
    right.semilogy([1, 10, 100])
    set_title(left, "Loss", "best 0")
    return figure


def test_bytes_repeat_whatever_the_callers_settings(tmp_path):
    first = render_png(drawn())
    with matplotlib.rc_context({"axes.facecolor": "red", "font.family": ["serif"], "axes.grid": False}):
        assert render_png(drawn()) == first
    save_png(drawn(), tmp_path / "deep" / "figure.png")
    assert (tmp_path / "deep" / "figure.png").read_bytes() == first
    for chunk in (b"Software", b"tIME", b"Creation"):
        assert chunk not in first


def test_settings_of_the_caller_stay():
    before = dict(matplotlib.rcParams)
    render_png(drawn())
    assert dict(matplotlib.rcParams) == before


def test_axes_are_of_the_house():
    axes = new_figure().add_subplot()
    (line,) = axes.plot([1, 2])
    assert line.get_color() == COLORS[0]
    assert not axes.spines["top"].get_visible()


@pytest.mark.parametrize("text", ["$x$", "a $ b", "$^{", "100 %", "日本", "\\alpha"])
def test_any_text_can_be_a_label(text):
    figure = new_figure(3, 2)
    axes = figure.add_subplot()
    axes.set_xticks([0], [plain(text)])
    assert render_png(figure).startswith(b"\x89PNG")
