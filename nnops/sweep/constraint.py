"""A hard constraint: a trial whose measured number breaks it cannot win, however good its objective is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from nnops.errors import ParamsError
from nnops.sweep.objective import explain_unmeasured

_CONDITION = re.compile(
    r"\s*(?P<metric>[^\s<>=!]+)\s*(?P<sign><=|>=)\s*(?P<bound>[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\s*"
)


@dataclass(frozen=True)
class Constraint:
    """``metric <= bound`` or ``metric >= bound``.

    Attributes:
        metric: A number measured of every trial; see :mod:`nnops.sweep.measure`.
        sign: Which side of the bound is allowed.
        bound: Itself allowed.
    """

    metric: str
    sign: Literal["<=", ">="]
    bound: float

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Read an entry of ``sweep.constraints``.

        >>> Constraint.parse("parameters <= 2e4")
        Constraint(metric='parameters', sign='<=', bound=20000.0)

        Raises:
            ParamsError: It is not of that form.
        """
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise ParamsError(
                f"params.yaml: sweep.constraints: '{text}' is not of the form 'metric <= number' or 'metric >= number';"
                " write for example 'parameters <= 20000'."
            )
        sign: Literal["<=", ">="] = "<=" if found["sign"] == "<=" else ">="
        return cls(found["metric"], sign, float(found["bound"]))

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.bound:g}"

    def violation(self, value: float) -> float:
        """How far a value is on the wrong side; at most 0 where it is allowed, as Optuna wants constraints."""
        return value - self.bound if self.sign == "<=" else self.bound - value


def parse_constraints(texts: Iterable[str], known: Iterable[str] | None = None) -> tuple[Constraint, ...]:
    """Read ``sweep.constraints``.

    Args:
        texts: The entries.
        known: What can be measured of a trial; None judges no names.

    Raises:
        ParamsError: An entry is malformed, stands twice, or names what is not measured, with the nearest name.
    """
    found: list[Constraint] = []
    names = None if known is None else list(known)
    for text in texts:
        constraint = Constraint.parse(text)
        if names is not None and constraint.metric not in names:
            raise ParamsError(f"params.yaml: sweep.constraints: {explain_unmeasured(constraint.metric, names)}")
        if any((constraint.metric, constraint.sign) == (other.metric, other.sign) for other in found):
            raise ParamsError(
                f"params.yaml: sweep.constraints bounds {constraint.metric} {constraint.sign} twice; leave one out."
            )
        found.append(constraint)
    return tuple(found)


def broken(constraints: Iterable[Constraint], measures: Mapping[str, float]) -> list[str]:
    """In words, the constraints that measured numbers break; a number that is missing breaks nothing yet.

    >>> broken([Constraint("parameters", "<=", 100.0)], {"parameters": 250.0})
    ['parameters is 250, not <= 100']
    """
    return [
        f"{each.metric} is {measures[each.metric]:g}, not {each.sign} {each.bound:g}"
        for each in constraints
        if each.metric in measures and not each.violation(measures[each.metric]) <= 0
    ]
