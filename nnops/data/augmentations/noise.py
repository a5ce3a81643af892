"""Noise: white noise added to sounds."""

from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows


class Noise(Augmentation):
    """White noise at a ratio of signal to noise that is drawn evenly, in decibels, for each sound.

    The noise is drawn as a waveform and its spectrogram is added to the sound's, power to power; what both have in
    common, zero on average, is left out. The ratio is that of their mean powers over all cells.
    """

    of_sound: ClassVar[bool] = True

    low_db: float = Field(default=10.0, ge=-40, le=100, description="Loudest noise: signal to noise in decibels")
    high_db: float = Field(default=40.0, ge=-40, le=100, description="Softest noise")
    probability: float = Field(default=1.0, gt=0, le=1, description="Of a sound to get noise at all")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low_db > self.high_db:
            raise ValueError(f"low_db must be at most high_db, got {self.low_db:g} and {self.high_db:g}.")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        """From loud to soft, and half the time."""
        return [cls(), cls(low_db=0, high_db=20, probability=0.5)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        sound, rows, device = about.sound, len(image_BCHW), image_BCHW.device
        assert sound is not None
        hit_B = torch.rand(rows, generator=generator) < self.probability
        ratio_B = self.low_db + (self.high_db - self.low_db) * torch.rand(rows, generator=generator)
        wave_BT = torch.randn(rows, sound.samples, generator=generator)
        noise_BCHW = torch.from_numpy(sound.power(wave_BT.numpy()).astype(np.float32))[:, None].to(device)

        # Level 255 is power 1; level 0 is all below the range, taken as nothing.
        level = (image_BCHW * about.std[0] + about.mean[0]).clamp(0, 1)
        power = torch.where(level > 0, 10 ** ((level - 1) * (sound.range_db / 10)), 0.0)
        aim_B = power.mean((1, 2, 3)) / 10 ** (ratio_B.to(device) / 10)
        scale_B = aim_B / noise_BCHW.mean((1, 2, 3))
        noisy = power + scale_B.view(-1, 1, 1, 1) * noise_BCHW
        if sound.reference == "peak":
            # The loudest cell stays level 255, as it does for a sound that was recorded with its noise.
            noisy = noisy / noisy.amax((1, 2, 3), keepdim=True).clamp_min(1e-30)
        decibel = 10 * torch.log10(noisy.clamp(10 ** (-sound.range_db / 10), 1))
        changed = (1 + decibel / sound.range_db - about.mean[0]) / about.std[0]
        heard_B = (power.amax((1, 2, 3)) > 0) & hit_B.to(device)
        return (torch.where(heard_B.view(-1, 1, 1, 1), changed, image_BCHW),), target_B
