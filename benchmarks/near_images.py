"""Fashion-MNIST, official files: near-duplicates between test and train, planted ones found, and what looking costs.

    python -m benchmarks.near_images FOLDER

FOLDER holds the four idx files.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nnops.data.near import find_near
from nnops.data.reader import Images
from nnops.data.readers.idx import Idx

PLANTED = 2000


def read(folder: Path, name: str) -> Images:
    """One of the two sets."""
    files = {"images": f"{name}-images-idx3-ubyte.gz", "labels": f"{name}-labels-idx1-ubyte.gz"}
    found = Idx(**files).read(folder, "target")
    assert isinstance(found, Images)
    return found


def shift(image: np.ndarray, down: int, across: int) -> np.ndarray:
    """Moved, black coming in."""
    rolled = np.roll(image, (down, across), (2, 3))
    if down:
        rolled[:, :, 0 if down > 0 else -1] = 0
    if across:
        rolled[:, :, :, 0 if across > 0 else -1] = 0
    return rolled


def changes(rng: np.random.Generator) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What is done to copies, by name."""

    def bytes_of(image: np.ndarray) -> np.ndarray:
        return np.clip(image, 0, 255).astype(np.uint8)

    return {
        "noise of 4 levels": lambda image: bytes_of(image + rng.normal(0, 4, image.shape)),
        "noise of 8 levels": lambda image: bytes_of(image + rng.normal(0, 8, image.shape)),
        "15 levels brighter": lambda image: bytes_of(image.astype(np.int64) + 15),
        "contrast 1.1": lambda image: bytes_of(image * 1.1),
        "one pixel to the left": lambda image: shift(image, 0, -1),
        "one pixel down": lambda image: shift(image, 1, 0),
        "down and right": lambda image: shift(image, 1, 1),
    }


def main() -> None:
    """Print what was found."""
    train, test = (read(Path(sys.argv[1]), name) for name in ("train", "t10k"))
    start_s = time.process_time()
    places, likes = find_near(train.pixels_NCHW, test.pixels_NCHW)
    took_s = time.process_time() - start_s
    other = (test.labels.to_numpy()[places] != train.labels.to_numpy()[likes]).sum()
    print(f"{len(places)} of {len(test.labels):,} test images are nearly in train, {other} with another label;")
    print(f"{took_s:.1f} s of CPU for {len(train.labels) + len(test.labels):,} images\n")
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(len(train.labels), PLANTED, replace=False))
    print(f"| planted in {PLANTED:,} images | found | of these the right one |\n|---|---:|---:|")
    for name, change in changes(rng).items():
        places, likes = find_near(train.pixels_NCHW, change(train.pixels_NCHW[chosen]))
        right = (chosen[places] == likes).mean()
        print(f"| {name} | {len(places) / PLANTED:.1%} | {right:.1%} |")


if __name__ == "__main__":
    main()
