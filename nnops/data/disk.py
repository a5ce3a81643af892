"""A column of a split that stays on disk: rows are read when they are asked for, in blocks that lie together."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

#: Bytes that are read in one go.
BLOCK_BYTES = 256 << 10


class OnDisk:
    """As much of a tensor as a training needs of it.

    Args:
        path: An array as NumPy writes it.
        device: Where what is read goes.
        finish: What is done to rows that were read, such as scaling.

    Attributes:
        shape: Of the whole array.
        block: Rows that are read in one go.
    """

    def __init__(self, path: Path, device: str, finish: "Callable[[torch.Tensor], torch.Tensor] | None" = None) -> None:
        self._path = path
        self._device = device
        self._finish = finish
        # Not mapped into memory: a map counts as memory where that is limited.
        with path.open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            self.shape, fortran, self._dtype = read(stream)
            self._start = stream.tell()
        assert not fortran
        self._row = int(np.prod(self.shape[1:]))
        self.block = max(1, BLOCK_BYTES // max(self._row * self._dtype.itemsize, 1))

    def element_size(self) -> int:
        """Bytes of one number on disk."""
        return self._dtype.itemsize

    def __getitem__(self, rows: int | slice) -> "torch.Tensor":
        """One row, or rows that follow each other."""
        if isinstance(rows, int):
            return self._ready(self._read(rows, rows + 1))[0]
        start, stop, step = rows.indices(self.shape[0])
        assert step == 1
        return self._ready(self._read(start, stop))

    def index_select(self, dim: int, rows: "torch.Tensor") -> "torch.Tensor":
        """Rows in any order; each block that they lie in is read once."""
        assert dim == 0
        place = rows.cpu().numpy()
        order = np.argsort(place, kind="stable")
        block = place[order] // self.block
        found = np.empty((len(place), *self.shape[1:]), self._dtype)
        # Blocks that follow each other are read together.
        for run in np.split(order, np.flatnonzero(np.diff(block) > 1) + 1):
            start = int(place[run[0]])
            found[run] = self._read(start, int(place[run[-1]]) + 1)[place[run] - start]
        return self._ready(found)

    def _read(self, start: int, stop: int) -> np.ndarray:
        stop = max(min(stop, self.shape[0]), start)
        offset = self._start + start * self._row * self._dtype.itemsize
        numbers = np.fromfile(self._path, self._dtype, (stop - start) * self._row, offset=offset)
        return numbers.reshape(stop - start, *self.shape[1:])

    def _ready(self, rows: np.ndarray) -> "torch.Tensor":
        import torch

        tensor = torch.from_numpy(rows).to(self._device)
        return tensor if self._finish is None else self._finish(tensor)
