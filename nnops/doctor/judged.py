"""What a training is held against."""

from typing import Literal

import torch

from nnops.doctor.case import Case
from nnops.doctor.guess import constant_loss, zero_loss


def known_loss(case: Case, split: Literal["train", "val"]) -> float:
    """The loss on a split of the best constant answer, known from train."""
    known = torch.from_numpy(case.data.arrays("train")["target"].copy()) if not case.spec.series else case.train.target
    target = case.train.target if split == "train" else case.val.target
    known = known.long() if case.spec.task == "segmentation" else known
    if case.params.train.sampler == "weighted":
        # Rows that are drawn by class make an answer that fits them, not the shares of classes.
        return zero_loss(case.spec, case.loss, target)
    return max(constant_loss(case.spec, case.loss, known.to(target.device), target), 1e-9)
