"""Colour jitter: brightness, contrast and saturation of each image changed."""

from typing import Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.batch import Spec
from nnops.data.augmentations.base import About, Augmentation, Rows

#: Shares of red, green and blue in the brightness that is seen (ITU-R BT.601).
GREY = (0.299, 0.587, 0.114)


class ColourJitter(Augmentation):
    """Multiplies brightness, contrast and saturation of each image by factors drawn evenly from [1 - s, 1 + s].

    In this order, on pixels from 0 to 1: brightness scales the image, contrast its distance from its mean grey,
    saturation each pixel's distance from its own grey.
    """

    brightness: float = Field(default=0.2, ge=0, le=1)
    contrast: float = Field(default=0.2, ge=0, le=1)
    saturation: float = Field(default=0.0, ge=0, le=1, description="Of images with three channels")

    @classmethod
    def examples(cls) -> list[Self]:
        """For any image."""
        return [cls(), cls(brightness=0.4, contrast=0.4)]

    def check(self, spec: Spec) -> str:
        """See :class:`Augmentation`."""
        channels = spec.shapes[0][0]
        if not self.saturation or channels == len(GREY):
            return ""
        return f"saturation must be 0 for images of {channels} channels, since only three are colours."

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        mean = torch.tensor(about.mean, device=image_BCHW.device).view(1, -1, 1, 1)
        std = torch.tensor(about.std, device=image_BCHW.device).view(1, -1, 1, 1)
        pixel = image_BCHW * std + mean

        def draw(strength: float) -> Tensor:
            factor_B = 1 + strength * (2 * torch.rand(len(image_BCHW), generator=generator) - 1)
            return factor_B.view(-1, 1, 1, 1).to(image_BCHW.device)

        if self.brightness:
            pixel = (pixel * draw(self.brightness)).clamp(0, 1)
        if self.contrast:
            middle = _grey(pixel).mean((1, 2, 3), keepdim=True)
            pixel = torch.lerp(middle, pixel, draw(self.contrast)).clamp(0, 1)
        if self.saturation:
            pixel = torch.lerp(_grey(pixel), pixel, draw(self.saturation)).clamp(0, 1)
        return ((pixel - mean) / std,), target_B


def _grey(pixel_BCHW: Tensor) -> Tensor:
    if pixel_BCHW.shape[1] != len(GREY):
        return pixel_BCHW.mean(1, keepdim=True)
    shares = torch.tensor(GREY, device=pixel_BCHW.device).view(1, -1, 1, 1)
    return (pixel_BCHW * shares).sum(1, keepdim=True)
