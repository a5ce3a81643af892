"""What a model is told of the data: the shapes of its inputs and of its output.

Legend of shape suffixes: B batch, F features, K categorical columns, C channels or classes, H W image.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, slots=True)
class Spec:
    """The contract between prepared data and a model.

    A model is called with one tensor per input, in the order of ``inputs``:
    ``numeric_BF`` float32, ``categories_BK`` int64 (column k holds codes in [0, cardinalities[k])),
    ``image_BCHW`` float32; it returns ``logits_BC`` (C = ``outputs``) or, for binary and regression, ``[B, 1]``.

    Attributes:
        task: What is predicted.
        inputs: Names of the inputs, a subset of ``numeric``, ``categories`` (tables) or ``image`` alone.
        shapes: Shape of each input without the batch axis.
        cardinalities: Number of codes of each categorical column, code 0 being "missing or never seen".
        outputs: Width of the model's output: classes, or 1 for binary and regression.
    """

    task: Task
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    cardinalities: tuple[int, ...]
    outputs: int

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Spec":
        """The inverse of :meth:`to_json`."""
        return cls(
            task=record["task"],
            inputs=tuple(record["inputs"]),
            shapes=tuple(tuple(shape) for shape in record["shapes"]),
            cardinalities=tuple(record["cardinalities"]),
            outputs=int(record["outputs"]),
        )

    @property
    def image(self) -> tuple[int, int, int] | None:
        """(C, H, W) where the input is an image, else None."""
        if self.inputs == ("image",):
            channels, height, width = self.shapes[0]
            return channels, height, width
        return None

    @property
    def features(self) -> int:
        """Number of numeric features; an image counts its pixels."""
        for name, shape in zip(self.inputs, self.shapes, strict=True):
            if name in ("numeric", "image"):
                size = 1
                for length in shape:
                    size *= length
                return size
        return 0
