"""The loss of an untrained network, beside that of an answer that knows nothing."""

import math
from typing import ClassVar, Literal

import torch

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.guess import zero_loss
from nnops.doctor.remedy import other_network, plain_network


class InitialLoss(Check):
    """A cross entropy of C classes should begin near ln C, a scaled regression near the variance, 1."""

    name: ClassVar[str] = "initial_loss"
    about: ClassVar[str] = "a first loss far above that of knowing nothing"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"
    most: float = 3.0

    @torch.no_grad()
    def look(self, case: Case) -> list[Finding]:
        """One finding."""
        inputs, target_B = case.batch(0)
        # With the statistics of the batch, as a training takes its first step.
        output = case.network.train()(*inputs)
        case.network.eval()
        if tuple(output.shape) != (len(target_B), *case.spec.answer):
            return []
        first, known = float(case.loss(output, target_B)), zero_loss(case.spec, case.loss, target_B)
        if math.isfinite(first) and first <= self.most * known:
            return []
        size = float(output.abs().mean())
        severity = "error" if not math.isfinite(first) or first > 100 * known else "warning"
        of = f"ln {case.spec.outputs}" if case.spec.task in ("multiclass", "segmentation") else "knowing nothing"
        evidence = {"first_loss": first, "expected": known, "mean_output": size}
        return [
            self.found(
                case,
                severity,
                f"The first loss is {first:.3g}, and {of} would give {known:.3g}: the network begins sure of what it"
                " does not know.",
                evidence,
                "Scale the inputs, or begin with smaller weights in the last layer; else the first epochs go into"
                " unlearning them.",
                *([{"data.scaling": "standard"}] if case.params.data.scaling == "none" else []),
                {"model.options.norm": "layer"},
                {"model.options.norm": "batch"},
                {"model.options.initialisation": "xavier"},
                plain_network(case.spec),
                other_network(case.spec),
            )
        ]
