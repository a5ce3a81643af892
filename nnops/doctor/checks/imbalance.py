"""Classes or labels of which some are rare, and nothing is done about it."""

from typing import ClassVar, Literal

import torch

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.remedy import weighed
from nnops.losses.focal import Focal
from nnops.losses.weights import ClassLoss
from nnops.training.train import build_loss


class Imbalance(Check):
    """The rarest class against the most frequent one, in train; a label against its absence."""

    name: ClassVar[str] = "imbalance"
    about: ClassVar[str] = "rare classes that a loss forgets"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    ratio: float = 10.0

    def look(self, case: Case) -> list[Finding]:
        """One finding, for the rarest class."""
        target = torch.from_numpy(case.data.arrays("train")["target"].copy())
        classes = case.data.classes
        if case.spec.task == "multilabel":
            with_C = target.sum(0)
            rare_C = torch.minimum(with_C, len(target) - with_C)
            place = int(rare_C.argmin())
            least, most = int(rare_C[place]), len(target) - int(rare_C[place])
        elif case.spec.task in ("binary", "multiclass"):
            counts = torch.bincount(target.long(), minlength=len(classes))
            place = int(counts.argmin())
            least, most = int(counts[place]), int(counts.max())
        else:
            return []
        if most <= self.ratio * max(least, 1):
            return []
        name = classes[place] if place < len(classes) else str(place)
        loss = build_loss(case.params, case.spec)
        cared = isinstance(loss, Focal) or (isinstance(loss, ClassLoss) and loss.class_weights is not None)
        if cared or case.params.train.sampler == "weighted":
            return []
        return [
            self.found(
                case,
                "warning",
                f"Class '{name}' has {least} rows in train beside {most} of the most frequent one, and the loss counts"
                " them all alike, so answering without it costs little.",
                {"class": name, "rows": least, "most_frequent": most, "ratio": most / max(least, 1)},
                "Let rare classes count more in the loss, or draw them more often; judge by balanced accuracy, F1 or"
                " PR-AUC, not by accuracy.",
                *weighed(case.params, case.spec),
            )
        ]
