"""The mel scale, and the filters that sum a spectrum over its bands.

Pitch is heard in mel as O'Shaughnessy 1987 ("Speech Communication") and HTK have it::

    m = 2595 log10(1 + f / 700),  f in Hz

Band i of M is a triangle over the frequencies f of the spectrum: 0 at the edge i, 1 at the edge i + 1, 0 at the edge
i + 2, the M + 2 edges lying evenly in mel from 0 Hz to half of the rate.
"""

import math

import numpy as np


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Frequencies in mel.

    >>> hz_to_mel(np.array([0.0, 1000.0])).round(1).tolist()
    [0.0, 1000.0]
    """
    return 2595.0 * np.log10(1.0 + np.asarray(hz, np.float64) / 700.0)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """The inverse of :func:`hz_to_mel`."""
    return 700.0 * (10.0 ** (np.asarray(mel, np.float64) / 2595.0) - 1.0)


def edges(rate: int, mels: int) -> np.ndarray:
    """The edges of the bands in Hz, float64 ``[mels + 2]``; band i has its peak at the edge i + 1."""
    top = float(hz_to_mel(np.array(rate / 2)))
    return mel_to_hz(np.linspace(0.0, top, mels + 2))


def transform_size(rate: int, mels: int, window: int) -> int:
    """Samples of the Fourier transform: a power of two that holds the window and gives each band a frequency.

    Args:
        rate: Samples a second.
        mels: Bands.
        window: Samples of a window; the rest is padded with zeros.
    """
    lowest = float(edges(rate, mels)[2])  # the width of the lowest band, which is the narrowest
    least = max(window, math.floor(rate / lowest) + 1)
    return 1 << (least - 1).bit_length()


def filters(rate: int, mels: int, size: int) -> np.ndarray:
    """The weight of each frequency in each band, float64 ``[mels, size // 2 + 1]``, at most 1."""
    corner = edges(rate, mels)
    hz = np.arange(size // 2 + 1) * (rate / size)
    low, peak, high = corner[:-2, None], corner[1:-1, None], corner[2:, None]
    return np.maximum(0.0, np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak)))
