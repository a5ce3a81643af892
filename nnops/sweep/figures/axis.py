"""Axes of tuned keys: marks of a range or of choices, on a scale from 0 to 1."""

import math
from typing import Any

from nnops.number import short
from nnops.sweep.dimension import Dimension
from nnops.sweep.importance import position
from nnops.sweep.study import TrialRecord


def place_of(dimension: Dimension, trial: TrialRecord) -> float | None:
    """Where a trial stands on an axis, or None where it has no value there."""
    return position(dimension, trial.now[dimension.key]) if dimension.key in trial.now else None


def ticks(dimension: Dimension) -> list[tuple[float, str]]:
    """Heights and labels of an axis: its ends, powers of ten inside, or its choices."""
    from nnops.figure import plain

    if dimension.kind == "choice":
        return [(place / max(len(dimension.choices) - 1, 1), plain(label(choice), 18))
                for place, choice in enumerate(dimension.choices)]  # fmt: skip
    marks = dimension.extremes()
    if dimension.log:
        first, last = math.ceil(math.log10(dimension.low)), math.floor(math.log10(dimension.high))
        marks += [10.0**power for power in range(first, last + 1)]
    elif len(marks) > 1:
        marks.append((dimension.low + dimension.high) / 2)
    return [(position(dimension, mark) or 0.0, label(mark)) for mark in dict.fromkeys(marks)]


def label(value: Any) -> str:
    """A value as a label."""
    return short(value, 3) if isinstance(value, float) else str(value)


def label_axis(axis: Any, dimension: Dimension, name: str) -> None:
    """Give a matplotlib axis the marks and the name of a dimension."""
    from nnops.figure import INK, plain

    marks = [mark for mark in ticks(dimension) if 0.0 <= mark[0] <= 1.0]
    if dimension.kind != "choice":
        # Close marks would run into each other.
        kept: list[tuple[float, str]] = []
        for mark in sorted(marks):
            if not kept or mark[0] - kept[-1][0] > 0.12:
                kept.append(mark)
        marks = kept
    axis.set_ticks([place for place, _ in marks], [text for _, text in marks])
    axis.set_label_text(plain(name, 40), color=INK)
