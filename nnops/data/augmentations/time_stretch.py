"""Time stretch: sounds played faster or slower, their pitch kept."""

import math
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.augmentations.spectrogram import silence, take


class TimeStretch(Augmentation):
    """Frame t of the answer is read at the time t * r of the spectrogram, linearly between its frames.

    r is drawn from [1 / (1 + amount), 1 + amount], its logarithm evenly. A slower sound is cut to the same length, and
    a faster one ends in silence.
    """

    of_sound: ClassVar[bool] = True

    amount: float = Field(default=0.2, gt=0, le=1, description="0.2 is up to 20 % faster or slower")

    @classmethod
    def examples(cls) -> list[Self]:
        """A little, and up to twice as fast."""
        return [cls(), cls(amount=1.0)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        even_B = 2 * torch.rand(len(image_BCHW), generator=generator) - 1
        rate_B = (even_B * math.log(1 + self.amount)).exp().to(image_BCHW.device)
        frame_F = torch.arange(image_BCHW.shape[3], device=image_BCHW.device)
        return (take(image_BCHW, rate_B[:, None] * frame_F, 3, silence(about, image_BCHW.device)),), target_B
