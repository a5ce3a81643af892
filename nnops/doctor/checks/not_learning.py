"""A training that ends where a constant answer would."""

from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.judged import known_loss
from nnops.doctor.past import Past
from nnops.doctor.remedy import other_network, rate


class NotLearning(Check):
    """The lowest losses beside those of the best answer that is the same for all rows."""

    name: ClassVar[str] = "not_learning"
    about: ClassVar[str] = "a training that knows no more than a constant answer"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "training"
    least: float = 0.03

    def look(self, case: Case) -> list[Finding]:
        """One finding a training."""
        return [found for past in case.pasts if (found := self._judge(case, past)) is not None]

    def _judge(self, case: Case, past: Past) -> Finding | None:
        known_train, known_val = known_loss(case, "train"), known_loss(case, "val")
        train, val = min(past.column("train_loss")), min(past.column("val_loss"))
        if train < (1 - self.least) * known_train or val < (1 - self.least) * known_val:
            return None
        grew = past.history[-1]["train_loss"] > 1.05 * known_train
        suggested = case.rates.suggested if case.learns else None
        tries = [rate(suggested)] if suggested else []
        tries += [rate(case.lr / 10 if grew else case.lr * 10), other_network(case.spec)]
        return self.found(
            case,
            "error",
            f"Nothing was learned in {len(past.history)} epochs: the loss on val is {val:.3g} at best, and a constant"
            f" answer has {known_val:.3g}.",
            {
                "val_loss": val,
                "constant_val_loss": known_val,
                "train_loss": train,
                "constant_train_loss": known_train,
                "epochs": len(past.history),
            },
            "Look at the rate first, then at whether one batch can be learned by heart, then at whether the inputs tell"
            " anything of the target.",
            *tries,
        )
