"""Mirror images."""

from typing import Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows


class Flip(Augmentation):
    """Mirrors each image, and its mask, left to right, and top to bottom, each with a probability of its own."""

    horizontal: float = Field(default=0.5, ge=0, le=1, description="Probability of left and right changing places")
    vertical: float = Field(default=0.0, ge=0, le=1, description="Probability of top and bottom changing places")

    @classmethod
    def examples(cls) -> list[Self]:
        """Left to right, and both."""
        return [cls(), cls(horizontal=0.5, vertical=0.5)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        for axis, probability in ((3, self.horizontal), (2, self.vertical)):
            if probability:
                flipped_B = torch.rand(len(image_BCHW), generator=generator) < probability
                flipped_B111 = flipped_B.view(-1, 1, 1, 1).to(image_BCHW.device)
                image_BCHW = torch.where(flipped_B111, image_BCHW.flip(axis), image_BCHW)
                if about.spec.task == "segmentation":
                    target_B = torch.where(flipped_B111[:, 0], target_B.flip(axis - 1), target_B)
        return (image_BCHW,), target_B
