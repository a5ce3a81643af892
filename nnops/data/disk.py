"""A column of a split that stays on disk: rows are read when they are asked for, in blocks that lie together."""

import os
import weakref
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnops.errors import DataError

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
        self._device = device
        self._finish = finish
        # Not mapped into memory: a map counts as memory where that is limited.
        self._file = path.open("rb", buffering=0)
        weakref.finalize(self, self._file.close)
        version = np.lib.format.read_magic(self._file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        self.shape, fortran, self._dtype = read(self._file)
        self._start = self._file.tell()
        assert not fortran
        self._row_bytes = int(np.prod(self.shape[1:])) * self._dtype.itemsize
        self.block = max(1, BLOCK_BYTES // max(self._row_bytes, 1))
        # One block at a time is read into the same memory, which stays in the cache of the core.
        self._room = np.empty((min(self.block, self.shape[0]), *self.shape[1:]), self._dtype)

    def element_size(self) -> int:
        """Bytes of one number on disk."""
        return self._dtype.itemsize

    def __getitem__(self, rows: int | slice) -> "torch.Tensor":
        """One row, or rows that follow each other."""
        if isinstance(rows, int):
            return self[rows : rows + 1][0]
        start, stop, step = rows.indices(self.shape[0])
        assert step == 1
        found = np.empty((max(stop - start, 0), *self.shape[1:]), self._dtype)
        self._read(start, found)
        return self._ready(found)

    def index_select(self, dim: int, rows: "torch.Tensor") -> "torch.Tensor":
        """Rows in any order; each block that they lie in is read once."""
        assert dim == 0
        place = rows.cpu().numpy()
        order = np.argsort(place)
        ordered = place[order]
        found = np.empty((len(place), *self.shape[1:]), self._dtype)
        each_once = bool(np.diff(ordered).all())
        for begin, end in self._blocks(ordered):
            start, stop = int(ordered[begin]), int(ordered[end - 1]) + 1
            room = self._room[: stop - start]
            self._read(start, room)
            wanted = order[begin:end]
            # Blocks of which every row is wanted are copied as they lie.
            dense = each_once and end - begin == stop - start
            found[wanted] = room if dense else room[ordered[begin:end] - start]
        return self._ready(found)

    def expect(self, rows: "torch.Tensor") -> None:
        """Say which rows are asked for next: where the system can, it reads them while something else is done."""
        if not hasattr(os, "posix_fadvise"):
            return
        ordered = np.sort(rows.cpu().numpy())
        for begin, end in self._blocks(ordered):
            start, stop = int(ordered[begin]), int(ordered[end - 1]) + 1
            offset, size = self._start + start * self._row_bytes, (stop - start) * self._row_bytes
            os.posix_fadvise(self._file.fileno(), offset, size, os.POSIX_FADV_WILLNEED)

    def _blocks(self, ordered: np.ndarray) -> list[tuple[int, int]]:
        """First and last-plus-one place of the rows of each block among rows that rise."""
        cut = (np.flatnonzero(np.diff(ordered // self.block)) + 1).tolist()
        return list(pairwise([0, *cut, len(ordered)]))

    def _read(self, start: int, into: np.ndarray) -> None:
        if not into.size:
            return
        left = into.data.cast("B")
        self._file.seek(self._start + start * self._row_bytes)
        # A system may give less than it is asked for, such as 2 GB.
        while left:
            count = self._file.readinto(left)
            if not count:
                raise DataError(f"{self._file.name}: ends before its last row; run 'dvc repro prepare' again.")
            left = left[count:]

    def _ready(self, rows: np.ndarray) -> "torch.Tensor":
        import torch

        tensor = torch.from_numpy(rows).to(self._device)
        return tensor if self._finish is None else self._finish(tensor)
