"""Turn images about their middle."""

import math
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.augmentations.mixing import TASKS


class Rotation(Augmentation):
    """Turns each image by an angle drawn evenly; bilinear between pixels, and beyond the edge the edge is repeated."""

    tasks: ClassVar[tuple[str, ...]] = TASKS

    degrees: float = Field(default=10.0, gt=0, le=180, description="Largest angle to either side")

    @classmethod
    def examples(cls) -> list[Self]:
        """A little, and any angle."""
        return [cls(degrees=5), cls(degrees=180)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        angle_B = (2 * torch.rand(len(image_BCHW), generator=generator) - 1) * math.radians(self.degrees)
        return (rotate(image_BCHW, angle_B.to(image_BCHW.device)),), target_B


def rotate(image_BCHW: Tensor, angle_B: Tensor) -> Tensor:
    """Images turned by angles in radians, counterclockwise as they are looked at."""
    height, width = image_BCHW.shape[2:]
    cos_B, sin_B, zero_B = angle_B.cos(), angle_B.sin(), torch.zeros_like(angle_B)
    # Where each pixel comes from, in halves of the sides: an image that is no square must not be sheared.
    theta_B23 = torch.stack(
        [
            torch.stack([cos_B, -sin_B * (height / width), zero_B], 1),
            torch.stack([sin_B * (width / height), cos_B, zero_B], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta_B23, list(image_BCHW.shape), align_corners=False)
    return F.grid_sample(image_BCHW, grid, mode="bilinear", padding_mode="border", align_corners=False)
