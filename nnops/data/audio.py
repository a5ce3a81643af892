"""Sounds prepared: listed, split, made spectrograms, and then treated as the images that these are."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from nnops.data.image import deal, make_images
from nnops.data.made import Made
from nnops.data.reader import Images, Sounds
from nnops.data.sound import Sound
from nnops.data.waveform import Heard, note_sounds, read_spectrograms, read_wav, short_name
from nnops.errors import DataError, ParamsError
from nnops.params import Audio, Params

#: The longest that sounds become where params do not say how long.
LONGEST_S = 10.0


def make_sounds(params: Params, source: Sounds, test: Sounds | None) -> Made:
    """Make prepared data of sounds.

    Raises:
        DataError: A file is no WAV file, damaged or silent; or labels or splits are wrong.
        ParamsError: The sounds are shorter than a window.
    """
    data = params.data
    read = len(source.files) + (len(test.files) if test is not None else 0)
    source = _without_duplicates(source) if data.cleaning.duplicates == "drop" else source
    seconds = data.audio.seconds
    if seconds is None:
        _, rows = deal(params, source.labels, source.where, separate_test=test is not None)
        seconds = min(LONGEST_S, longest(source, rows["train"]))
    sound = build_sound(data.audio, seconds)
    heard = Heard()

    def images(sounds: Sounds) -> Images:
        return Images(read_spectrograms(sounds.files, sounds.base, sound, heard), sounds.labels, sounds.where)

    made = make_images(params, images(source), None if test is None else images(test), what="sound")
    found = heard.to_json(sound)
    report: dict[str, Any] = made.report | {"sounds": found, "rows": made.report["rows"] | {"read": read}}
    report["notes"] = [*note_sounds(found), *made.report["notes"]]
    return replace(made, report=report, extra=made.extra | {"sound": sound.to_json()})


def build_sound(audio: Audio, seconds: float) -> Sound:
    """What a section of params and a length make of every sound.

    Raises:
        ParamsError: The length holds no window.
    """
    samples = max(1, round(seconds * audio.rate))
    window = max(2, round(audio.window_ms * audio.rate / 1000))
    if samples < window:
        raise ParamsError(
            f"params.yaml: data.audio.window_ms must be at most {1000 * seconds:g}, the length of the longest sound of"
            f" train in milliseconds, got {audio.window_ms:g}; write less, or set data.audio.seconds."
        )
    return Sound(
        rate=audio.rate,
        samples=samples,
        mels=audio.mels,
        window=window,
        hop=max(1, round(audio.hop_ms * audio.rate / 1000)),
        range_db=audio.range_db,
        reference=audio.reference,
        silent=audio.silent,
    )


def longest(sounds: Sounds, rows: Iterable[int]) -> float:
    """Seconds of the longest of some files.

    Raises:
        DataError: A file is no WAV file, or damaged.
    """
    files = [sounds.files[row] for row in rows]
    return max(read_wav(path, short_name(path, sounds.base)).seconds for path in files)


def _without_duplicates(sounds: Sounds) -> Sounds:
    """Each file once that has the same bytes and label as another."""
    first: dict[tuple[str, str], int] = {}
    for row, (path, label) in enumerate(zip(sounds.files, sounds.labels, strict=True)):
        try:
            key = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(f"{short_name(path, sounds.base)}: cannot be read ({error.strerror}).") from error
        first.setdefault((key, str(label)), row)
    keep = np.sort(np.fromiter(first.values(), np.int64))
    files = tuple(sounds.files[row] for row in keep)
    return Sounds(files, sounds.labels.iloc[keep], sounds.where, sounds.base)
