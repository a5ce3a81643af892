"""Sounds as a model sees them: one rate, one channel, one length, and of that a log-mel spectrogram.

A spectrogram is kept as the 256 levels of a grey image, so all that takes images takes it: level 0 is ``range_db``
below the loudest (or below a full-scale sine) and less, 255 is the loudest; with 80 dB a level is 0.31 dB.

Legend of shape suffixes: N sounds, T samples, F frames, M mel bands, K frequencies.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from nnops.data.mel import filters, transform_size

if TYPE_CHECKING:
    from scipy import sparse

#: Bytes of spectra that are held at once.
HELD_BYTES = 64 << 20


@dataclass(frozen=True)
class Sound:
    """How a waveform becomes a spectrogram; settled once, the same in training and in answers.

    Attributes:
        rate: Samples a second.
        samples: T, the length of every sound.
        mels: M, bands.
        window: Samples of a window (periodic Hann).
        hop: Samples from one window to the next; the last window ends within the sound.
        range_db: Decibels from level 0 to level 255.
        reference: What level 255 is: the loudest cell of the sound, or a sine of full scale in the middle of a band.
        silent: Whether a silent sound is refused or kept, as level 0 throughout.
    """

    rate: int
    samples: int
    mels: int
    window: int
    hop: int
    range_db: float
    reference: Literal["peak", "full_scale"]
    silent: Literal["keep", "refuse"]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**record)

    @property
    def frames(self) -> int:
        """F, windows of a sound."""
        return 1 + (self.samples - self.window) // self.hop

    @property
    def seconds(self) -> float:
        """The length of every sound."""
        return self.samples / self.rate

    @cached_property
    def _transform(self) -> "tuple[int, np.ndarray, sparse.csr_array]":
        """The size of the Fourier transform, the window and the filters."""
        from scipy import sparse

        size = transform_size(self.rate, self.mels, self.window)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window) / self.window)
        return size, hann, sparse.csr_array(filters(self.rate, self.mels, size))

    def power(self, wave_NT: np.ndarray) -> np.ndarray:
        """Power in each band and frame, float64 ``[N, M, F]``; a sine of full scale at a band's middle is 1.

        The sum over the band's frequencies of |X_k|^2, X being the Fourier transform of a window, over (sum w / 2)^2.
        """
        size, hann, weight_MK = self._transform
        found = np.empty((len(wave_NT), self.mels, self.frames))
        many = max(1, HELD_BYTES // (16 * size * self.frames))
        for start in range(0, len(wave_NT), many):
            part = wave_NT[start : start + many].astype(np.float64)
            framed_NFW = np.lib.stride_tricks.sliding_window_view(part, self.window, axis=1)[:, :: self.hop]
            spectrum_NFK = np.fft.rfft(framed_NFW * hann, size, axis=2)
            power_RK = (spectrum_NFK.real**2 + spectrum_NFK.imag**2).reshape(-1, size // 2 + 1)
            # A sparse product adds up in one order on one thread, so that bits repeat.
            band_MR = weight_MK @ np.ascontiguousarray(power_RK.T)
            found[start : start + many] = band_MR.reshape(self.mels, len(part), self.frames).transpose(1, 0, 2)
        return found / (hann.sum() / 2) ** 2

    def levels(self, power_NMF: np.ndarray) -> np.ndarray:
        """Power as levels, uint8 ``[N, 1, M, F]``."""
        top = power_NMF.max((1, 2), keepdims=True) if self.reference == "peak" else 1.0
        least = 10.0 ** (-self.range_db / 10)
        share = np.divide(power_NMF, top, out=np.zeros_like(power_NMF), where=np.broadcast_to(top, power_NMF.shape) > 0)
        decibel = 10.0 * np.log10(np.clip(share, least, 1.0))
        return np.round(255.0 * (1.0 + decibel / self.range_db)).astype(np.uint8)[:, None]

    def spectrogram(self, wave_NT: np.ndarray) -> np.ndarray:
        """Waveforms as levels, uint8 ``[N, 1, M, F]``, the lowest band first."""
        return self.levels(self.power(wave_NT))
