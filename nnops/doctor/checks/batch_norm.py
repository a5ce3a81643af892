"""Batch normalisation over so few rows that its mean says little."""

from typing import ClassVar, Literal

from torch.nn.modules.batchnorm import _BatchNorm

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class BatchNorm(Check):
    """Rows in a batch, and in the last one of an epoch, where a network normalises over them."""

    name: ClassVar[str] = "batch_norm"
    about: ClassVar[str] = "batch normalisation over few rows"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"
    fewest: int = 8

    def look(self, case: Case) -> list[Finding]:
        """One finding."""
        layers = sum(isinstance(part, _BatchNorm) for part in case.network.modules())
        if not layers or case.batch_size >= self.fewest:
            return []
        return [
            self.found(
                case,
                "warning",
                f"{layers} layers normalise over batches of {case.batch_size} rows, whose mean and deviation are mostly"
                " chance: what is learned differs from what is used.",
                {"layers": layers, "rows": case.batch_size},
                "Take larger batches, or a normalisation within each row.",
                {"train.batch_size": min(32, case.data.rows("train"))},
                {"model.options.norm": "layer"},
            )
        ]
