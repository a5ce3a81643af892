"""Damage of pictures, on pixels from 0 to 1; strengths after Hendrycks and Dietterich 2019."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nnops.batch import TOKENS, Task
from nnops.evaluation.corruptions.base import Corruption, Ground, Inputs
from nnops.evaluation.corruptions.noise import clip_pixels


class _Picture(Corruption):
    """Changes pixels; black and white are as far as they go."""

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    of_sound: ClassVar[bool] = False

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        mean, std = (torch.tensor(part).view(-1, 1, 1) for part in (ground.mean, ground.std))
        pixel = torch.from_numpy(inputs[0]) * std + mean
        changed = (self.change(pixel, severity - 1, generator) - mean) / std
        return (clip_pixels(changed.numpy(), ground),)

    @abstractmethod
    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """Other pixels, level 0 being the mildest."""


class Brightness(_Picture):
    """All pixels lighter by as much."""

    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """See :class:`Corruption`."""
        return pixel_BCHW + (0.1, 0.2, 0.3, 0.4, 0.5)[level]


class Contrast(_Picture):
    """Pixels nearer to the picture's mean."""

    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """See :class:`Corruption`."""
        middle = pixel_BCHW.mean((2, 3), keepdim=True)
        return middle + (0.75, 0.5, 0.4, 0.3, 0.15)[level] * (pixel_BCHW - middle)


class GaussianBlur(_Picture):
    """Out of focus: a Gaussian whose width is that of a picture of 32 pixels, scaled, but never without effect."""

    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """See :class:`Corruption`."""
        channels, height, width = pixel_BCHW.shape[1:]
        sigma = max(0.35 + 0.1 * level, (0.6, 0.8, 1.1, 1.5, 2.0)[level] * max(height, width) / 32)
        radius = min(max(1, round(3 * sigma)), height - 1, width - 1)
        place = torch.arange(-radius, radius + 1, dtype=torch.float32)
        weight = torch.exp(-(place**2) / (2 * sigma**2))
        weight = (weight / weight.sum()).expand(channels, 1, -1)
        wide = functional.pad(pixel_BCHW, (radius,) * 4, mode="reflect")
        across = functional.conv2d(wide, weight[:, :, None], groups=channels)
        return functional.conv2d(across, weight[:, :, :, None], groups=channels)


class Occlusion(_Picture):
    """Something stands before a part of the picture: a square of the mean's colour."""

    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """See :class:`Corruption`."""
        rows, _, height, width = pixel_BCHW.shape
        side = max(1, round(((0.04, 0.08, 0.15, 0.25, 0.35)[level] * height * width) ** 0.5))
        tall, wide = min(side, height), min(side, width)
        top = torch.from_numpy(generator.integers(0, height - tall + 1, rows)).view(-1, 1, 1)
        left = torch.from_numpy(generator.integers(0, width - wide + 1, rows)).view(-1, 1, 1)
        y, x = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
        hidden = (y >= top) & (y < top + tall) & (x >= left) & (x < left + wide)
        return torch.where(hidden[:, None], pixel_BCHW.mean((0, 2, 3)).view(1, -1, 1, 1), pixel_BCHW)


class Pixelate(_Picture):
    """Taken with fewer pixels."""

    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """See :class:`Corruption`."""
        height, width = pixel_BCHW.shape[2:]
        kept = (0.8, 0.7, 0.6, 0.5, 0.35)[level]
        small = functional.adaptive_avg_pool2d(pixel_BCHW, (max(1, round(height * kept)), max(1, round(width * kept))))
        return functional.interpolate(small, (height, width), mode="nearest")


class Rotation(_Picture):
    """Turned to either side."""

    unfit: ClassVar[tuple[Task, ...]] = (*TOKENS, "segmentation")

    def change(self, pixel_BCHW: Tensor, level: int, generator: np.random.Generator) -> Tensor:
        """See :class:`Corruption`."""
        side = torch.from_numpy(generator.choice([-1.0, 1.0], len(pixel_BCHW))).float()
        angle = torch.deg2rad((5.0, 10.0, 15.0, 22.0, 30.0)[level] * side)
        height, width = pixel_BCHW.shape[2:]
        nothing = torch.zeros_like(angle)
        turn_B23 = torch.stack(
            [
                torch.stack([angle.cos(), -angle.sin() * height / width, nothing], 1),
                torch.stack([angle.sin() * width / height, angle.cos(), nothing], 1),
            ],
            1,
        )
        grid = functional.affine_grid(turn_B23, list(pixel_BCHW.shape), align_corners=False)
        return functional.grid_sample(pixel_BCHW, grid, padding_mode="border", align_corners=False)
