"""Answered masks as PNG files: a pixel's level is the value that its class has in the masks of the training."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nnops.figure import COLORS
from nnops.files import write_bytes


def write_masks(folder: Path, names: Sequence[str], value_NHW: np.ndarray, values: Sequence[int]) -> list[Path]:
    """Write masks.

    Args:
        folder: Where to; files of the same names are replaced.
        names: Of each image, a path; its mask gets the same name and ends in ``.png``.
        value_NHW: uint8.
        values: The value of each class; each is shown in a colour of its own.

    Returns:
        The files.
    """
    from PIL import Image

    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    for place, value in enumerate(values):
        color = COLORS[place % len(COLORS)].removeprefix("#")
        palette[value] = [int(color[start : start + 2], 16) for start in (0, 2, 4)]
    written: list[Path] = []
    for name, value_HW in zip(names, value_NHW, strict=True):
        image = Image.fromarray(value_HW, "P")
        image.putpalette(palette.tobytes())
        memory = io.BytesIO()
        image.save(memory, "PNG")
        written.append((folder / name).with_suffix(".png"))
        write_bytes(written[-1], memory.getvalue())
    return written
