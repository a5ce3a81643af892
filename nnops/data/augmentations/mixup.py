"""Mixup: rows between two rows."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.augmentations.mixing import TASKS, draw_partners, draw_share, mix_target


class Mixup(Augmentation):
    """x = l x_i + (1 - l) x_j and y = l y_i + (1 - l) y_j with l from Beta(alpha, alpha), one l for a batch.

    Zhang, Cisse, Dauphin and Lopez-Paz 2018, "mixup: Beyond empirical risk minimization", section 2.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image", "numeric", "series")
    tasks: ClassVar[tuple[str, ...]] = TASKS

    alpha: float = Field(default=0.2, gt=0, description="Small: l is near 0 or 1; at 1 it is drawn evenly")
    probability: float = Field(default=1.0, gt=0, le=1, description="Of a batch to be mixed at all")

    @classmethod
    def examples(cls) -> list[Self]:
        """Always, and half the time."""
        return [cls(), cls(alpha=1.0, probability=0.5)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        rows = len(target_B)
        hit = float(torch.rand((), generator=generator)) < self.probability
        share = draw_share(self.alpha, generator)
        partner_B = draw_partners(rows, generator, target_B.device)
        if not hit:
            return inputs, target_B
        mixed = tuple(torch.lerp(tensor[partner_B], tensor, share) for tensor in inputs)
        return mixed, mix_target(target_B, partner_B, share, about.spec.outputs)
