"""A loss that jumps."""

from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.judged import known_loss
from nnops.doctor.past import Past
from nnops.doctor.remedy import rate


class Unstable(Check):
    """Epochs whose loss lies far above the lowest one before."""

    name: ClassVar[str] = "unstable"
    about: ClassVar[str] = "a loss that jumps"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "training"
    jump: float = 0.15
    times: int = 2

    def look(self, case: Case) -> list[Finding]:
        """One finding a training."""
        return [found for past in case.pasts if (found := self._judge(case, past)) is not None]

    def _judge(self, case: Case, past: Past) -> Finding | None:
        spikes: dict[int, float] = {}
        for name, known in (("train_loss", known_loss(case, "train")), ("val_loss", known_loss(case, "val"))):
            losses = past.column(name)
            for place in range(1, len(losses)):
                up = losses[place] - losses[place - 1]
                # A jump falls again or comes at once; a slow rise is overfitting.
                if up > self.jump * known and losses[place] > 1.3 * min(losses[:place]):
                    spikes[place + 1] = max(spikes.get(place + 1, 0.0), up / known)
        blown = past.history[-1]["train_loss"] > 2 * known_loss(case, "train")
        if len(spikes) < self.times and not blown:
            return None
        epochs = ", ".join(map(str, sorted(spikes)[:5])) + (", ..." if len(spikes) > 5 else "")
        highest = max(spikes.values(), default=past.history[-1]["train_loss"] / known_loss(case, "train"))
        return self.found(
            case,
            "error" if blown else "warning",
            f"The loss jumps up at {len(spikes)} of {len(past.history)} epochs ({epochs})."
            if spikes
            else f"The loss ends at {past.history[-1]['train_loss']:.3g}, far above that of knowing nothing.",
            {"spikes": len(spikes), "epochs": len(past.history), "highest": highest, "rate": case.lr},
            "Take a third of the rate, larger batches, or clip the gradient's norm.",
            rate(case.lr / 3),
        )
