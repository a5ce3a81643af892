"""Insight: what a study has learned, as figures in a folder; and the names that its keys are shown by."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.files import write_bytes

if TYPE_CHECKING:
    from nnops.sweep.figures.seen import Seen

#: Dots an inch of a small copy.
SMALL_DPI = 84


def draw(seen: "Seen", folder: Path, small: Iterable[str] = ()) -> list[Path]:
    """Draw the figures that the trials of a study allow.

    Args:
        seen: The study.
        folder: Where to.
        small: Names of figures of which a small copy is wanted, in the folder ``small``.

    Returns:
        A PNG file for each of :data:`nnops.sweep.figures.FIGURES` that has something to show, in their order.
    """
    from nnops.figure import render_png
    from nnops.sweep.figures import build_figures

    paths: list[Path] = []
    for name, figure in build_figures(seen).items():
        paths.append(folder / f"{name}.png")
        write_bytes(paths[-1], render_png(figure))
        if name in small:
            write_bytes(folder / "small" / paths[-1].name, render_png(figure, SMALL_DPI))
    return paths


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """The shortest endings of dotted keys that still tell them apart.

    >>> short_names(["train.optimizer.options.lr", "model.options.dropout"])
    {'train.optimizer.options.lr': 'lr', 'model.options.dropout': 'dropout'}
    >>> short_names(["model.name", "train.optimizer.name"])
    {'model.name': 'model.name', 'train.optimizer.name': 'optimizer.name'}
    """
    keys = list(keys)

    def ending(key: str, count: int) -> str:
        return ".".join(key.split(".")[-count:])

    found: dict[str, str] = {}
    for key in keys:
        counts = range(1, key.count(".") + 2)
        found[key] = next(
            (
                ending(key, count)
                for count in counts
                if ending(key, count) != "name"
                and all(ending(other, count) != ending(key, count) for other in keys if other != key)
            ),
            key,
        )
    return found
