"""Near-duplicates of images: those that are planted are found, unlike ones are not accused."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dctn

from nnops.data.near import ALIKE, DISTANCE, LEAST_SIDE, SHIFTS, _candidates, find_near, hash_images
from nnops.errors import DataError
from nnops.files import read_json


def garments(count, seed=0, side=28, channels=1):
    """Smooth shapes on black: sums of a few soft blots, each image its own."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0:side, 0:side]
    image = np.zeros((count, channels, side, side))
    for _ in range(5):
        y, x = rng.uniform(0.2 * side, 0.8 * side, (2, count, channels, 1, 1))
        wide = rng.uniform(0.08 * side, 0.2 * side, (count, channels, 1, 1))
        image += rng.uniform(80, 200, (count, 1, 1, 1)) * np.exp(-((down - y) ** 2 + (across - x) ** 2) / wide**2)
    return np.clip(image, 0, 255).astype(np.uint8)


def moved(image, down, across):
    """Shifted, zeros coming in."""
    out = np.zeros_like(image)
    high, wide = image.shape[2:]
    target = (slice(max(down, 0), high + min(down, 0)), slice(max(across, 0), wide + min(across, 0)))
    source = (slice(max(-down, 0), high + min(-down, 0)), slice(max(-across, 0), wide + min(-across, 0)))
    out[:, :, target[0], target[1]] = image[:, :, source[0], source[1]]
    return out


def noisy(image, size=4):
    return np.clip(image + np.random.default_rng(9).normal(0, size, image.shape), 0, 255).astype(np.uint8)


def brighter(image, by=15):
    return np.clip(image.astype(np.int64) + by, 0, 255).astype(np.uint8)


