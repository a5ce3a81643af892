"""CSV and its relatives: delimiter and encoding detected, plain or compressed, every row as wide as the header."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TextIO

from pydantic import Field

from nnops.data.reader import Reader, Table, existing
from nnops.data.text import (
    ODD_DELIMITERS,
    decode_text,
    find_delimiter,
    not_decoded,
    open_text,
    read_packed,
    read_start,
    shown,
)
from nnops.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from nnops.data.by_column import ByColumn

#: Rows that are Python objects at a time; after that they are compact columns.
BATCH = 50_000
#: A table that is prepared whole takes about so many times its file.
TIMES = 12


class Csv(Reader):
    """A text file with one row a line; cells are kept as text, what they mean is decided later."""

    path: str
    delimiter: Annotated[str, Field(pattern=r"^(auto|.|\t)$")] = "auto"
    encoding: str = Field(default="auto", description="auto: UTF-8, or UTF-16 with its mark")
    decimal: Literal[".", ","] = "."
    columns: tuple[str, ...] | None = Field(
        default=None, description="Names of the columns, where the file has no header line"
    )

    @classmethod
    def examples(cls) -> list[Self]:
        """Detected, and all said."""
        return [cls(path="rows.csv"), cls(path="rows.csv", delimiter=";", encoding="cp1252", decimal=",")]

    def read(self, root: Path, target: str) -> Table:
        """See :class:`Reader`."""
        del target
        return Table(self.frame(existing(root, self.path)), Path(self.path).name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`."""
        return [existing(root, self.path)]

    def measure_bytes(self, root: Path) -> int:
        """See :class:`Reader`."""
        return TIMES * existing(root, self.path).stat().st_size

    def by_column(self, root: Path, folder: Path) -> "tuple[ByColumn, str]":
        """See :class:`Reader`; cells are written to the folder once, column by column."""
        from nnops.data.by_column import CELLS, ByColumn, Cells

        path = existing(root, self.path)
        name = path.name
        with open_text(path, self.encoding) as text:
            sample = read_start(text, name)
        if not sample.strip():
            raise DataError(f"{name}: must hold a header and rows, but the file is empty.")
        delimiter = find_delimiter(sample) if self.delimiter == "auto" else self.delimiter
        with open_text(path, self.encoding) as text:
            rows = _rows(text, delimiter, name)
            header = list(self.columns) if self.columns else _header(next(rows)[1], name)
            cells = Cells(folder, header)
            checked = _checked(rows, len(header), delimiter, name)
            while batch := list(islice(checked, max(1, CELLS // len(header)))):
                cells.append(batch)
        if not cells.rows:
            raise DataError(f"{name}: must hold rows, but there is only the header {shown(delimiter.join(header))}.")
        found = ByColumn(header, cells.rows, cells.read)
        commas = self.decimal == ","
        return found.through(lambda _, values: _with_points(values)) if commas else found, Path(self.path).name

    def frame(self, path: Path) -> "pd.DataFrame":
        """Read one file; every cell is text.

        Raises:
            DataError: Empty, header only, ragged, not text, not of this encoding.
        """
        import pandas as pd

        name = path.name
        text = decode_text(read_packed(path), self.encoding, name)
        if not text.strip():
            raise DataError(f"{name}: must hold a header and rows, but the file is empty.")
        delimiter = find_delimiter(text) if self.delimiter == "auto" else self.delimiter
        rows = _rows(io.StringIO(text, newline=""), delimiter, name)
        header = list(self.columns) if self.columns else _header(next(rows)[1], name)
        pieces: list[pd.DataFrame] = []
        checked = _checked(rows, len(header), delimiter, name)
        while batch := list(islice(checked, BATCH)):
            columns = (pd.array(list(cells), dtype="str") for cells in zip(*batch, strict=True))
            pieces.append(pd.DataFrame(dict(zip(header, columns, strict=True))))
        if not pieces:
            raise DataError(f"{name}: must hold rows, but there is only the header {shown(delimiter.join(header))}.")
        frame = pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)
        return _points_for_commas(frame) if self.decimal == "," else frame


def _rows(text: TextIO, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line on which they end; blank lines are left out."""
    reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            line = reader.line_num
            raise DataError(
                f"{name}: line {line}: not valid CSV ({error}); look for a quote that is not closed."
            ) from error
        except UnicodeDecodeError as error:
            raise not_decoded(error, f"{name}: after line {reader.line_num}") from error
        if row is None:
            return
        if any(cell.strip() for cell in row) or len(row) > 1:
            yield reader.line_num, row


def _checked(rows: Iterator[tuple[int, list[str]]], width: int, delimiter: str, name: str) -> Iterator[list[str]]:
    for line, row in rows:
        if len(row) != width:
            raise DataError(
                f"{name}: line {line} must have {width} fields separated by {shown(delimiter)} as the header has, "
                f"got {len(row)}."
            )
        yield row


def _header(cells: list[str], name: str) -> list[str]:
    names = [cell.strip() or f"unnamed_{index}" for index, cell in enumerate(cells, 1)]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise DataError(f"{name}: each column must have its own name, but '{twice}' is there twice; rename one.")
    if all(_is_number(cell) for cell in cells):
        raise DataError(
            f"{name}: the first line must name the columns, got {shown(', '.join(cells))}; add a header line, "
            "or give the names in data.source.options.columns."
        )
    if len(names) == 1 and (odd := next((sign for sign in ODD_DELIMITERS if sign in names[0]), None)):
        raise DataError(
            f"{name}: fields must be separated by a comma, semicolon, tab or bar, got one column {shown(names[0])}; if "
            f"{shown(odd)} separates them, set data.source.options.delimiter to it."
        )
    return names


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _points_for_commas(frame: "pd.DataFrame") -> "pd.DataFrame":
    from nnops.data.values import column

    for name in frame.columns:
        frame[name] = _with_points(column(frame, name))
    return frame


def _with_points(cells: "pd.Series") -> "pd.Series":
    """Decimal commas as points, in cells that are numbers; other text keeps its commas."""
    number = r"^\s*([-+]?\d+),(\d+(?:[eE][-+]?\d+)?)\s*$"
    return cells.str.replace(number, r"\1.\2", regex=True)
