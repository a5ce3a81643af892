"""A regression whose target is not of the size that a network answers in at first."""

from typing import ClassVar, Literal

from nnops.batch import QUANTITIES
from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class TargetScale(Check):
    """Mean and deviation of the target as the loss sees it."""

    name: ClassVar[str] = "target_scale"
    about: ClassVar[str] = "a target that is not scaled"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    largest: float = 10.0
    smallest: float = 0.05

    def look(self, case: Case) -> list[Finding]:
        """One finding."""
        if case.spec.task not in QUANTITIES or case.params.data.target_scaling != "none":
            return []
        target = case.train.target.double()
        mean, std = float(target.mean()), float(target.std())
        if abs(mean) <= self.largest and self.smallest <= std <= self.largest:
            return []
        return [
            self.found(
                case,
                "error" if abs(mean) > self.largest**2 or std > self.largest**2 else "warning",
                f"The target has mean {mean:.3g} and deviation {std:.3g}, and the loss takes it as it is: a network"
                " begins near 0, and gradients are as large as the target.",
                {"mean": mean, "deviation": std},
                "Scale the target to mean 0 and deviation 1; answers are put back into its unit.",
                {"data.target_scaling": "standard"},
            )
        ]
