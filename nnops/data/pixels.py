"""Images as a model sees them: one shape, each channel shifted and scaled by statistics of the train split."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from nnops.data.reader import Images
from nnops.data.values import as_number, column, place
from nnops.errors import DataError


@dataclass(frozen=True)
class Pixels:
    """The fitted preprocessing of images.

    Attributes:
        shape: (C, H, W).
        mean: Of each channel, in units of 255.
        std: Of each channel, in units of 255, positive.
        columns: Names of the pixels where rows of a table may stand for images, else empty.
    """

    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    columns: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers."""
        return {key: list(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        channels, height, width = record["shape"]
        return cls((channels, height, width), tuple(record["mean"]), tuple(record["std"]), tuple(record["columns"]))

    def scale(self, pixels: np.ndarray) -> np.ndarray:
        """Scale raw pixels to what a model takes; the same bits as :meth:`Prepared.tensors` gives.

        Args:
            pixels: uint8 (or whole numbers 0 .. 255) [N, C, H, W], or flat [N, C*H*W].

        Returns:
            float32 [N, C, H, W].

        Raises:
            DataError: Another shape, or values that are no pixels.
        """
        pixels = np.asarray(pixels)
        wanted = int(np.prod(self.shape))
        if pixels.ndim < 2 or pixels.shape[1:] not in ((wanted,), self.shape):
            raise DataError(
                f"images must be {' x '.join(map(str, self.shape))} (channels x height x width) or {wanted} numbers "
                f"a row, got {' x '.join(map(str, pixels.shape[1:])) or 'one number'}."
            )
        if pixels.dtype != np.uint8:
            wrong = ~((pixels >= 0) & (pixels <= 255) & (pixels == np.floor(pixels)))
            if wrong.any():
                row = int(np.argwhere(wrong)[0][0])
                raise DataError(f"row {row + 1}: pixels must be whole numbers from 0 to 255, got {pixels[wrong][0]}.")
        mean = np.asarray(self.mean, np.float32).reshape(1, -1, 1, 1)
        std = np.asarray(self.std, np.float32).reshape(1, -1, 1, 1)
        image = pixels.reshape(-1, *self.shape).astype(np.float32)
        image /= np.float32(255.0)
        image -= mean
        image /= std
        return image

    def from_frame(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows of named pixel columns as float64 [N, C*H*W], in the order of the image.

        Raises:
            DataError: The pixels have no names, or a cell holds text.
        """
        if not self.columns:
            raise DataError("images are wanted (a folder of images, .npz or idx), got a table.")
        flat = np.empty((len(frame), len(self.columns)))
        for index, name in enumerate(self.columns):
            flat[:, index], words = as_number(column(frame, name))
            wrong = words | ~np.isfinite(flat[:, index])
            if wrong.any():
                position = int(wrong.argmax())
                raise DataError(
                    f"{place(column(frame, name), position)}: pixel column '{name}' must be a number, "
                    f"got '{frame[name].iloc[position]}'."
                )
        return flat


def fit_pixels(images: Images, train: np.ndarray, scaling: str) -> Pixels:
    """Fit shift and scale of each channel on the train rows.

    Args:
        images: All images.
        train: Row numbers of the train split.
        scaling: standard (mean, deviation), minmax, robust (median, interquartile range) or none.
    """
    pixels = images.pixels_NCHW
    levels = np.arange(256) / 255.0
    shift: list[float] = []
    spread: list[float] = []
    for channel in range(pixels.shape[1]):
        # A histogram of the 256 levels holds all that the statistics need, exactly and in whole numbers.
        counts = np.bincount(pixels[train, channel].ravel(), minlength=256)
        a, b = _statistics(levels, counts, scaling)
        shift.append(a)
        spread.append(b if b > 0 else 1.0)
    _, channels, height, width = pixels.shape
    return Pixels((channels, height, width), tuple(shift), tuple(spread), images.columns)


def _statistics(levels: np.ndarray, counts: np.ndarray, scaling: str) -> tuple[float, float]:
    total = counts.sum()
    mean = float((levels * counts).sum() / total)
    deviation = float(np.sqrt((counts * (levels - mean) ** 2).sum() / total))
    if scaling == "none":
        return 0.0, 1.0
    if scaling == "minmax":
        seen = levels[counts > 0]
        return float(seen[0]), float(seen[-1] - seen[0])
    if scaling == "robust":
        low, median, high = _quantiles(levels, counts, (0.25, 0.5, 0.75))
        return median, high - low if high > low else deviation
    return mean, deviation


def _quantiles(levels: np.ndarray, counts: np.ndarray, shares: Sequence[float]) -> list[float]:
    below = np.cumsum(counts)
    return [float(levels[int(np.searchsorted(below, share * below[-1]))]) for share in shares]
