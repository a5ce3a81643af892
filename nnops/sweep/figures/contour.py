"""Contour: where in the plane of the two most important keys the good trials lie."""

from typing import TYPE_CHECKING, Any

from nnops.sweep.figures.axis import label_axis, place_of
from nnops.sweep.figures.seen import MANY, Seen
from nnops.sweep.insight import short_names

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

#: Trials that must have both keys before a surface means anything.
LEAST = 12
#: Points of the surface along each axis, the width of its kernel, and how much of it must be covered by trials.
GRID, WIDTH, COVER = 60, 0.11, 1.1


def draw_contour(seen: Seen) -> "Figure | None":
    """The rank of trials, smoothed by a Gaussian kernel (Nadaraya 1964, Watson 1964), left blank far from all trials.

    Ranks and not values, so that trials which were stopped early count in their order and none far off rules the
    colours.
    """
    import numpy as np

    from nnops.figure import COLORS, INK, SEQUENTIAL, new_figure, plain, set_title

    pair = _pair(seen)
    if pair is None:
        return None
    first, second = (seen.study.space.by_key[key] for key in pair)
    names = short_names(seen.study.space.by_key)
    trials = [
        trial for trial in seen.told if place_of(first, trial) is not None and place_of(second, trial) is not None
    ]
    points_N2 = np.array([[place_of(first, trial), place_of(second, trial)] for trial in trials], dtype=float)
    tones_N = np.array([seen.tones[trial.number] for trial in trials])
    surface = surface_of(points_N2, tones_N)
    figure = new_figure(6.6, 4.8)
    axes: Any = figure.subplots()
    grid = np.linspace(-0.05, 1.05, GRID)
    filled = axes.contourf(grid, grid, surface, levels=12, cmap=SEQUENTIAL, alpha=0.9, zorder=1)
    edges, size = ["white" if trial.state == "complete" else "none" for trial in trials], 22
    axes.scatter(points_N2[:, 0], points_N2[:, 1], s=size, c=tones_N, cmap=SEQUENTIAL, vmin=0, vmax=1,
                 edgecolors=edges, linewidths=0.8, zorder=3, rasterized=len(trials) > MANY)  # fmt: skip
    rest = [place for place, trial in enumerate(trials) if trial.state == "pruned"]
    axes.scatter(points_N2[rest, 0], points_N2[rest, 1], s=size * 0.5, facecolors="none", edgecolors=INK,
                 linewidths=0.5, alpha=0.55, zorder=3, rasterized=len(trials) > MANY)  # fmt: skip
    best = next((place for place, trial in enumerate(trials) if seen.best and trial.number == seen.best.number), None)
    if best is not None:
        axes.scatter(*points_N2[best], s=120, facecolors="none", edgecolors=COLORS[1], linewidths=2.0, zorder=5)
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(-0.05, 1.05)
    axes.grid(visible=False)
    label_axis(axes.xaxis, first, names[first.key])
    label_axis(axes.yaxis, second, names[second.key])
    bar: Any = figure.colorbar(filled, ax=axes, pad=0.02, aspect=30)
    bar.set_ticks([surface[~np.isnan(surface)].min(), surface[~np.isnan(surface)].max()], labels=["worse", "better"])
    bar.outline.set_visible(False)
    set_title(axes, f"{plain(seen.study.name, 40)}: where good trials lie", "rank, smoothed")
    return figure


def surface_of(points_N2: "np.ndarray", values_N: "np.ndarray") -> "np.ndarray":
    """Kernel means over a square a little larger than the unit square; NaN where hardly a trial is near.

    Args:
        points_N2: Float [N, 2] in [0, 1].
        values_N: Float [N].

    Returns:
        Float [GRID, GRID], the second coordinate along rows.
    """
    import numpy as np

    grid = np.linspace(-0.05, 1.05, GRID)
    kernels = [np.exp(-0.5 * ((grid[:, None] - points_N2[:, axis]) / WIDTH) ** 2) for axis in (0, 1)]
    mass_YX = kernels[1] @ kernels[0].T
    mean_YX = (kernels[1] * values_N) @ kernels[0].T / np.maximum(mass_YX, 1e-12)
    return np.where(mass_YX >= COVER, mean_YX, np.nan)


def _pair(seen: Seen) -> tuple[str, str] | None:
    """The two most important keys that enough trials have; numbers before choices, which make no surface."""
    by_key = seen.study.space.by_key
    keys = [key for key in seen.keys if len({repr(trial.now[key]) for trial in seen.told if key in trial.now}) > 2]
    keys.sort(key=lambda key: by_key[key].kind == "choice")
    for place, second in enumerate(keys):
        for first in keys[:place]:
            if sum(first in trial.now and second in trial.now for trial in seen.told) >= LEAST:
                return first, second
    return None
