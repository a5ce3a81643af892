"""Made images with masks for tests: bright discs (1) and dark squares (2) on a noisy grey ground (0)."""

from pathlib import Path

import numpy as np
from PIL import Image


def draw(chance: np.random.Generator, height: int = 21, width: int = 18) -> tuple[np.ndarray, np.ndarray]:
    """One image and its mask, uint8 ``[H, W]``."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), np.uint8)
    for value in (1, 2):
        down, right = chance.uniform(4, height - 4), chance.uniform(4, width - 4)
        size = chance.uniform(2.5, 5)
        there = np.hypot(y - down, x - right) < size if value == 1 else np.maximum(abs(y - down), abs(x - right)) < size
        mask[there] = value
    level = np.array([120.0, 190.0, 60.0])[mask] + chance.normal(scale=45, size=mask.shape)
    return level.clip(0, 255).astype(np.uint8), mask


def write_masks(folder: Path, count: int = 30, seed: int = 0, values: tuple[int, ...] = (0, 1, 2)) -> Path:
    """``images/NN.png`` and ``masks/NN.png``."""
    chance = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for place in range(count):
        image, mask = draw(chance)
        Image.fromarray(image).save(folder / "images" / f"{place:02}.png")
        Image.fromarray(np.array(values, np.uint8)[mask]).save(folder / "masks" / f"{place:02}.png")
    return folder
