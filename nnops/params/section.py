"""What all sections of params.yaml share: their base, a component by name, numbers and times that are judged."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[int, Field(ge=1)]
DURATION = r"^\d+(\.\d+)?(s|m|h|d)$"


def _duration(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(DURATION, value) or not in_seconds(value):
        raise ValueError(f"must be a time above zero such as 90s, 30m, 2h or 1d, got {value!r}.")
    return value


Duration = Annotated[str, Field(pattern=DURATION), BeforeValidator(_duration)]


class Section(BaseModel):
    """Base of every section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


def not_default(section: Section, *names: str) -> str | None:
    """The first of some fields that has another value than its default."""
    return next((name for name in names if getattr(section, name) != type(section).model_fields[name].default), None)


class Named(Section):
    """A component by name, with the options that it judges itself."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict[str, Any])


def in_key(name: str) -> str:
    """A column's name as a part of a dotted name that a gate can hold.

    >>> in_key("marital status (%)")
    'marital_status_'
    """
    return re.sub(r"[^\w-]+", "_", name)


def in_seconds(text: str) -> float:
    """A duration in seconds.

    >>> in_seconds("90s"), in_seconds("1.5h")
    (90.0, 5400.0)
    """
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]
