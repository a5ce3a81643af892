"""A training that ended while it was still getting better."""

from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.judged import known_loss
from nnops.doctor.past import Past


class StoppedEarly(Check):
    """How far val fell over the last fifth of the epochs, as a part of what was learned in all."""

    name: ClassVar[str] = "stopped_early"
    about: ClassVar[str] = "a training that ended while val was still falling"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "training"
    part: float = 0.08

    def look(self, case: Case) -> list[Finding]:
        """One finding a training that is over."""
        return [found for past in case.pasts if (found := self._judge(case, past)) is not None]

    def _judge(self, case: Case, past: Past) -> Finding | None:
        losses, known = past.column("val_loss"), known_loss(case, "val")
        span = max(1, len(losses) // 5)
        if past.ended != "complete" or past.best <= len(losses) - span or len(losses) < 2:
            return None
        before = min(losses[:-span])
        fell = before - min(losses[-span:])
        learned = max(known, losses[0]) - min(losses)
        if learned < 0.03 * known or fell < self.part * learned or fell < 0.01 * known:
            return None
        return self.found(
            case,
            "warning",
            f"The training ended while val was still falling: from {before:.3g} to {losses[-1]:.3g} over the"
            f" last {span} of {len(losses)} epochs.",
            {"epochs": len(losses), "val_before": before, "val_last": losses[-1], "part": fell / learned},
            "Train for more epochs; early stopping ends it where nothing is gained.",
            {"train.epochs": 3 * case.params.train.epochs},
        )
