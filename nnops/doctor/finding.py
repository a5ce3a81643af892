"""A finding: what is wrong, how that is known, and what tries the remedy."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
#: From the worst to the mildest.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
Number = float | int | str


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: The name of the check, as in the table of checks.
        severity: ``error``: a training would be in vain or its numbers wrong; ``warning``: it would be much worse than
            it could be; ``note``: good to know.
        sentence: What is wrong, in one sentence.
        evidence: The numbers that show it, by name.
        remedy: What to do, in plain words.
        sets: What tries it: one or several ``dotted.key=value``, together.
    """

    check: str
    severity: Severity
    sentence: str
    evidence: Mapping[str, Number]
    remedy: str
    sets: tuple[str, ...]

    @property
    def command(self) -> str:
        """The sets as words of a command line."""
        return " ".join(f"--set {shlex.quote(text)}" for text in self.sets)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "check": self.check,
            "severity": self.severity,
            "sentence": self.sentence,
            "evidence": dict(self.evidence),
            "remedy": self.remedy,
            "set": list(self.sets),
        }


def short(value: Number) -> str:
    """A number in few digits; whole ones as they are.

    >>> short(0.0123456), short(1797), short(3.0), short("float32")
    ('0.0123', '1797', '3', 'float32')
    """
    return f"{value:.3g}" if isinstance(value, float) else str(value)
