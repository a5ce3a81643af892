"""The fitted preprocessing as plain JSON: what turns raw rows into a model's inputs, and its outputs into answers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nnops.data.pixels import Pixels
from nnops.data.target import Target


@dataclass(frozen=True)
class Preprocess:
    """Fitted on the train split alone; holds either columns (tables) or pixels (images).

    Attributes:
        target: The task, the classes, the target's scale.
        pixels: Shape and scale of images.
    """

    target: Target
    pixels: Pixels | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain lists, numbers and text."""
        return {
            "target": self.target.to_json(),
            "pixels": self.pixels.to_json() if self.pixels else None,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(
            target=Target.from_json(record["target"]),
            pixels=Pixels.from_json(record["pixels"]) if record["pixels"] else None,
        )

    def decode(self, output: np.ndarray) -> dict[str, np.ndarray]:
        """A model's raw output as answers, see :meth:`Target.decode`."""
        return self.target.decode(output)
