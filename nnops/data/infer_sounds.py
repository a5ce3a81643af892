"""A look at a folder of sounds before there are params: their rate and length, and a spectrogram of fitting size."""

from typing import Any

from nnops.data.audio import LONGEST_S
from nnops.data.reader import Sounds
from nnops.data.waveform import Heard, read_wav, short_name
from nnops.errors import DataError
from nnops.params import Audio

#: Columns of a spectrogram beyond which they are made of more samples each.
MOST_FRAMES = 256


def infer_sounds(sounds: Sounds) -> tuple[dict[str, Any], str]:
    """Suggest ``data.audio``, and say what was seen.

    Raises:
        DataError: A file is no WAV file or damaged; or all are too short.
    """
    heard = Heard()
    for path in sounds.files:
        heard.add(read_wav(path, short_name(path, sounds.base)))
    rate = max(heard.rates, key=lambda one: (heard.rates[one], one))
    seconds = round(min(max(heard.seconds), LONGEST_S), 3)
    hop_ms = max(10, round(1000 * seconds / MOST_FRAMES))
    window_ms = min(max(25, 2.5 * hop_ms), round(250 * seconds, 1))
    if window_ms < 1:
        raise DataError(f"{sounds.where}: sounds must last at least 4 ms, but the longest lasts {1000 * seconds:g} ms.")
    hop_ms = min(hop_ms, round(window_ms / 2, 1))
    lowest = min(max(rate, 1000), 768_000)
    audio = {"rate": lowest, "seconds": seconds, "mels": Audio().mels, "window_ms": window_ms, "hop_ms": hop_ms}
    shortest, longest = min(heard.seconds), max(heard.seconds)
    length = f"{shortest:.3g} to {longest:.3g} s" if longest - shortest > 0.001 else f"{longest:.3g} s"
    rates = ", ".join(f"{one} Hz" for one in sorted(heard.rates))
    channels = " and ".join({1: "mono", 2: "stereo"}.get(one, f"{one} channels") for one in sorted(heard.channels))
    return audio, f"{len(sounds.files)} sounds of {length}, {rates}, {channels}"
