"""The learning rate: held against a range test, and against how far all steps of the training can move weights."""

import math
from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.rate import mean_factor, short_run, warms_up
from nnops.doctor.remedy import other_network, rate


class LearningRate(Check):
    """Too high where a short run at it loses what the range test gains; too low where its steps lead nowhere."""

    name: ClassVar[str] = "learning_rate"
    about: ClassVar[str] = "a rate outside the range where the loss falls"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "learning"
    reach: float = 2.0

    def look(self, case: Case) -> list[Finding]:
        """One finding, with the rate that is suggested."""
        found = case.rates
        if found.falls is None:
            return [self._nowhere(case)]
        assert found.suggested is not None
        steps = min(60, case.most_steps)
        run = short_run(case, case.lr, steps)
        tail = run[-10:]
        mean = sum(tail) / len(tail)
        evidence = {"rate": case.lr, "suggested": found.suggested, "loss_falls_from": found.falls}
        high = found.breaks is not None and case.lr >= found.breaks
        peak = max(run) if math.isfinite(mean) else math.inf
        lost = not math.isfinite(mean) or mean > 1.5 * found.start or (high and mean > found.start - found.gain / 2)
        # A schedule that warms up is slower at it than a few steps: what comes back is borne.
        jumps = high and peak > 3 * found.start and not warms_up(case)
        if lost or jumps:
            said = "is not finite" if not math.isfinite(mean) else f"goes from {found.start:.3g} to {mean:.3g}"
            over = f", with {peak:.3g} on the way" if math.isfinite(peak) and peak > 1.5 * mean else ""
            return [
                self.found(
                    case,
                    "error" if lost or peak > 30 * found.start else "warning",
                    f"The rate {case.lr:g} is too high: in {len(run)} steps the loss {said}{over}.",
                    evidence
                    | {"before": found.start, "after": mean, "highest": peak, "breaks_at": found.breaks or math.inf},
                    f"Take a rate near {found.suggested:g}; clipping the gradient's norm helps against single jumps.",
                    rate(found.suggested),
                )
            ]
        moves = case.steps * case.lr * mean_factor(case)
        if moves >= self.reach * found.moved:
            return []
        part = moves / found.moved
        return [
            self.found(
                case,
                "error" if part < self.reach / 5 else "warning",
                f"The rate {case.lr:g} is too low: {case.steps} steps together move weights {part:.2g} times as far as"
                " the range test had when the loss only began to fall.",
                evidence | {"steps": case.steps, "moves": moves, "moved_when_it_fell": found.moved},
                f"Take a rate near {found.suggested:g}, or train for more epochs.",
                rate(max(found.suggested, 3 * case.lr)),
                {"train.epochs": math.ceil(case.params.train.epochs * 4 / max(part, 1e-3))},
            )
        ]

    def _nowhere(self, case: Case) -> Finding:
        found = case.rates
        return self.found(
            case,
            "error",
            f"No rate from {found.rates[0]:.0e} to {found.rates[-1]:.0e} makes the loss fall in {len(found.rates)}"
            " steps.",
            {"loss_before": found.start, "lowest": min(found.smooth), "steps": len(found.rates), "rows": found.rows},
            "Something other than the rate keeps the network from learning: look at the other findings, and at whether"
            " the inputs tell anything of the target.",
            *([{"data.scaling": "standard"}] if case.params.data.scaling == "none" else []),
            other_network(case.spec),
            rate(case.lr * 3),
        )
