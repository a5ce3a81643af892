"""Cut-out: a square of each image blanked."""

from typing import Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows


class CutOut(Augmentation):
    """Blanks a square about a random pixel of each image (DeVries and Taylor 2017, section 3.2).

    Its side is a share of the image's shorter one; what lies beyond the edge is lost, so less may be blanked. Blank is
    0 after scaling, the mean of the train split where scaling is standard.
    """

    share: float = Field(default=0.5, gt=0, le=1, description="Side of the square in sides of the image")
    probability: float = Field(default=1.0, gt=0, le=1, description="Of an image to lose a square at all")

    @classmethod
    def examples(cls) -> list[Self]:
        """Always, and half the time."""
        return [cls(), cls(share=0.25, probability=0.5)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        rows, _, height, width = image_BCHW.shape
        side = max(1, round(self.share * min(height, width)))
        inside_BH = _stretch(height, side, rows, generator)
        inside_BW = _stretch(width, side, rows, generator)
        hit_B = torch.rand(rows, generator=generator) < self.probability
        blank_B1HW = inside_BH[:, None, :, None] & inside_BW[:, None, None, :] & hit_B.view(-1, 1, 1, 1)
        return (image_BCHW.masked_fill(blank_B1HW.to(image_BCHW.device), 0.0),), target_B


def _stretch(length: int, side: int, rows: int, generator: Generator) -> Tensor:
    """Which pixels of a side lie within ``side`` pixels about a random one; bool [B, length]."""
    start_B1 = torch.randint(0, length, (rows, 1), generator=generator) - side // 2
    place = torch.arange(length)
    return (place >= start_B1) & (place < start_B1 + side)
