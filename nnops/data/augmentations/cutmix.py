"""CutMix: a rectangle of each image replaced by that of another one."""

import math
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.augmentations.mixing import TASKS, draw_partners, draw_share, mix_target


class CutMix(Augmentation):
    """x = M x_i + (1 - M) x_j and y = l y_i + (1 - l) y_j, M being 0 in a rectangle of 1 - l of the image.

    Yun et al. 2019, "CutMix: Regularization strategy to train strong classifiers with localizable features",
    section 3.1: l is drawn from Beta(alpha, alpha), one for a batch; where the rectangle reaches beyond the image, l is
    what is left of it.
    """

    tasks: ClassVar[tuple[str, ...]] = TASKS

    alpha: float = Field(default=1.0, gt=0)
    probability: float = Field(default=1.0, gt=0, le=1, description="Of a batch to be mixed at all")

    @classmethod
    def examples(cls) -> list[Self]:
        """Always, and half the time."""
        return [cls(), cls(alpha=0.5, probability=0.5)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        rows, _, height, width = image_BCHW.shape
        hit = float(torch.rand((), generator=generator)) < self.probability
        # Eq. 2: the rectangle has the image's form and 1 - l of its area.
        side = math.sqrt(1 - draw_share(self.alpha, generator))
        top, bottom = _span(height, side, generator)
        left, right = _span(width, side, generator)
        partner_B = draw_partners(rows, generator, target_B.device)
        if not hit:
            return inputs, target_B
        mixed = image_BCHW.clone()
        mixed[:, :, top:bottom, left:right] = image_BCHW[partner_B, :, top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / (height * width)
        return (mixed,), mix_target(target_B, partner_B, share, about.spec.outputs)


def _span(length: int, side: float, generator: Generator) -> tuple[int, int]:
    """First and last-plus-one pixel of ``side`` of a length about a random middle, kept within it."""
    middle = int(torch.randint(0, length, (), generator=generator))
    half = int(length * side) // 2
    return max(middle - half, 0), min(middle + half, length)
