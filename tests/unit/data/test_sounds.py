"""Sounds: each step of the spectrogram beside a derivation of its own, and what is made of whole folders."""

import wave as standard_wave

import numpy as np
import pytest
from scipy.io import wavfile
from sounds import KINDS, RATE, wave, write_sounds, write_wav

from nnops.data.audio import build_sound
from nnops.data.infer import infer_file
from nnops.data.mel import edges, filters, hz_to_mel, mel_to_hz, transform_size
from nnops.data.waveform import Heard, read_spectrograms, read_wav, settle
from nnops.params import Audio

AUDIO = {"rate": RATE, "seconds": 0.3, "mels": 16, "window_ms": 32, "hop_ms": 16}


def sound(**changes):
    audio = Audio.model_validate(AUDIO | changes)
    return build_sound(audio, audio.seconds)


def tone(hz, loud=1.0, seconds=0.3, rate=RATE):
    return loud * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def test_mel_is_the_formula_of_oshaughnessy():
    hz = np.array([0.0, 60.0, 440.0, 1000.0, 8000.0])
    np.testing.assert_allclose(hz_to_mel(hz), 1127.01048 * np.log(1 + hz / 700), rtol=2e-5)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)
    # As HTK's tables have it.
    assert hz_to_mel(np.array([440.0]))[0] == pytest.approx(549.64, abs=0.01)


@pytest.mark.parametrize(("rate", "mels", "window"), [(16_000, 64, 400), (8_000, 128, 200), (44_100, 40, 1102)])
def test_bands_are_triangles_evenly_spaced_in_mel(rate, mels, window):
    size = transform_size(rate, mels, window)
    weight = filters(rate, mels, size)
    hz = np.fft.rfftfreq(size, 1 / rate)
    middle = np.linspace(0, 1127.01048 * np.log(1 + rate / 2 / 700), mels + 2)
    corner = 700 * (np.exp(middle / 1127.01048) - 1)
    for band in range(mels):
        wanted = np.interp(hz, corner[band : band + 3], [0, 1, 0], left=0, right=0)
        np.testing.assert_allclose(weight[band], wanted, atol=2e-3)
    assert size >= window
    assert (weight.sum(1) > 0).all(), "a band has no frequency"


