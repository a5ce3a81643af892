"""Damage of series."""

from typing import ClassVar

import numpy as np

from nnops.evaluation.corruptions.base import Corruption, Ground, Inputs

SHARE = (0.05, 0.1, 0.2, 0.3, 0.5)


class Gaps(Corruption):
    """Steps of a window were not measured and repeat the last one that was."""

    inputs: ClassVar[tuple[str, ...]] = ("series",)

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        (series_NLV,) = inputs
        rows, steps = series_NLV.shape[:2]
        kept = generator.random((rows, steps)) >= SHARE[severity - 1]
        kept[:, 0] = True
        last = np.maximum.accumulate(np.where(kept, np.arange(steps), 0), axis=1)
        return (np.take_along_axis(series_NLV, last[:, :, None], 1),)
