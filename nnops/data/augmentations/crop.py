"""Crop with padding: images moved by a few pixels."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from nnops.batch import Spec
from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.augmentations.mixing import TASKS


class Crop(Augmentation):
    """Pads each image and cuts its own size out at a random place (He et al. 2016, section 4.2).

    What is added repeats the edge, so that no border appears that real images do not have.
    """

    tasks: ClassVar[tuple[str, ...]] = TASKS

    padding: int = Field(default=2, ge=1, description="Pixels added at each side")

    @classmethod
    def examples(cls) -> list[Self]:
        """One pixel, and two."""
        return [cls(padding=1), cls(padding=2)]

    def check(self, spec: Spec) -> str:
        """See :class:`Augmentation`."""
        side = min(spec.shapes[0][1:])
        if self.padding < side:
            return ""
        return f"padding must be below {side}, the shorter side of the images, got {self.padding}."

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        rows, channels, height, width = image_BCHW.shape
        place_2B = torch.randint(0, 2 * self.padding + 1, (2, rows), generator=generator)
        top_B, left_B = place_2B.to(image_BCHW.device)
        padded = F.pad(image_BCHW, (self.padding,) * 4, mode="replicate")
        device = image_BCHW.device
        return (
            padded[
                torch.arange(rows, device=device).view(-1, 1, 1, 1),
                torch.arange(channels, device=device).view(1, -1, 1, 1),
                top_B.view(-1, 1, 1, 1) + torch.arange(height, device=device).view(1, 1, -1, 1),
                left_B.view(-1, 1, 1, 1) + torch.arange(width, device=device).view(1, 1, 1, -1),
            ],
        ), target_B
