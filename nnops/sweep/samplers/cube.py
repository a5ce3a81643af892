"""A space as a unit cube: a config is a row of numbers in [0, 1], one a dimension, for models that measure distances.

Shapes: N configs, D dimensions of the space, F features.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nnops.sweep.dimension import Dimension, same
from nnops.sweep.space import Space

if TYPE_CHECKING:
    import numpy as np


class Axis:
    """One dimension between 0 and 1: even where values are drawn evenly, so logarithmic for ``log``."""

    def __init__(self, dimension: Dimension) -> None:
        import numpy as np

        self.dimension = dimension
        self.choices = len(dimension.choices)
        self._step = dimension.step or (1.0 if dimension.kind == "int" else 0.0)
        low, high = dimension.low - self._step / 2, dimension.high + self._step / 2
        self._log = dimension.log
        self._low, self._high = (np.log(low), np.log(high)) if dimension.log else (low, high)

    @property
    def single(self) -> bool:
        """Whether there is one value only."""
        return self.choices == 1 or (not self.choices and self.dimension.low == self.dimension.high)

    def number(self, unit: "np.ndarray") -> "np.ndarray":
        """Numbers of the dimension, or places among its choices, for numbers in [0, 1]; shape [N]."""
        import numpy as np

        if self.choices:
            return np.minimum((unit * self.choices).astype(int), self.choices - 1)
        value = self._low + unit * (self._high - self._low)
        value = np.exp(value) if self._log else value
        if self._step:
            value = self.dimension.low + np.rint((value - self.dimension.low) / self._step) * self._step
        return np.clip(value, self.dimension.low, self.dimension.high)

    def unit(self, number: "np.ndarray") -> "np.ndarray":
        """The inverse of :meth:`number`; a choice is in the middle of its part."""
        import numpy as np

        if self.choices:
            return (number + 0.5) / self.choices
        if self.single:
            return np.full(len(number), 0.5)
        return ((np.log(number) if self._log else number) - self._low) / (self._high - self._low)

    def value(self, unit: float) -> Any:
        """The value as Optuna stores it."""
        import numpy as np

        number = self.number(np.array([unit]))[0]
        if self.choices:
            return self.dimension.encode(self.dimension.choices[int(number)])
        return int(number) if self.dimension.kind == "int" else float(number)

    def places(self, values: Sequence[Any]) -> "np.ndarray":
        """The numbers in [0, 1] of values as Optuna stores them; [N]."""
        import numpy as np

        if self.choices:
            codes = [self.dimension.encode(choice) for choice in self.dimension.choices]
            values = [next(at for at, code in enumerate(codes) if same(code, value)) for value in values]
        return self.unit(np.array(values, float))

    def holds(self, unit: "np.ndarray", values: Sequence[Any]) -> "np.ndarray":
        """Where the value is one of ``values``; bool, shape [N]."""
        import numpy as np

        number = self.number(unit)
        if self.choices:
            asked = [at for at, choice in enumerate(self.dimension.choices) if any(same(choice, one) for one in values)]
        else:
            asked = [float(one) for one in values]
        return np.isin(number, asked)


class Cube:
    """All dimensions of a space; a dimension that is not active is NaN."""

    def __init__(self, space: Space) -> None:
        self.axes = [Axis(dimension) for dimension in space.dimensions]
        self._place = {axis.dimension.key: at for at, axis in enumerate(self.axes)}

    def rows(self, records: Sequence[Mapping[str, Any]]) -> "np.ndarray":
        """Values as Optuna stores them, as rows [N, D]."""
        import numpy as np

        found = np.full((len(records), len(self.axes)), np.nan)
        for at, axis in enumerate(self.axes):
            key = axis.dimension.key
            known = [place for place, record in enumerate(records) if key in record]
            found[known, at] = axis.places([records[place][key] for place in known])
        return found

    def snapped(self, rows: "np.ndarray") -> "np.ndarray":
        """Rows moved to values that exist, with what their conditions leave out set to NaN; [N, D]."""
        import numpy as np

        found = np.empty_like(rows)
        for at, axis in enumerate(self.axes):
            active = np.ones(len(rows), bool)
            for key, values in axis.dimension.when:
                parent = self._place[key]
                known = ~np.isnan(found[:, parent])
                active &= known
                active[known] &= self.axes[parent].holds(found[known, parent], values)
            found[:, at] = np.where(active, axis.unit(axis.number(rows[:, at])), np.nan)
        return found

    def values(self, row: "np.ndarray") -> dict[str, Any]:
        """A snapped row as Optuna stores it."""
        return {axis.dimension.key: axis.value(unit) for axis, unit in zip(self.axes, row, strict=True) if unit == unit}

    @cached_property
    def _numbers(self) -> list[int]:
        return [at for at, axis in enumerate(self.axes) if not axis.choices and not axis.single]

    def features(self, rows: "np.ndarray") -> "np.ndarray":
        """What distances are measured on, [N, F]: numbers (not active: 0.5), then one-hot choices (there all 0)."""
        import numpy as np

        parts = [np.nan_to_num(rows[:, self._numbers], nan=0.5)]
        for at, axis in enumerate(self.axes):
            if axis.choices > 1:
                number = np.floor(np.nan_to_num(rows[:, at], nan=-1.0) * axis.choices)
                # Two choices are as far apart as the ends of a range.
                parts.append((number[:, None] == np.arange(axis.choices)) * np.sqrt(0.5))
        return np.hstack(parts)
