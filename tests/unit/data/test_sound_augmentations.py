"""Augmentations of sounds: what is made of a spectrogram is the spectrogram of a changed waveform."""

import numpy as np
import pytest
import torch
from small import params, small
from sounds import RATE

from nnops.batch import Spec
from nnops.data.audio import build_sound
from nnops.data.augmentations.base import About, build_augment
from nnops.data.augmentations.noise import Noise
from nnops.data.augmentations.pitch_shift import PitchShift, _places
from nnops.data.augmentations.spectrogram import take
from nnops.data.augmentations.time_stretch import TimeStretch
from nnops.data.mel import edges, hz_to_mel
from nnops.errors import ParamsError
from nnops.params import Audio
from nnops.seeding import torch_stream

MEAN, STD = 0.4, 0.2


def about(**changes):
    audio = {"rate": RATE, "seconds": 0.6, "mels": 24, "window_ms": 32, "hop_ms": 16} | changes
    sound = build_sound(Audio.model_validate(audio), 0.6)
    spec = Spec("multiclass", ("image",), ((1, sound.mels, sound.frames),), (), 3)
    return About(spec, (MEAN,), (STD,), sound)


def image(told, *waves):
    levels = told.sound.spectrogram(np.stack(waves))
    return torch.from_numpy((levels / 255 - MEAN) / STD).float()


def levels(image_BCHW):
    return ((image_BCHW * STD + MEAN) * 255).numpy()


def apply(one, told, image_BCHW, stream=0):
    target = torch.zeros(len(image_BCHW), dtype=torch.int64)
    return one.apply((image_BCHW,), target, told, torch_stream(stream, "augment"))[0][0]


def chirp(start, slope, seconds=0.6):
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.5 * np.sin(2 * np.pi * (start * t + slope * t**2 / 2))


def test_reading_at_other_places_is_numpys_interpolation():
    chance = torch.Generator().manual_seed(0)
    values = torch.rand(3, 1, 5, 7, generator=chance)
    place = torch.rand(3, 7, generator=chance) * 9 - 1.5
    place[0, :3] = torch.tensor([0.0, 6.0, 6.5])
    found = take(values, place, 3, torch.tensor(-1.0)).numpy()
    for row in range(3):
        for band in range(5):
            padded = np.concatenate([[-1.0], values[row, 0, band].numpy(), [-1.0]])
            wanted = np.interp(place[row].numpy(), np.arange(-1, 8), padded, left=-1, right=-1)
            np.testing.assert_allclose(found[row, 0, band], wanted, atol=1e-5)
    turned = take(values.transpose(2, 3), place, 2, torch.tensor(-1.0)).transpose(2, 3)
    np.testing.assert_array_equal(turned.numpy(), found)


def test_a_stretched_chirp_rises_faster():
    told = about()
    before = image(told, *[chirp(300, 1000)] * 40)
    after = apply(TimeStretch(amount=0.5), told, before)
    rows = np.argmax(levels(after)[:, 0], axis=1)
    generator = torch_stream(0, "augment")
    rate = (1.5 ** (2 * torch.rand(40, generator=generator) - 1)).numpy()
    assert rate.min() < 0.75
    assert rate.max() > 1.3
    for row in (int(rate.argmin()), int(rate.argmax()), 0):
        # A chirp played r times as fast with its pitch kept rises r times as steeply.
        wanted = np.argmax(told.sound.spectrogram(chirp(300, 1000 * rate[row])[None])[0, 0], axis=0)
        heard = levels(after)[row, 0].max(0) > 1
        assert np.abs(rows[row] - wanted)[heard].max() <= 1
        assert heard.mean() == pytest.approx(min(1, 1 / rate[row]), abs=0.06)


def test_a_shifted_tone_is_the_tone_of_another_pitch():
    told = about()
    tone = chirp(500, 0)
    after = levels(apply(PitchShift(semitones=12), told, image(told, *[tone] * 40)))
    semitone = 12 * (2 * torch.rand(40, generator=torch_stream(0, "augment")) - 1).numpy()
    middle = edges(RATE, 24)[1:-1]
    for row in range(40):
        peak = np.argmax(after[row, 0].mean(1))
        wanted = hz_to_mel(np.array(500 * 2 ** (semitone[row] / 12)))
        assert abs(hz_to_mel(middle[peak]) - wanted) < 1.2 * (hz_to_mel(middle[1]) - hz_to_mel(middle[0]))
    np.testing.assert_allclose(_places(torch.zeros(1), RATE, 24)[0], np.arange(24), atol=1e-4)
    # What would come from beyond half of the rate is silence.
    low = _places(torch.tensor([-12.0]), RATE, 24)[0]
    assert float(low[-1]) > 24


@pytest.mark.parametrize("reference", ["peak", "full_scale"])
def test_noise_is_that_of_a_noisy_waveform(reference):
    told = about(reference=reference)
    tone = chirp(700, 0)
    before = image(told, *[tone] * 30)
    after = levels(apply(Noise(low_db=6, high_db=6), told, before))
    chance = np.random.default_rng(0)
    power = told.sound.power(tone[None])
    noise = chance.normal(size=(30, told.sound.samples))
    scale = power.mean() / told.sound.power(noise).mean((1, 2)) / 10**0.6
    wanted = told.sound.spectrogram(tone + np.sqrt(scale)[:, None] * noise).astype(float)
    # Band by band, on average over time and draws, in levels of 80 / 255 dB.
    np.testing.assert_allclose(after.mean((0, 1, 3)), wanted.mean((0, 1, 3)), atol=4)
    assert abs(after - levels(before)).mean() > 20


def test_noise_leaves_silence_and_some_sounds_alone():
    told = about()
    tone, still = chirp(700, 0), np.zeros(2400)
    before = image(told, *[tone] * 60, still)
    after = apply(Noise(probability=0.25), told, before)
    same = (after == before).flatten(1).all(1)
    assert bool(same[-1])
    assert 30 < int(same[:-1].sum()) < 57
    assert float(after.max()) <= (1 - MEAN) / STD + 1e-4


@pytest.mark.parametrize("name", ["noise", "pitch_shift", "time_stretch"])
def test_images_that_are_no_sounds_are_refused(tmp_path, name):
    with pytest.raises(ParamsError, match=rf"augment\.0\.name: '{name}' needs sounds, but the data have images that"):
        build_augment(params(train={"augment": [{"name": name}]}).train.augment, small(tmp_path))


def test_bounds_of_noise_must_be_in_order(tmp_path):
    data = small(tmp_path)
    augment = [{"name": "noise", "options": {"low_db": 30, "high_db": 20}}]
    with pytest.raises(ParamsError, match=r"options: low_db must be at most high_db, got 30 and 20\."):
        build_augment(params(train={"augment": augment}).train.augment, data)