CHANGES = {
    "noise": noisy,
    "brightness": brighter,
    "contrast": lambda image: np.clip(image * 1.1, 0, 255).astype(np.uint8),
    "down": lambda image: moved(image, 1, 0),
    "left": lambda image: moved(image, 0, -1),
    "corner": lambda image: moved(image, -1, 1),
    "all": lambda image: noisy(brighter(moved(image, 0, 1), 8), 2),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("change", list(CHANGES))
def test_planted_copies_are_found_with_the_one_that_they_are_of(change, channels):
    train = garments(800, channels=channels)
    later = np.concatenate([garments(60, seed=1, channels=channels), CHANGES[change](train[100:140])])
    places, likes = find_near(train, later)
    assert set(places) <= set(range(60, 100))
    assert len(places) >= 36
    assert (likes == places - 60 + 100).all()


def test_the_hash_is_of_the_lowest_frequencies_of_the_cosine_transform():
    image = garments(20)
    low = dctn(image[:, 0].astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(20, 64)
    # SciPy's transform is this one in each direction, twice as large.
    bits = np.packbits(low > np.median(low, 1, keepdims=True), axis=1).view(">u8")[:, 0]
    assert (np.bitwise_count(bits ^ hash_images(image)[:, 0]) <= 2).all()


def test_a_shift_is_undone_by_its_opposite():
    image = garments(20)
    back = SHIFTS.index((-1, 1))
    rolled = np.roll(image, (1, -1), (2, 3))
    assert (hash_images(rolled, SHIFTS)[:, back] == hash_images(image)[:, 0]).all()
    assert (hash_images(rolled)[:, 0] != hash_images(image)[:, 0]).all()


def test_no_pair_within_the_distance_is_missed():
    rng = np.random.default_rng(2)
    train = rng.integers(0, 2**64, 300, np.uint64)
    later = train[:40, None].repeat(3, 1).copy()
    for row in later:
        for place in range(3):
            for bit in rng.choice(64, place * 2 + 1, replace=False):
                row[place] ^= np.uint64(1) << np.uint64(bit)
    found = set(zip(*(part.tolist() for part in _candidates(train, later)), strict=True))
    apart = np.bitwise_count(later[:, :, None] ^ train)
    due = {(row, known, place) for row, place, known in np.argwhere(apart <= DISTANCE).tolist()}
    assert found == due
    assert len(due) == 80  # one and three bits apart; five are too many


def test_one_hash_does_not_make_two_pictures_alike():
    # Stripes of four pixels, light where the other's are dark: far above the frequencies of the hash.
    stripe = np.where(np.arange(28) % 4 < 2, 15, -15)[:, None]
    ground = np.clip(garments(40), 20, 200).astype(np.int64)
    one, other = ((ground + sign * stripe).astype(np.uint8) for sign in (1, -1))
    assert np.median(np.bitwise_count(hash_images(one) ^ hash_images(other))) <= DISTANCE
    assert len(find_near(one, other)[0]) == 0
    assert len(find_near(one, one)[0]) == 40


def test_flat_and_small_images_are_left_alone():
    flat = np.full((50, 1, 28, 28), 7, np.uint8)
    assert len(find_near(flat, flat + 1)[0]) == 0
    small = garments(50, side=LEAST_SIDE - 1)
    assert len(find_near(small, brighter(small))[0]) == 0
    assert len(find_near(small[:0], small)[0]) == 0


def test_many_images_of_one_hash_cost_no_more_than_they_may():
    train = np.repeat(garments(1), 3000, 0)
    train[:, 0, 0, 0] = np.arange(3000) % 251
    places, likes = find_near(train, brighter(train[:20]))
    assert len(places) == 20
    assert (likes < 3000).all()


def test_digits_of_eight_pixels_and_random_pictures_are_not_accused(make, tmp_path):
    data = make(source={"name": "sklearn", "options": {"set": "digits"}})
    assert read_json(data.folder / "report.json")["leakage"] == []
    np.savez(tmp_path / "a.npz", images=garments(400)[:, 0], labels=np.arange(400) % 2)
    data = make(source={"name": "npz", "options": {"path": "a.npz"}})
    assert read_json(data.folder / "report.json")["leakage"] == []


def test_planted_ones_stand_in_the_report_and_end_the_stage_where_asked(make, tmp_path):
    images = garments(300)
    images[200:] = noisy(images[:100], 3)
    np.savez(tmp_path / "a.npz", images=images[:, 0], labels=np.arange(300) % 2)
    source = {"name": "npz", "options": {"path": "a.npz"}}
    data = make(source=source)
    found = read_json(data.folder / "report.json")["leakage"]
    assert {leak["kind"] for leak in found} == {"near_duplicates"}
    for leak in found:
        (split,) = {"val", "test"} & set(leak["rows"])
        assert f"images of {split} are nearly in train as well" in leak["sentence"]
        assert all(
            abs(one - other) == 200 for one, other in zip(leak["rows"][split], leak["rows"]["train"], strict=True)
        )
    assert "Images nearly twice" in (data.folder / "report.html").read_text()
    with pytest.raises(DataError, match=r"leakage: .* are nearly in train as well"):
        make(source=source, leakage="error")


def test_exact_copies_are_told_once_as_what_they_are(make, tmp_path):
    images = garments(300)
    images[250:] = images[:50]
    np.savez(tmp_path / "a.npz", images=images[:, 0], labels=np.arange(300) % 2)
    data = make(source={"name": "npz", "options": {"path": "a.npz"}})
    assert {leak["kind"] for leak in read_json(data.folder / "report.json")["leakage"]} == {"duplicates"}


def test_the_stated_numbers_are_those_of_the_guide():
    guide = (Path(__file__).parents[3] / "docs" / "guide" / "data.md").read_text(encoding="utf-8")
    assert f"at most {DISTANCE} bits apart" in guide
    assert f"correlate by {ALIKE}" in guide
    assert f"a side below {LEAST_SIDE} pixels" in guide


def test_images_of_one_level_are_near_none_and_many_alike_take_bounded_memory():
    blank = np.zeros((1500, 1, 24, 24), np.uint8)
    assert [len(found) for found in find_near(blank, blank)] == [0, 0]
    picture = np.random.default_rng(0).integers(0, 256, (1, 1, 24, 24), np.uint8)
    alike = np.repeat(picture, 1500, 0)
    tracemalloc.start()
    later, train = find_near(np.concatenate([blank, alike]), np.concatenate([blank[:5], alike[:600]]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert later.tolist() == list(range(5, 605))
    assert (train >= 1500).all()
    # All pairs would be 600 x 9 x 5 x 1,000 of them, 216 MB each time that they are copied.
    assert peak < 250e6
