"""The interface of a baseline, and the shapes that scikit-learn wants data in.

Legend of shape suffixes: N rows, F features, K categorical columns, C classes, H W image.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nnops.batch import Spec, Task
from nnops.catalog import Component
from nnops.seeding import numpy_stream

Predict = Callable[[tuple[np.ndarray, ...]], np.ndarray]
"""Takes the inputs of some rows in the order of the Spec, ready for a model, and gives its outputs ``[N, outputs]``:
logits, or the scaled value."""

#: The least probability that a baseline is taken to mean: no logit is infinite.
FLOOR = 1e-9


@dataclass(frozen=True)
class Rows:
    """Rows to fit on: inputs in the order of the Spec, and the target as prepared (``[N, C]`` of a forecast)."""

    inputs: tuple[np.ndarray, ...]
    target_N: np.ndarray

    def __len__(self) -> int:
        return self.target_N.shape[0]

    def take(self, rows: np.ndarray) -> "Rows":
        """Some of the rows, by position or mask."""
        return Rows(tuple(array[rows] for array in self.inputs), self.target_N[rows])

    def sample(self, limit: int, seed: int) -> "Rows":
        """At most ``limit`` of the rows, drawn from the stream ``baseline`` and kept in order."""
        if len(self) <= limit:
            return self
        return self.take(np.sort(numpy_stream(seed, "baseline").choice(len(self), limit, replace=False)))


@dataclass(frozen=True)
class Fitted:
    """A fitted baseline.

    Attributes:
        predict: Its outputs for rows, in the shape of a network's.
        note: What it was spared, for the table, such as "10,000 of 54,000 rows"; "" if nothing.
        whole: Whether it gives answers as tokens int64 ``[N, T]``, not the logits of one token after the other.
    """

    predict: Predict
    note: str = ""
    whole: bool = False


class Baseline(Component):
    """A simple model that is fitted in seconds, whatever the size of the data, and to the same bits every time.

    Attributes:
        tasks: The tasks that it fits.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass", "regression")

    @abstractmethod
    def title(self, task: Task) -> str:
        """Its name in tables and in the keys of metrics.json."""

    def absent(self, spec: Spec) -> str:
        """Why it is left out for such data; "" where it fits."""
        del spec
        return ""

    @abstractmethod
    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """Fit on ``train``; ``val`` may say when to stop."""


def flatten(inputs: tuple[np.ndarray, ...], spec: Spec, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs as numbers and codes; images larger than ``pixels`` values are averaged in blocks.

    Returns:
        ``feature_NF`` float64 and ``code_NK`` int64; either may have no columns.
    """
    named = dict(zip(spec.inputs, inputs, strict=True))
    rows = inputs[0].shape[0]
    if "image" in named:
        feature_NF = _pool(named["image"], block(spec, pixels)).reshape(rows, -1)
    else:
        feature_NF = named.get("numeric", np.empty((rows, 0)))
    return feature_NF.astype(np.float64), named.get("categories", np.empty((rows, 0), np.int64))


def block(spec: Spec, pixels: int) -> int:
    """The side of the blocks of an image that are averaged so that at most ``pixels`` values are left; 1 for none."""
    side = 1
    if spec.image is not None:
        channels, height, width = spec.image
        while channels * -(-height // side) * -(-width // side) > pixels and side < max(height, width):
            side += 1
    return side


def width(spec: Spec, pixels: int) -> int:
    """How many columns of numbers :func:`flatten` gives."""
    if spec.image is None:
        return spec.features
    channels, high, wide = spec.image
    side = block(spec, pixels)
    return channels * -(-high // side) * -(-wide // side)


def _pool(image_NCHW: np.ndarray, side: int) -> np.ndarray:
    if side == 1:
        return image_NCHW
    rows, channels, height, width = image_NCHW.shape
    pad = ((0, 0), (0, 0), (0, -height % side), (0, -width % side))
    padded = np.pad(image_NCHW, pad, mode="edge")
    blocks = padded.reshape(rows, channels, padded.shape[2] // side, side, padded.shape[3] // side, side)
    return blocks.mean((3, 5))


def describe(used: int, rows: int, side: int) -> str:
    """The note for rows left out and pixels averaged.

    >>> describe(10000, 54000, 2)
    '10,000 of 54,000 rows, pixels averaged 2 x 2'
    """
    parts = [f"{used:,} of {rows:,} rows"] if used < rows else []
    if side > 1:
        parts.append(f"pixels averaged {side} x {side}")
    return ", ".join(parts)


def logits(probability_NM: np.ndarray, codes_M: np.ndarray, spec: Spec) -> np.ndarray:
    """Probabilities of the classes that were fitted, as a network's outputs.

    Args:
        probability_NM: Probabilities of M classes.
        codes_M: Their codes; classes that train lacks get the least probability.
        spec: Says how many outputs there are.
    """
    classes = max(2, spec.outputs)
    log_NC = np.full((len(probability_NM), classes), np.log(FLOOR))
    log_NC[:, codes_M.astype(np.int64)] = np.log(np.maximum(probability_NM, FLOOR))
    return log_NC[:, 1:] - log_NC[:, :1] if spec.task == "binary" else log_NC


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP on one thread.

    On several, sums may add up in another order and end in other bits; and where other work wants the processor,
    threads that wait for each other took 2.5 s of boosted trees to 120.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
