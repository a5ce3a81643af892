"""A loss that has stopped falling where another rate would go on."""

import math
from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.judged import known_loss
from nnops.doctor.past import Past
from nnops.doctor.remedy import Sets, rate


class Plateau(Check):
    """A flat end of the history, and what some steps at a tenth and at ten times the rate make of the weights."""

    name: ClassVar[str] = "plateau"
    about: ClassVar[str] = "a loss that stands still where another rate would go on"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "training"
    flat: float = 0.03
    high: float = 0.2
    gain: float = 0.12

    def look(self, case: Case) -> list[Finding]:
        """One finding a training."""
        return [found for past in case.pasts if (found := self._judge(case, past)) is not None]

    def _judge(self, case: Case, past: Past) -> Finding | None:
        losses, known = past.column("train_loss"), known_loss(case, "train")
        span = max(3, len(losses) // 3)
        if len(losses) < 2 * span or past.module is None or losses[-1] < self.high * known:
            return None
        early, late = sum(losses[-span:][: span // 2 + 1]), sum(losses[-(span // 2 + 1) :])
        fell = (early - late) / (span // 2 + 1)
        now = past.history[-1].get("lr", case.lr)
        if abs(fell) > self.flat * known or losses[-1] > 0.97 * known or now < 0.05 * case.lr:
            return None
        there, seen = self._after(case, past, now)
        tried = {one: self._after(case, past, one) for one in (now / 10, now * 10)}
        best = min(tried, key=lambda one: tried[one][1])
        then, then_seen = tried[best]
        # Rows that are learned by heart faster are no gain: val has to fall as well.
        if not (there - then > self.gain * there and seen - then_seen > self.gain / 2 * seen):
            return None
        way = "high" if best < now else "low"
        tries: list[Sets] = []
        if way == "high" and case.params.train.schedule.name == "constant":
            tries.append({"train.schedule.name": "cosine"})
        return self.found(
            case,
            "warning",
            f"The loss stands still at {losses[-1]:.3g} over the last {span} epochs because the rate {now:g} is too"
            f" {way}: some steps at {best:g} bring it from {there:.3g} to {then:.3g}.",
            {
                "train_loss": losses[-1],
                "epochs": span,
                "rate": now,
                "tried": best,
                "loss_then": then,
                "val_then": then_seen,
            },
            "Let the rate fall on the way." if way == "high" else "Take a higher rate.",
            *tries,
            rate(case.lr * (0.3 if way == "high" else 5)),
        )

    def _after(self, case: Case, past: Past, rate: float) -> tuple[float, float]:
        """The losses on rows of train and of val after some steps from the trained weights."""
        assert past.module is not None
        step = case.fresh()
        step.model.load_state_dict(past.module.state_dict())
        for place in range(case.most_steps):
            inputs, target_B = case.batch(place)
            if not math.isfinite(float(step.train(inputs, target_B, rate))):
                return math.inf, math.inf
        rows = min(1024, 16 * case.rows)
        losses = [
            float(step.loss(step.predict(tuple(tensor[:rows] for tensor in split.inputs)), split.target[:rows]))
            for split in (case.train, case.val)
        ]
        return losses[0], losses[1]
