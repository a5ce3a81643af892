"""WAV files as waveforms: any bits, rate and number of channels, made one rate, one channel and one length."""

import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from nnops.data.sound import Sound
from nnops.errors import DataError

#: A sound whose samples differ by less is silent: two steps of 16 bits.
STILL = 2.0**-14
#: Seconds kept beyond a cut until the rate is settled, since resampling looks ahead.
AHEAD_S = 0.1


@dataclass(frozen=True)
class Wave:
    """A WAV file as read.

    Attributes:
        sample_TC: float32, full scale being -1 to 1.
        rate: Samples a second.
    """

    sample_TC: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.sample_TC) / self.rate


@dataclass
class Heard:
    """What was found in WAV files: counts of files by rate and channels, and their seconds."""

    rates: Counter[int] = field(default_factory=Counter[int])
    channels: Counter[int] = field(default_factory=Counter[int])
    seconds: list[float] = field(default_factory=list[float])

    def add(self, wave: Wave) -> None:
        """Count one more."""
        self.rates[wave.rate] += 1
        self.channels[wave.sample_TC.shape[1]] += 1
        self.seconds.append(wave.seconds)

    def to_json(self, sound: Sound) -> dict[str, Any]:
        """As plain values, for the report."""
        seconds = np.array(self.seconds)
        low, middle, high = (float(f"{value:.6g}") for value in np.quantile(seconds, (0.0, 0.5, 1.0)))
        return {
            "rates": {str(rate): self.rates[rate] for rate in sorted(self.rates)},
            "channels": {str(channels): self.channels[channels] for channels in sorted(self.channels)},
            "seconds": {"min": low, "median": middle, "max": high},
            "cut": int((seconds > sound.seconds + 1 / sound.rate).sum()),
            "padded": int((seconds < sound.seconds - 1 / sound.rate).sum()),
            "as": sound.to_json(),
        }


def note_sounds(found: dict[str, Any]) -> list[str]:
    """What was done to sounds, each in one sentence, from :meth:`Heard.to_json`."""
    notes = list[str]()
    whole = sum(found["rates"].values())
    rate, seconds = found["as"]["rate"], found["as"]["samples"] / found["as"]["rate"]
    mixed = sum(count for channels, count in found["channels"].items() if channels != "1")
    others = {name: count for name, count in found["rates"].items() if name != str(rate)}
    if mixed:
        notes.append(f"{mixed} of {whole} sounds have several channels (stereo); their mean is taken.")
    if others:
        which = ", ".join(f"{count} of {name}" for name, count in others.items())
        notes.append(f"{sum(others.values())} of {whole} sounds are resampled to {rate} Hz: {which} Hz.")
    if found["cut"]:
        notes.append(f"{found['cut']} of {whole} sounds are cut to their first {seconds:.6g} s.")
    if found["padded"]:
        notes.append(f"{found['padded']} of {whole} sounds are shorter than {seconds:.6g} s; silence is added.")
    return notes


def read_wav(path: Path, name: str) -> Wave:
    """Read a WAV file of 8, 16, 24 or 32 bits a sample, or of floating-point numbers.

    Args:
        path: The file.
        name: What to call it in messages.

    Raises:
        DataError: It is no WAV file, damaged, cut off, without samples, or holds numbers that are none.
    """
    from scipy.io import wavfile

    try:
        with path.open("rb") as stream:
            begin = stream.read(4)
        if begin not in (b"RIFF", b"RIFX", b"RF64"):
            raise ValueError(f"it begins with {begin!r} instead of b'RIFF'" if begin else "it is empty")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            rate, sample = wavfile.read(path)
        # Further chunks (texts, cue points) are of no interest, and scipy says that, too.
        if cut := [str(one.message) for one in said if "EOF" in str(one.message)]:
            raise ValueError(cut[0][:1].lower() + cut[0][1:].rstrip("."))
        if rate <= 0:
            raise ValueError(f"its rate is {rate} samples a second")
    except (ArithmeticError, MemoryError, TypeError, UnboundLocalError, struct.error) as error:
        # What scipy raises where a header says nonsense.
        raise _broken(name, "its header is damaged") from error
    except (OSError, ValueError) as error:
        raise _broken(name, str(error).split(". ")[0].rstrip(".")) from error
    if not len(sample):
        raise DataError(f"{name}: a sound must last some time, but this file holds no samples; remove or replace it.")
    if sample.dtype == np.uint8:
        wave = (sample.astype(np.float32) - 128) / np.float32(128)
    elif sample.dtype.kind == "i":
        wave = (sample / 2.0 ** (8 * sample.dtype.itemsize - 1)).astype(np.float32)
    else:
        wave = sample.astype(np.float32)
    wrong = ~np.isfinite(wave)
    if wrong.any():
        place = int(wrong.reshape(len(wave), -1).any(1).argmax())
        raise DataError(f"{name}: samples must be finite numbers, but sample {place + 1} is not; remove or replace it.")
    return Wave(wave.reshape(len(wave), -1), int(rate))


def _broken(name: str, why: str) -> DataError:
    return DataError(f"{name}: must be a WAV file, but it cannot be read ({why}); remove or replace it.")


def settle(wave: Wave, sound: Sound, name: str) -> np.ndarray:
    """The waveform at one rate, of one channel (their mean) and one length (cut, or zeros added), float32 ``[T]``.

    Raises:
        DataError: It is silent, and that is refused.
    """
    from scipy.signal import resample_poly

    mono = wave.sample_TC[: int((sound.seconds + AHEAD_S) * wave.rate) + 1].mean(1, dtype=np.float64)
    if wave.rate != sound.rate:
        both = gcd(wave.rate, sound.rate)
        mono = resample_poly(mono, sound.rate // both, wave.rate // both)
    mono = mono[: sound.samples]
    if sound.silent == "refuse" and np.ptp(mono) < STILL:
        part = f" in its first {sound.seconds:.6g} s" if wave.seconds > sound.seconds else ""
        mixed = " once its channels are mixed" if wave.sample_TC.shape[1] > 1 else ""
        raise DataError(
            f"{name}: must be heard, but it is silent{part}{mixed}; remove it, or set data.audio.silent to keep."
        )
    return np.pad(mono, (0, sound.samples - len(mono))).astype(np.float32)


def read_spectrograms(files: Sequence[Path], base: Path, sound: Sound, heard: Heard) -> np.ndarray:
    """WAV files as spectrograms, uint8 ``[N, 1, M, F]``; ``heard`` counts what they were.

    Raises:
        DataError: A file is no WAV file, damaged, or silent; it is named from ``base``.
    """
    found = np.empty((len(files), 1, sound.mels, sound.frames), np.uint8)
    for place, path in enumerate(files):
        name = short_name(path, base)
        wave = read_wav(path, name)
        heard.add(wave)
        found[place] = sound.spectrogram(settle(wave, sound, name)[None])[0]
    return found


def short_name(path: Path, base: Path) -> str:
    """A file's name in messages: from ``base``, where it lies below."""
    return str(path.relative_to(base) if path.is_relative_to(base) else path)
