"""Where on an image an answer comes from: each image beside what a method says of it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject
from nnops.figure import COLORS, INK, MUTED, new_figure, plain

#: Images that there is room for, and in a line of them.
SHOWN, ACROSS = 16, 4
#: Against blue, for red, white for nothing: as in the figures of columns.
SIGNED = LinearSegmentedColormap.from_list("nnops_signed", ["#17375a", COLORS[0], "#f7f8fa", COLORS[3], "#7d1f36"])
SIZES = LinearSegmentedColormap.from_list("nnops_sizes", ["#f7f8fa", "#f0c9a0", COLORS[1], COLORS[3], "#7d1f36"])
#: So much of the largest values is cut off, since a few pixels would pale all others.
TOP = 0.995
TITLES = {
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "saliency": "Saliency",
}


def draw_pixels(subject: Subject, explanation: Explanation, method: str) -> Figure:
    """Draw pairs of an image and its attribution over the image in faint grey."""
    assert explanation.score_N is not None
    count = min(SHOWN, len(subject))
    across = min(ACROSS, count)
    lines = -(-count // across)
    signed = bool((explanation.value < 0).any())
    figure = new_figure(max(2.35 * across + 0.9, 4.2), 1.36 * lines + 0.85)
    grid = figure.subplots(lines, 2 * across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row in range(count):
        line, place = divmod(row, across)
        picture = pixels_of(subject, subject.inputs[0][row])
        left, right = grid[line, 2 * place], grid[line, 2 * place + 1]
        show(left, picture)
        value_HW = explanation.value[row]
        most = float(np.quantile(np.abs(value_HW), TOP)) or float(np.abs(value_HW).max()) or 1.0
        norm = TwoSlopeNorm(0, -most, most) if signed else Normalize(0, most)
        right.imshow(value_HW, cmap=SIGNED if signed else SIZES, norm=norm, interpolation="nearest")
        # Smoothed, so that it is the outline and not the pattern.
        grey = gaussian_filter(picture.mean(2) if picture.ndim == 3 else picture, 0.04 * len(picture))
        right.contour(grey, levels=[0.35 * float(grey.max())], colors=[INK], linewidths=0.5, alpha=0.45)
        name = plain(subject.answers[subject.choice_N[row]], 16)
        left.set_title(f"{name}: {explanation.score_N[row]:.2f}", loc="left", fontsize=8.5, color=INK, pad=3)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1 if signed else 0, 1), SIGNED if signed else SIZES),
        ax=grid,
        aspect=26,
        pad=0.02,
        ticks=[-1, 0, 1] if signed else [0, 1],
    )
    bar.ax.set_yticklabels(["against", "", "for"] if signed else ["none", "most"])
    bar.ax.tick_params(length=0, labelcolor=MUTED, labelsize=8.5)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    heading = f"{TITLES.get(method, method)}: what speaks for the answer"
    figure.suptitle(heading, x=0.02, ha="left", fontsize=11, fontweight="bold", color=INK)
    note = "Each image has a scale of its own. Titles: the answer that is explained and its score."
    figure.supxlabel(note, x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def draw_channels(subject: Subject, explanation: Explanation) -> Figure:
    """Draw a contact sheet: what each channel was made to see, beside the images of test that excite it most."""
    made_KCHW, pixels = explanation.further["made"], explanation.further["pixels"]
    count, some = pixels.shape[:2]
    figure = new_figure(0.85 * (some + 1) + 1.6, 0.85 * count + 1.0)
    grid = figure.subplots(count, some + 1, squeeze=False, gridspec_kw={"width_ratios": [1.25, *[1.0] * some]})
    for line in range(count):
        show(grid[line, 0], _stretched(pixels_of(subject, made_KCHW[line])))
        for place in range(some):
            show(grid[line, place + 1], pixels_of(subject, pixels[line, place]))
        grid[line, 0].set_ylabel(explanation.names[line], rotation=0, ha="right", va="center", color=INK, fontsize=8.5)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
    grid[0, 0].set_title("made to excite", fontsize=8.5, color=MUTED, pad=4)
    grid[0, 1].set_title("excite it most, of test", fontsize=8.5, color=MUTED, loc="left", pad=4)
    figure.suptitle("What channels look for", x=0.02, ha="left", fontsize=11, fontweight="bold", color=INK)
    figure.supxlabel(explanation.unit, x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def pixels_of(subject: Subject, scaled_CHW: np.ndarray) -> np.ndarray:
    """A scaled image as one to look at: ``[H, W]`` or ``[H, W, 3]``, 0 to 1."""
    mean, std = (np.asarray(each).reshape(-1, 1, 1) for each in (subject.pixel_mean, subject.pixel_std))
    picture = np.clip(scaled_CHW * std + mean, 0, 1)
    return picture.transpose(1, 2, 0) if len(picture) == 3 else picture.mean(0)


def show(axes: Axes, picture: np.ndarray) -> None:
    """An image without a frame."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _stretched(picture: np.ndarray) -> np.ndarray:
    low, high = float(picture.min()), float(picture.max())
    return (picture - low) / (high - low) if high > low else picture
