"""A shortcut: one input that tells the class alone, such as a mark in a corner of the pictures."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.remedy import other_network

#: Levels that an input is told apart in.
LEVELS = 32


class Shortcut(Check):
    """A pixel or number whose level alone gives the class of nearly every row; columns of tables are leakage."""

    name: ClassVar[str] = "shortcut"
    about: ClassVar[str] = "a single pixel or number that gives the class away"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    right: float = 0.98
    fewest: int = 50

    def look(self, case: Case) -> list[Finding]:
        """One finding, for the input that tells most."""
        spec = case.spec
        if spec.task not in ("binary", "multiclass") or spec.inputs != ("image",):
            return []
        code_N = case.train.target.long()
        most = int(torch.bincount(code_N).max())
        if len(code_N) - most < self.fewest:
            return []
        values_NF = case.train.inputs[0].flatten(1)
        told_F = _told(values_NF, code_N)
        share, place = told_F.max(0)
        # Of what the most frequent class gets wrong, this share must come right.
        if float(share) * len(code_N) - most < self.right * (len(code_N) - most):
            return []
        _, height, width = spec.shapes[0]
        channel, rest = divmod(int(place), height * width)
        row, column = divmod(rest, width)
        return [
            self.found(
                case,
                "error",
                f"One pixel (channel {channel + 1}, row {row + 1}, column {column + 1}) tells the class of"
                f" {float(share):.1%} of train: a mark that other pictures will lack.",
                {"rows": len(code_N), "told": float(share), "most_frequent": most / len(code_N)},
                "Look for a mark, border or stamp that differs by class and remove it from the pictures; cutting out"
                " patches while training keeps a network from leaning on one place.",
                {"train.augment": [{"name": "cut_out"}]},
                {"train.augment": [{"name": "crop"}]},
                other_network(spec),
            )
        ]


def _told(values_NF: Tensor, code_N: Tensor) -> Tensor:
    """For each input, the share of rows that have the most frequent class of their level."""
    low_F, high_F = values_NF.amin(0), values_NF.amax(0)
    level_NF = ((values_NF - low_F) / (high_F - low_F).clamp_min(1e-12) * (LEVELS - 1)).round().long()
    classes, features = int(code_N.max()) + 1, values_NF.shape[1]
    told: list[Tensor] = []
    for start in range(0, features, 256):
        part_NF = level_NF[:, start : start + 256]
        width = part_NF.shape[1]
        cell_NF = (torch.arange(width, device=part_NF.device) * LEVELS + part_NF) * classes + code_N[:, None]
        count = torch.bincount(cell_NF.flatten(), minlength=width * LEVELS * classes).view(width, LEVELS, classes)
        told.append(count.amax(2).sum(1) / len(code_N))
    return torch.cat(told)
