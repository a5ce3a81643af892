"""Mixing of rows: partners, shares, and targets between two rows."""

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

#: Tasks whose targets lie between those of two rows.
TASKS = ("binary", "multiclass", "multilabel", "regression")


def draw_share(alpha: float, generator: Generator) -> float:
    """A share in [0, 1] from Beta(alpha, alpha)."""
    # torch's own Beta takes no generator.
    seed = int(torch.randint(0, 2**62, (), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def draw_partners(rows: int, generator: Generator, device: torch.device) -> Tensor:
    """A partner for each row, int64 [B]: the rows in another order."""
    return torch.randperm(rows, generator=generator).to(device)


def mix_target(target_B: Tensor, partner_B: Tensor, share: float, classes: int) -> Tensor:
    """``share`` of each target and the rest of its partner's; codes of classes become shares ``[B, C]``."""
    if target_B.dtype == torch.int64:
        target_B = F.one_hot(target_B, classes).float()
    return share * target_B + (1 - share) * target_B[partner_B]
