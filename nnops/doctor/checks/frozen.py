"""Weights that no gradient changes."""

from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.remedy import other_network, plain_network
from nnops.training.transfer import transfer_of


class Frozen(Check):
    """Weights that are held, and whether ``train.transfer`` asks for it."""

    name: ClassVar[str] = "frozen"
    about: ClassVar[str] = "weights that are held where nobody asks for it"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"

    def look(self, case: Case) -> list[Finding]:
        """One finding."""
        weights = dict(case.network.named_parameters())
        held = {name: weight.numel() for name, weight in weights.items() if not weight.requires_grad}
        every = sum(weight.numel() for weight in weights.values())
        transfer = transfer_of(case.params)
        asked = transfer is not None and transfer.unfrozen is not None
        if not held or (asked and len(held) < len(weights)):
            return []
        nothing = len(held) == len(weights)
        return [
            self.found(
                case,
                "error" if nothing else "warning",
                f"{'All' if nothing else len(held)} of {len(weights)} weights are held (such as '{next(iter(held))}'),"
                f" so {'nothing' if nothing else 'only the rest'} learns.",
                {"held": len(held), "weights": len(weights), "numbers_held": sum(held.values()), "numbers": every},
                "Take requires_grad = False away, or hold layers by train.transfer.unfrozen, which can be changed on"
                " the way.",
                *([{"train.transfer.unfrozen": 1}, {"train.transfer.unfrozen": None}] if asked else []),
                plain_network(case.spec),
                other_network(case.spec),
            )
        ]
