"""The interface of a check."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from nnops.catalog import Component
from nnops.doctor.case import Case
from nnops.doctor.finding import Finding, Number, Severity


class Check(Component):
    """Looks at a case and tells what it finds; its fields are the bounds that it judges by.

    Attributes:
        name: Its name in the table of checks.
        about: What it looks at, in a few words.
        needs: ``data``: the prepared data alone; ``network``: one that can be built; ``learning``: one with weights
            that a gradient changes; ``training``: one that has been done, or is under way.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    needs: ClassVar[Literal["data", "network", "learning", "training"]]

    @abstractmethod
    def look(self, case: Case) -> list[Finding]:
        """What is found, nothing where all is well."""

    def found(
        self,
        case: Case,
        severity: Severity,
        sentence: str,
        evidence: Mapping[str, Number],
        remedy: str,
        *tries: Mapping[str, Any],
    ) -> Finding:
        """A finding whose sets are the first of ``tries`` that the params take; numbers that are none are words."""
        known = {
            name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in evidence.items()
        }
        return Finding(self.name, severity, sentence, known, remedy, case.choose(*tries))
