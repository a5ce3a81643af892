"""Windows over a series: which steps each split may use, and views that hold no copy of them.

A split owns the steps between its borders, and a window belongs to the split that owns all steps of its horizon. Its
past may reach back over the border before it: at the moment of a forecast that past is known, and none of its values is
an answer of this split. So no step is answered in two splits, and train windows never see a step of val or test.

Legend of shape suffixes: T steps, V variables, N windows, L steps of a window, H steps of a horizon, C = H * V'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnops.errors import DataError

if TYPE_CHECKING:
    import torch

#: Most bytes of windows that are copied, where a split has several series; those of one series are views.
MOST_BYTES = 2 << 30


@dataclass(frozen=True)
class Shape:
    """Length of windows and horizons, and steps from one window to the next."""

    window: int
    horizon: int
    stride: int

    def count(self, steps: int) -> int:
        """How many windows with their horizons lie in so many steps.

        >>> Shape(window=3, horizon=2, stride=2).count(8)
        2
        """
        return max(0, (steps - self.window - self.horizon) // self.stride + 1)

    def span(self, first: int, end: int, low: int, high: int) -> tuple[int, int]:
        """The steps of a series that a split may use: its own, and a window of the past before them.

        Args:
            first: The first step of the series.
            end: The step after its last one.
            low: The first step that the split owns.
            high: The step after its last one.

        >>> Shape(window=3, horizon=1, stride=1).span(first=0, end=20, low=10, high=15)
        (7, 15)
        """
        return max(first, low - self.window), min(end, high)


def view(
    series_TV: "torch.Tensor", target_TV: "torch.Tensor", spans: Sequence[tuple[int, int]], shape: Shape
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Windows ``series_NLV`` and their targets ``target_NC``: of one span as views, of several as copies.

    Args:
        series_TV: Float32: the steps of one span after the other.
        target_TV: The same steps of the target variables.
        spans: First and last-plus-one row of each series.
        shape: Of the windows.

    Raises:
        DataError: Copies would take more than ``MOST_BYTES``.
    """
    import torch

    series_TV, target_TV = series_TV.contiguous(), target_TV.contiguous()
    parts = [_view(series_TV[a:b], target_TV[a:b], shape) for a, b in spans]
    if len(parts) == 1:
        return parts[0]
    size = 4 * sum(series.numel() + target.numel() for series, target in parts)
    if size > MOST_BYTES:
        raise DataError(
            f"the windows of {len(parts)} series take {size / 2**30:.1f} GiB, at most {MOST_BYTES >> 30} are held;"
            " write a larger data.series.stride, or a smaller window."
        )
    return torch.cat([series for series, _ in parts]), torch.cat([target for _, target in parts])


def _view(series_TV: "torch.Tensor", target_TV: "torch.Tensor", shape: Shape) -> "tuple[torch.Tensor, torch.Tensor]":
    """Window n begins at step n * stride; its targets are the H steps after it, side by side in memory already."""
    steps, variables = series_TV.shape
    targets, windows = target_TV.shape[1], shape.count(steps)
    series_NLV = series_TV.as_strided(
        (windows, shape.window, variables), (shape.stride * variables, variables, 1), series_TV.storage_offset()
    )
    target_NC = target_TV.as_strided(
        (windows, shape.horizon * targets),
        (shape.stride * targets, 1),
        target_TV.storage_offset() + shape.window * targets,
    )
    return series_NLV, target_NC
