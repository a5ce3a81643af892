"""Dropout that leaves too little."""

from typing import ClassVar, Literal

from torch import nn

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.remedy import plain_network


class Dropout(Check):
    """The highest rate of a network's dropout."""

    name: ClassVar[str] = "dropout"
    about: ClassVar[str] = "dropout that leaves too little"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"
    most: float = 0.6

    def look(self, case: Case) -> list[Finding]:
        """One finding."""
        parts = [part for part in case.network.modules() if isinstance(part, nn.modules.dropout._DropoutNd)]
        highest = max((part.p for part in parts), default=0.0)
        if highest <= self.most:
            return []
        return [
            self.found(
                case,
                "warning",
                f"Dropout takes away {highest:.0%} of the units at every step, so little of each row is left to learn"
                " from.",
                {"dropout": highest, "layers": len(parts)},
                "Begin with 0.1 to 0.3, and raise it while val gets better.",
                {"model.options.dropout": 0.2},
                plain_network(case.spec),
                {"model.name": "resmlp"},
            )
        ]
