"""Made sounds for tests: tones, rising and falling chirps, and noise."""

from pathlib import Path

import numpy as np
from scipy.io import wavfile

KINDS = ("falling", "noise", "rising", "tone")
RATE = 4000


def wave(kind: str, chance: np.random.Generator, seconds: float = 0.3, rate: int = RATE) -> np.ndarray:
    """One sound of a kind, float64 within -1 and 1, its pitch and loudness drawn."""
    t = np.arange(round(seconds * rate)) / rate
    pitch = chance.uniform(300, 700)
    bend = {"tone": 0.0, "rising": 1500.0, "falling": -700.0}
    if kind == "noise":
        clean = 0.3 * chance.normal(size=len(t))
    else:
        start = pitch * (2 if kind == "falling" else 1)
        clean = np.sin(2 * np.pi * (start * t + bend[kind] * t**2))
    return np.clip(chance.uniform(0.1, 0.7) * (clean + 0.02 * chance.normal(size=len(t))), -1, 1)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE, dtype: type = np.int16) -> Path:
    """Write float samples as a WAV file of another type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if dtype is np.uint8:
        stored = np.round(samples * 127 + 128).astype(dtype)
    elif np.issubdtype(dtype, np.integer):
        stored = np.round(samples * (np.iinfo(dtype).max - 1)).astype(dtype)
    else:
        stored = samples.astype(dtype)
    wavfile.write(path, rate, stored)
    return path


def write_sounds(folder: Path, each: int = 14, seed: int = 0) -> Path:
    """A folder with one sub-folder for each kind."""
    chance = np.random.default_rng(seed)
    for kind in KINDS:
        for place in range(each):
            write_wav(folder / kind / f"{place:02}.wav", wave(kind, chance))
    return folder