def test_power_is_that_of_a_fourier_sum():
    one = sound()
    samples = np.random.default_rng(0).normal(size=(2, one.samples))
    found = one.power(samples)
    size = transform_size(RATE, 16, one.window)
    n, k = np.arange(one.window), np.arange(size // 2 + 1)
    hann = np.sin(np.pi * n / one.window) ** 2
    turn = np.exp(-2j * np.pi * np.outer(k, n) / size)
    for row in range(2):
        for frame in range(one.frames):
            part = samples[row, frame * one.hop : frame * one.hop + one.window]
            power = np.abs(turn @ (hann * part)) ** 2 / (hann.sum() / 2) ** 2
            np.testing.assert_allclose(found[row, :, frame], filters(RATE, 16, size) @ power, rtol=1e-9)
    assert one.frames == 1 + (1200 - 128) // 64


def test_a_level_is_a_share_of_the_range():
    one = sound(reference="full_scale", range_db=80)
    size = transform_size(RATE, 16, one.window)
    assert size == one.window
    place = round(edges(RATE, 16)[9] / (RATE / size))  # a frequency of the transform near the middle of band 8
    # A Hann window spreads a tone over three frequencies, a quarter of its power to either side.
    share = filters(RATE, 16, size)[8, place - 1 : place + 2] @ [0.25, 1, 0.25]
    for loud, below in ((0.7, 20 * np.log10(1 / 0.7)), (0.1, 20.0), (0.01, 40.0)):
        levels = one.spectrogram(tone(place * RATE / size, loud)[None])[0, 0]
        wanted = min(255, 255 * (1 + (10 * np.log10(share) - below) / 80))
        np.testing.assert_allclose(levels[8], wanted, atol=0.6)
    quiet, loud = (sound().spectrogram(tone(500, level)[None]) for level in (0.01, 0.9))
    assert np.abs(quiet.astype(int) - loud).max() <= 1, "loudness against the peak does not count"
    assert loud.max() == 255


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_samples_of_any_type_are_the_same_sound(tmp_path, dtype):
    samples = tone(440, 0.5)
    read = read_wav(write_wav(tmp_path / "a.wav", samples, dtype=dtype), "a.wav")
    assert read.rate == RATE
    np.testing.assert_allclose(read.sample_TC[:, 0], samples, atol=0.01 if dtype is np.uint8 else 1e-4)


def test_samples_of_24_bits_are_read(tmp_path):
    samples = tone(440, 0.5)
    whole = np.round(samples * (2**23 - 1)).astype("<i4")
    with standard_wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 3, RATE, 0, "NONE", ""))
        file.writeframes(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav", "a").sample_TC[:, 0], samples, atol=1e-6)


def test_other_rates_are_brought_to_one(tmp_path):
    ours = settle(read_wav(write_wav(tmp_path / "a.wav", tone(440, 0.5)), "a"), sound(), "a")
    for rate in (8000, 11_025, 2000):
        there = read_wav(write_wav(tmp_path / f"{rate}.wav", tone(440, 0.5, rate=rate), rate), "b")
        theirs = settle(there, sound(), "b")
        assert theirs.shape == (1200,)
        np.testing.assert_allclose(theirs[100:-100], ours[100:-100], atol=0.01)


def test_a_whole_folder_is_said_and_becomes_spectrograms(tmp_path, make):
    write_sounds(tmp_path / "s")
    chance = np.random.default_rng(5)
    stereo = np.stack([wave("tone", chance), wave("tone", chance)], 1)
    write_wav(tmp_path / "s" / "tone" / "stereo.wav", stereo)
    write_wav(tmp_path / "s" / "tone" / "high.wav", wave("tone", chance, rate=8000), 8000)
    write_wav(tmp_path / "s" / "noise" / "long.wav", wave("noise", chance, seconds=0.5))
    write_wav(tmp_path / "s" / "noise" / "short.wav", wave("noise", chance, seconds=0.1))
    (tmp_path / "s" / "noise" / "notes.txt").write_text("no sound")
    source = {"name": "wav", "options": {"path": "s"}}
    data = make(source=source, audio=AUDIO)
    assert data.schema["kind"] == "audio"
    assert data.spec.shapes == ((1, 16, 17),)
    assert data.classes == list(KINDS)
    report = (data.folder / "report.json").read_text()
    for words in (
        "1 of 60 sounds have several channels (stereo); their mean is taken.",
        "1 of 60 sounds are resampled to 4000 Hz: 1 of 8000 Hz.",
        "1 of 60 sounds are cut to their first 0.3 s.",
        "1 of 60 sounds are shorter than 0.3 s; silence is added.",
    ):
        assert words in report
    page = (data.folder / "report.html").read_text()
    assert "Spectrograms from train, low tones below" in page
    assert "16 mel bands, a window of 32 ms every 16 ms, 80 dB" in page
    # Scaling is of train alone, and the same files give the same bytes.
    train = data.arrays("train")["image"] / 255.0
    assert data.schema["image_mean"][0] == pytest.approx(train.mean())
    assert data.schema["image_std"][0] == pytest.approx(train.std())
    assert make(source=source, audio=AUDIO, out="again").hash == data.hash


def test_several_channels_are_their_mean(tmp_path):
    left, right = tone(400, 0.4), tone(900, 0.4)
    files = [
        write_wav(tmp_path / "a.wav", np.stack([left, right], 1)),
        write_wav(tmp_path / "b.wav", (left + right) / 2),
    ]
    found = read_spectrograms(files, tmp_path, sound(), Heard())
    assert np.abs(found[0].astype(int) - found[1]).max() <= 1


def test_the_length_is_that_of_the_longest_of_train(tmp_path, make):
    write_sounds(tmp_path / "s", each=6)
    for place in range(6):
        write_wav(tmp_path / "s" / "tone" / f"{place:02}.wav", tone(440, 0.5, seconds=0.2 + 0.05 * place))
    source = {"name": "wav", "options": {"path": "s"}}
    data = make(source=source, audio={**AUDIO, "seconds": None}, split={"val": 0.2, "test": 0.2, "by": "stratified"})
    assert data.schema["sound"]["samples"] in (1400, 1600, 1800)
    assert make(source=source, audio={**AUDIO, "seconds": 0.25}, out="b").schema["sound"]["samples"] == 1000


def test_the_same_sound_on_both_sides_is_a_leak(tmp_path, make):
    write_sounds(tmp_path / "s", each=6)
    for kind in KINDS:
        for place in range(6):
            content = (tmp_path / "s" / kind / f"{place:02}.wav").read_bytes()
            (tmp_path / "s" / kind / f"copy{place}.wav").write_bytes(content)
    source = {"name": "wav", "options": {"path": "s"}}
    data = make(source=source, audio=AUDIO)
    assert "sounds of val are in train as well" in (data.folder / "report.json").read_text()
    dropped = make(source=source, audio=AUDIO, cleaning={"duplicates": "drop"}, out="b")
    assert sum(dropped.schema["rows"].values()) == 24


def test_a_silent_sound_may_be_kept(tmp_path, make):
    write_sounds(tmp_path / "s", each=6)
    wavfile.write(tmp_path / "s" / "tone" / "still.wav", RATE, np.zeros(1200, np.int16))
    data = make(source={"name": "wav", "options": {"path": "s"}}, audio={**AUDIO, "silent": "keep"})
    images = np.concatenate([data.arrays(split)["image"] for split in ("train", "val", "test")])
    assert (images.max((1, 2, 3)) == 0).sum() == 1


def test_a_project_is_suggested(tmp_path):
    write_sounds(tmp_path / "s", each=3)
    found = infer_file(tmp_path / "s")
    assert found.data["source"]["name"] == "wav"
    assert found.data["audio"] == {"rate": 4000, "seconds": 0.3, "mels": 64, "window_ms": 25, "hop_ms": 10}
    assert found.comments["source"] == "12 sounds of 0.3 s, 4000 Hz, mono"
    assert (found.task, found.image, found.classes) == ("multiclass", True, KINDS)
    write_wav(tmp_path / "long" / "a" / "1.wav", tone(440, 0.5, seconds=12, rate=1000), 1000)
    write_wav(tmp_path / "long" / "b" / "1.wav", np.stack([tone(300, 0.5)] * 2, 1))
    found = infer_file(tmp_path / "long")
    assert found.data["audio"] == {"rate": 4000, "seconds": 10.0, "mels": 64, "window_ms": 97.5, "hop_ms": 39}
    assert found.comments["source"] == "2 sounds of 0.3 to 12 s, 1000 Hz, 4000 Hz, mono and stereo"
