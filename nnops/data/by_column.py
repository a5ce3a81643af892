"""A table on disk of which one column at a time is in memory."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

#: Cells that are Python objects at a time while a text file is read.
CELLS = 200_000


class ByColumn:
    """As much of a frame as preparing it needs: what asks for one column after the other takes either.

    Args:
        columns: Names of the columns.
        rows: How many rows the source has.
        read: Gives a whole column by its name, as a frame that was read at once would hold it.
        kept: Row numbers of the source that are left, int64, rising; None for all.
    """

    def __init__(
        self, columns: Sequence[str], rows: int, read: Callable[[str], pd.Series], kept: np.ndarray | None = None
    ) -> None:
        self.columns = list(columns)
        self.index = pd.RangeIndex(rows) if kept is None else pd.Index(kept)
        self._rows = rows
        self._read = read
        self._kept = kept

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, name: str) -> pd.Series:
        values = self._read(name)
        return values if self._kept is None else values.iloc[self._kept]

    def take(self, rows: np.ndarray) -> "ByColumn":
        """The rows at these places, as :meth:`pandas.DataFrame.iloc` counts them."""
        return ByColumn(self.columns, self._rows, self._read, rows if self._kept is None else self._kept[rows])

    def through(self, change: Callable[[str, pd.Series], pd.Series]) -> "ByColumn":
        """The same with each column changed when it is read."""
        return ByColumn(self.columns, self._rows, lambda name: change(name, self._read(name)), self._kept)

    def with_column(self, name: str, values: pd.Series, without: Sequence[str]) -> "ByColumn":
        """The same with one more column, which is in memory, and without others."""
        columns = [other for other in self.columns if other not in without and other != name]
        return ByColumn(
            [*columns, name], self._rows, lambda asked: values if asked == name else self._read(asked), self._kept
        )


class Cells:
    """Columns of text in a folder, written in pieces: the bytes of the cells, and where each of them ends.

    Args:
        folder: Is made; two files for each column.
        columns: Names of the columns.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        folder.mkdir(parents=True)
        self.columns = list(columns)
        self.rows = 0
        self._folder = folder
        self._bytes = [0] * len(self.columns)

    def append(self, rows: Sequence[Sequence[str]]) -> None:
        """Add rows, each as wide as there are columns."""
        import pyarrow as pa

        for place, cells in enumerate(zip(*rows, strict=True)):
            _, ends, content = pa.array(cells, pa.large_string()).buffers()
            end_N = np.frombuffer(ends, np.int64, len(cells), 8)
            self._write(place, "ends", (end_N + self._bytes[place]).tobytes())
            self._bytes[place] += int(end_N[-1])
            self._write(place, "text", memoryview(content)[: int(end_N[-1])] if content else b"")
        self.rows += len(rows)

    def read(self, name: str) -> pd.Series:
        """A whole column."""
        import pyarrow as pa

        place = self.columns.index(name)
        ends = np.concatenate([[0], np.fromfile(self._path(place, "ends"), np.int64)])
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.fromfile(self._path(place, "text"), np.uint8))]
        cells = pa.Array.from_buffers(pa.large_string(), self.rows, buffers)
        return pd.Series(pd.array(cells, dtype="str"), name=name)

    def _path(self, place: int, what: str) -> Path:
        return self._folder / f"{place}.{what}"

    def _write(self, place: int, what: str, content: bytes | memoryview) -> None:
        with self._path(place, what).open("ab") as stream:
            stream.write(content)
