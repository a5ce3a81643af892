"""Sounds that cannot be learned from are named in one sentence."""

import struct

import numpy as np
import pytest
from sounds import RATE, wave, write_sounds, write_wav

from nnops.data.infer import infer_file
from nnops.data.rows import read_rows
from nnops.data.waveform import read_wav
from nnops.errors import DataError, InputError, ParamsError

AUDIO = {"rate": RATE, "seconds": 0.3, "mels": 16, "window_ms": 32, "hop_ms": 16}
WAV = {"name": "wav", "options": {"path": "s"}}
NOISE = (np.random.default_rng(1).normal(size=1200) * 3000).astype("<i2").tobytes()
HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 2400, b"WAVE", b"fmt ", 16, 1, 1, RATE, 8000, 2, 16, b"data", 2400
)
STILL = HEADER + bytes(2400)
STEREO = HEADER[:22] + struct.pack("<HIIH", 2, RATE, 16_000, 4) + HEADER[34:]


def opposed() -> bytes:
    sample = np.frombuffer(NOISE[:1200], "<i2")
    return STEREO + np.stack([sample, -sample], 1).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"\(it is empty\); remove or replace it"),
        (b"just some words", r"\(it begins with b'just' instead of b'RIFF'\)"),
        (HEADER[:20], "header is damaged"),
        (HEADER[:22] + b"\0\0" + HEADER[24:] + NOISE, "header is damaged"),
        (HEADER + NOISE[:1000], "reached EOF prematurely; finished at 1044 bytes, expected 2444 bytes from header"),
        (HEADER[:20] + b"\x07\0" + HEADER[22:] + NOISE, "Unknown wave file format: MULAW"),
        (HEADER[:24] + bytes(8) + HEADER[32:] + NOISE, "its rate is 0 samples a second"),
        (
            struct.pack("<4sI", b"RIFF", 36) + HEADER[8:40] + bytes(4),
            "must last some time, but this file holds no samp",
        ),
        (STILL, r"it is silent; remove it, or set data\.audio\.silent to keep"),
        (
            HEADER[:24] + struct.pack("<IIH", 2000, 4000, 2) + HEADER[34:] + bytes(2400),
            "silent in its first 0.3 s; remove",
        ),
        (opposed(), "it is silent once its channels are mixed; remove"),
    ],
)
def test_a_file_that_cannot_be_heard_is_named(tmp_path, make, write, content, words):
    write_sounds(tmp_path / "s", each=3)
    write("s/tone/bad.wav", content)
    with pytest.raises(DataError, match=rf"^tone.bad\.wav: .*{words}") as caught:
        make(source=WAV, audio=AUDIO)
    assert str(caught.value).count(". ") == 0


def test_numbers_that_are_none_are_named(tmp_path, make):
    write_sounds(tmp_path / "s", each=3)
    samples = wave("tone", np.random.default_rng(0))
    samples[7] = np.nan
    write_wav(tmp_path / "s" / "tone" / "bad.wav", samples, dtype=np.float32)
    with pytest.raises(DataError, match=r"^tone.bad\.wav: samples must be finite numbers, but sample 8 is not"):
        make(source=WAV, audio=AUDIO)


@pytest.mark.parametrize("damage", range(3))
def test_any_damage_of_a_header_is_one_sentence_or_a_sound(tmp_path, make, damage):
    chance = np.random.default_rng(damage)
    content = bytearray(HEADER + NOISE)
    path = tmp_path / "x.wav"
    for _ in range(60):
        copy = content.copy()
        for place in chance.integers(0, 44, damage + 1):
            copy[place] = int(chance.integers(0, 256))
        path.write_bytes(copy)
        try:
            said = f"x.wav: {len(read_wav(path, 'x.wav').sample_TC)} samples"
        except DataError as error:
            said = str(error)
        assert said.startswith("x.wav: ")
        assert said != "x.wav: 0 samples"


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        ({"rate": 10}, "data.audio.rate must be greater than or equal to 1000, got 10"),
        ({"seconds": 0.01}, "data.audio: seconds must hold a window of 32 ms, got 0.01; write at least 0.032"),
        ({"seconds": None, "window_ms": 400}, r"data\.audio\.window_ms must be at most 300, the length of the longest"),
        ({"bands": 3}, "unknown key 'bands'"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, make, audio, words):
    write_sounds(tmp_path / "s", each=3)
    with pytest.raises(ParamsError, match=words):
        make(source=WAV, audio=AUDIO | audio)


def test_sources_that_do_not_fit_are_refused(tmp_path, make, write):
    with pytest.raises(DataError, match="s: no such file"):
        make(source=WAV)
    (tmp_path / "s" / "empty").mkdir(parents=True)
    with pytest.raises(DataError, match="s: must have one sub-folder of WAV files for each class, found none in any"):
        make(source=WAV)
    with pytest.raises(InputError, match="one sub-folder of images or WAV files for each class, found none"):
        infer_file(tmp_path / "s")
    write_sounds(tmp_path / "s", each=3)
    test = {"name": "csv", "options": {"path": str(write("t.csv", "a,target\n1,tone\n"))}}
    with pytest.raises(DataError, match=r"must both be tables, both images .* or both sounds, got sounds and a table"):
        make(source=WAV, audio=AUDIO, test=test)


def test_rows_to_predict_must_be_sounds(tmp_path, make, write):
    write_sounds(tmp_path / "s", each=3)
    schema = make(source=WAV, audio=AUDIO).schema
    notes = []
    assert read_rows(tmp_path / "s", schema, notes).shape == (12, 1, 16, 17)
    assert notes == []
    stereo = write_wav(tmp_path / "stereo.wav", np.stack([wave("tone", np.random.default_rng(0))] * 2, 1))
    assert read_rows(stereo, schema, notes).shape == (1, 1, 16, 17)
    assert notes == ["1 of 1 sounds have several channels (stereo); their mean is taken."]
    with pytest.raises(DataError, match=r"^still\.wav: must be heard, but it is silent"):
        read_rows(write("still.wav", STILL), schema)
    with pytest.raises(DataError, match=r"^a\.csv: sounds \(WAV files, or a folder of them\) are wanted, got another"):
        read_rows(write("a.csv", "a\n1\n"), schema)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="none: must hold WAV files, found none"):
        read_rows(tmp_path / "none", schema)
    with pytest.raises(DataError, match=r"^stereo\.wav: images are wanted, got a sound"):
        read_rows(stereo, {**schema, "kind": "image"})
