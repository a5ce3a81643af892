"""One dimension of a space: a key of params.yaml and the values that it may take.

``{float: [1e-5, 1e-1], log: true}``, ``{int: [1, 9], step: 2}`` or ``{choice: [relu, gelu]}``, each with
``when: {other.key: value}`` where it only counts beside certain values of another dimension.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nnops.catalog import unknown
from nnops.errors import ParamsError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Kind = Literal["float", "int", "choice"]
_FIELDS: dict[str, tuple[str, ...]] = {
    "float": ("float", "log", "step", "when"),
    "int": ("int", "log", "step", "when"),
    "choice": ("choice", "when"),
}


@dataclass(frozen=True)
class Dimension:
    """A tuned key.

    Attributes:
        key: The dotted key of params.yaml.
        kind: ``float``, ``int`` or ``choice``.
        low: Lowest value of a number, included.
        high: Highest value of a number, included.
        log: Whether numbers are drawn evenly on a logarithmic scale.
        step: The distance of a number's values, or None for every float and every int.
        choices: The values of a choice; lists and mappings are allowed.
        when: ``(key, values)`` of the dimensions that this one depends on; all must hold.
    """

    key: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def distribution(self) -> "BaseDistribution":
        """What Optuna draws from; choices that Optuna cannot store are their JSON text there."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.kind == "choice":
            return CategoricalDistribution(self._codes())
        if self.kind == "int":
            step = int(self.step or 1)
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=step)
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def decode(self, value: Any) -> Any:
        """A value drawn by Optuna as the value for params.yaml."""
        if self.kind == "choice":
            for code, choice in zip(self._codes(), self.choices, strict=True):
                if same(code, value):
                    return choice
            raise ValueError(f"{self.key}: {value!r} is none of its choices")
        return int(value) if self.kind == "int" else float(value)

    def encode(self, value: Any) -> Any:
        """The inverse of :meth:`decode`."""
        if self.kind != "choice":
            return value
        place = next(place for place, choice in enumerate(self.choices) if same(choice, value))
        return self._codes()[place]

    def holds(self, value: Any) -> bool:
        """Whether the dimension can take this value."""
        if self.kind == "choice":
            return any(same(choice, value) for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (self.kind == "float" or float(value).is_integer())

    def extremes(self) -> list[Any]:
        """Both ends of a range, or every choice."""
        if self.kind == "choice":
            return list(self.choices)
        return list(dict.fromkeys(self.decode(value) for value in (self.low, self.high)))

    def points(self, count: int) -> list[Any]:
        """The values that a grid tries: all of a choice or a stepped range, else ``count`` evenly spaced ones."""
        if self.kind == "choice":
            return list(self.choices)
        if self.step is not None or (self.kind == "int" and self.high - self.low < count and not self.log):
            step = self.step or 1
            return [self.decode(self.low + place * step) for place in range(round((self.high - self.low) / step) + 1)]
        if self.low == self.high or count == 1:
            return [self.decode(self.low)]
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        inner = [low + (high - low) * place / (count - 1) for place in range(1, count - 1)]
        values = [self.low, *(math.exp(value) if self.log else value for value in inner), self.high]
        return list(dict.fromkeys(self.decode(round(value) if self.kind == "int" else value) for value in values))

    def record(self) -> dict[str, Any]:
        """As params.yaml writes it, with nothing left to defaults."""
        record: dict[str, Any]
        if self.kind == "choice":
            record = {"choice": list(self.choices)}
        else:
            record = {self.kind: self.extremes(), "log": self.log, "step": self.step}
            if len(record[self.kind]) == 1:
                record[self.kind] *= 2
        if self.when:
            record["when"] = {key: list(values) for key, values in self.when}
        return record

    def _codes(self) -> list[Any]:
        # True equals 1 and 1.0 in Python, and Optuna stores no lists: then every choice is its JSON text.
        scalar = all(value is None or isinstance(value, bool | int | float | str) for value in self.choices)
        if scalar and len({(type(value) is bool, value) for value in self.choices}) == len(set(self.choices)):
            return list(self.choices)
        return [json.dumps(value, sort_keys=True) for value in self.choices]


def same(a: Any, b: Any) -> bool:
    """Equal and of one kind: True is not 1.

    >>> same(1, 1.0), same(True, 1), same([1], [1])
    (True, False, True)
    """
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def parse_dimension(key: str, record: Mapping[str, Any]) -> Dimension:
    """Read one entry of ``sweep.space``; its ``when`` is judged by the space, which knows the other keys.

    Raises:
        ParamsError: Not exactly one of float, int and choice; a field that it does not have; bounds that make no sense.
    """
    where = f"params.yaml: sweep.space.{key}"
    kinds = [kind for kind in _FIELDS if kind in record]
    if len(kinds) != 1:
        came = f"got {', '.join(map(str, record)) or 'nothing'}" if len(kinds) == 0 else f"got {' and '.join(kinds)}"
        raise ParamsError(f"{where}: must be one of {{float: [low, high]}}, {{int: ...}}, {{choice: [...]}}, {came}.")
    kind = kinds[0]
    for field in record:
        if field not in _FIELDS[kind]:
            raise ParamsError(f"{where}: {unknown('field', str(field), _FIELDS[kind])}")
    when = _parse_when(where, record.get("when"))
    if kind == "choice":
        return Dimension(key, "choice", choices=_parse_choices(where, record["choice"]), when=when)
    number: Kind = "float" if kind == "float" else "int"
    return _parse_range(where, key, number, record, when)


def _parse_range(
    where: str, key: str, kind: Kind, record: Mapping[str, Any], when: tuple[tuple[str, tuple[Any, ...]], ...]
) -> Dimension:
    bounds, log, step = record[kind], record.get("log", False), record.get("step")
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not all(_is_number(kind, value) for value in bounds):
        what = "whole numbers" if kind == "int" else "numbers"
        raise ParamsError(f"{where}.{kind}: must be two {what} [low, high], got {bounds!r}.")
    low, high = bounds
    if low > high:
        raise ParamsError(f"{where}.{kind}: low must be at most high, got {bounds!r}; write [{high}, {low}].")
    if not isinstance(log, bool):
        raise ParamsError(f"{where}.log: must be true or false, got {log!r}.")
    if log and low <= 0:
        raise ParamsError(f"{where}: log: true needs a low above 0, got {bounds!r}.")
    if step is not None:
        if not _is_number(kind, step) or step <= 0:
            raise ParamsError(
                f"{where}.step: must be a {'whole ' if kind == 'int' else ''}number above 0, got {step!r}."
            )
        if log:
            raise ParamsError(f"{where}: step and log: true exclude each other; leave one out.")
        steps = (high - low) / step
        if steps < 1 and low < high:
            raise ParamsError(f"{where}.step: must be at most the range of {high - low:g}, got {step}.")
        if abs(steps - round(steps)) > 1e-8 * max(1.0, steps):
            last = low + math.floor(steps) * step
            raise ParamsError(
                f"{where}: {low} to {high} is no whole number of steps of {step}; write [{low}, {last:g}]."
            )
    return Dimension(key, kind, low=low, high=high, log=log, step=step, when=when)


def _parse_choices(where: str, choices: Any) -> tuple[Any, ...]:
    if not isinstance(choices, list | tuple) or not choices:
        raise ParamsError(f"{where}.choice: must be a list of at least one value, got {choices!r}.")
    for place, value in enumerate(choices):
        if isinstance(value, float) and not math.isfinite(value):
            raise ParamsError(f"{where}.choice: {value} is not finite.")
        if any(same(value, other) for other in choices[:place]):
            raise ParamsError(f"{where}.choice: {value!r} stands there twice.")
    return tuple(choices)


def _parse_when(where: str, when: Any) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    if when is None:
        return ()
    if not isinstance(when, Mapping) or not when:
        raise ParamsError(f"{where}.when: must be {{other.key: value}} or {{other.key: [values]}}, got {when!r}.")
    return tuple(
        (str(key), tuple(values) if isinstance(values, list | tuple) else (values,)) for key, values in when.items()
    )


def _is_number(kind: Kind, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if kind == "int":
        return isinstance(value, int)
    return isinstance(value, int | float) and math.isfinite(value)
