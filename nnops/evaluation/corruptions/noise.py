"""Noise on numbers: of pixels, of the numbers of a table, of the values of a series."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nnops.evaluation.corruptions.base import Corruption, Ground, Inputs

#: Standard deviations in pixels from 0 to 1 (Hendrycks and Dietterich 2019), and in those of a column or a variable.
PIXEL_NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)
NUMBER_NOISE = (0.1, 0.2, 0.4, 0.7, 1.0)
#: Share of pixels or values that are hit.
HIT = (0.03, 0.06, 0.09, 0.17, 0.27)
#: How far a value that is hit lies from the middle, in standard deviations.
OUTLIER = 5.0


class _Noise(Corruption):
    """Changes numbers."""

    inputs: ClassVar[tuple[str, ...]] = ("image", "numeric", "series")

    @classmethod
    def fits(cls, ground: Ground) -> bool:
        """See :class:`Corruption`; a table needs a number."""
        return super().fits(ground) and ground.has_numbers


class GaussianNoise(_Noise):
    """Every number is off by a little."""

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        if ground.mean:
            std = np.asarray(ground.std, np.float32).reshape(-1, 1, 1)
            noise = generator.standard_normal(inputs[0].shape, np.float32) * PIXEL_NOISE[severity - 1] / std
            return (clip_pixels(inputs[0] + noise, ground),)
        return _moved(
            inputs,
            ground,
            lambda values, spread: (
                values + generator.standard_normal(values.shape, np.float32) * spread * NUMBER_NOISE[severity - 1]
            ),
        )


class ImpulseNoise(_Noise):
    """Some numbers are nonsense: pixels black or white, values far from the middle."""

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        if ground.mean:
            (image,) = inputs
            rows, _, height, width = image.shape
            drawn = generator.random((rows, 1, height, width))
            mean, std = (np.asarray(part, np.float32).reshape(-1, 1, 1) for part in (ground.mean, ground.std))
            black, white = (0 - mean) / std, (1 - mean) / std
            share = HIT[severity - 1]
            return (np.where(drawn < share / 2, black, np.where(drawn < share, white, image)).astype(np.float32),)

        def hit(values: np.ndarray, spread: np.ndarray) -> np.ndarray:
            side = np.where(generator.random(values.shape) < 0.5, -OUTLIER, OUTLIER)
            return np.where(generator.random(values.shape) < HIT[severity - 1], side * spread, values)

        return _moved(inputs, ground, hit)


def clip_pixels(image: np.ndarray, ground: Ground) -> np.ndarray:
    """Pixels brought back to between black and white; ``image`` is as a model takes it."""
    mean, std = (np.asarray(part, np.float32).reshape(-1, 1, 1) for part in (ground.mean, ground.std))
    return np.clip(image, (0 - mean) / std, (1 - mean) / std).astype(np.float32)


def _moved(inputs: Inputs, ground: Ground, move: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Inputs:
    """The numbers of a table or a series, moved."""
    spec, spread_F = ground.spec, ground.spread_F
    assert spread_F is not None
    if spec.series:
        return (move(inputs[0], spread_F).astype(np.float32),)
    place = spec.inputs.index("numeric")
    numeric = inputs[place].copy()
    chosen = [cell.places.start for cell in ground.cells if cell.number]
    numeric[:, chosen] = move(numeric[:, chosen], spread_F[chosen])
    return (*inputs[:place], numeric, *inputs[place + 1 :])
