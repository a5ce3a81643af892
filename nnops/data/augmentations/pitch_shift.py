"""Pitch shift: sounds higher or lower, their time kept."""

import math
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.augmentations.spectrogram import silence, take


class PitchShift(Augmentation):
    """Every frequency is multiplied by 2^(n / 12), n semitones being drawn evenly for each sound.

    The band of the frequency f is read at that of f / 2^(n / 12), linearly between bands (:mod:`nnops.data.mel`); what
    comes from beyond half of the rate is silence.
    """

    of_sound: ClassVar[bool] = True

    semitones: float = Field(default=2.0, gt=0, le=12, description="Most to either side; 12 are an octave")

    @classmethod
    def examples(cls) -> list[Self]:
        """Two semitones, and an octave."""
        return [cls(), cls(semitones=12)]

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (image_BCHW,) = inputs
        assert about.sound is not None
        semitone_B = self.semitones * (2 * torch.rand(len(image_BCHW), generator=generator) - 1)
        place_BM = _places(semitone_B, about.sound.rate, image_BCHW.shape[2]).to(image_BCHW.device)
        return (take(image_BCHW, place_BM, 2, silence(about, image_BCHW.device)),), target_B


def _places(semitone_B: Tensor, rate: int, mels: int) -> Tensor:
    """Where each band is read, float32 ``[B, M]``: the mel scale of :mod:`nnops.data.mel`, in bands."""
    step = math.log10(1 + rate / 2 / 700) / (mels + 1)  # of log10(1 + f / 700), from one band's middle to the next
    hz_M = 700 * (10 ** (step * torch.arange(1, mels + 1, dtype=torch.float64)) - 1)
    source_BM = hz_M / 2 ** (semitone_B.double()[:, None] / 12)
    return (torch.log10(1 + source_BM / 700) / step - 1).float()
