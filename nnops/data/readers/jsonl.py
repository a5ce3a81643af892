"""JSON lines: one object a line, its keys the columns; keys of an object within are joined by a dot."""

import json
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from nnops.data.reader import Reader, Table, existing
from nnops.data.text import decode_text, not_decoded, open_text, read_packed, shown
from nnops.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from nnops.data.by_column import ByColumn

#: A table that is prepared whole takes about so many times its file.
TIMES = 12
#: Objects within objects, at most so deep.
DEEPEST = 20


class Jsonl(Reader):
    """A text file, plain or compressed; a key that a line leaves out is a missing value there."""

    path: str

    @classmethod
    def examples(cls) -> list[Self]:
        """A path is all it needs."""
        return [cls(path="rows.jsonl")]

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
        """See :class:`Reader`; the file is read twice, first for the keys alone."""
        import pandas as pd

        from nnops.data.by_column import CELLS, ByColumn, Cells

        path = existing(root, self.path)
        names = list(dict.fromkeys(key for found in _objects(path) for key in found))
        if not names:
            raise DataError(f"{path.name}: must hold one JSON object a line, but the file has none with a key.")
        cells, objects = Cells(folder, names), _objects(path)
        while batch := list(islice(objects, max(1, CELLS // len(names)))):
            cells.append([[json.dumps(found.get(name)) for name in names] for found in batch])

        def read(name: str) -> pd.Series:
            values = json.loads(f"[{','.join(cells.read(name))}]", parse_int=_number)
            return pd.Series(_alike(values), name=name)

        return ByColumn(names, cells.rows, read), Path(self.path).name

    def frame(self, path: Path) -> "pd.DataFrame":
        """Read one file; columns come in the order in which their keys first appear.

        Raises:
            DataError: Empty, not UTF-8, a line that is no JSON object, a list where a single value is due.
        """
        import pandas as pd

        name = path.name
        # A line may hold any sign but a line feed, so the other separators of str.splitlines() do not end it.
        lines = decode_text(read_packed(path), "auto", name).split("\n")
        columns: dict[str, list[Any]] = {}
        rows = 0
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            for key, value in _object(line, f"{name}: line {number}").items():
                values = columns.setdefault(key, [])
                values += [None] * (rows - len(values))
                values.append(value)
            rows += 1
        if not columns:
            raise DataError(f"{name}: must hold one JSON object a line, but the file has none with a key.")
        for values in columns.values():
            values += [None] * (rows - len(values))
        return pd.DataFrame({key: pd.Series(_alike(values)) for key, values in columns.items()})


def _objects(path: Path) -> "Iterator[dict[str, Any]]":
    """The objects of a file, each flat, without holding more than one of them."""
    number = 0
    with open_text(path, "auto", newline="\n") as text:
        try:
            for number, line in enumerate(text, start=1):
                if line.strip():
                    yield _object(line.rstrip("\n"), f"{path.name}: line {number}")
        except UnicodeDecodeError as error:
            raise not_decoded(error, f"{path.name}: after line {number}") from error


def is_json_lines(path: Path) -> bool:
    """Whether a file is called as JSON lines are, compressed or not.

    >>> is_json_lines(Path("rows.jsonl")), is_json_lines(Path("rows.ndjson.gz")), is_json_lines(Path("rows.csv"))
    (True, True, False)
    """
    kinds = {".jsonl", ".ndjson", ".json"}
    ends = [end.lower() for end in path.suffixes[-2:]]
    return bool(ends) and (ends[-1] in kinds or (ends[-1] in {".gz", ".bz2", ".xz", ".zip"} and ends[0] in kinds))


def _object(line: str, where: str) -> dict[str, Any]:
    """One line as a flat dict of single values."""
    try:
        found = json.loads(line, object_pairs_hook=lambda pairs: _once(pairs, where), parse_int=_number)
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and line.lstrip()[:1] in "{[":
            hint = "one line must hold one object alone"
        else:
            hint = f"{error.msg} at sign {error.pos + 1}"
        raise DataError(f"{where}: not valid JSON ({hint}): {shown(line.strip())}.") from error
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: half of a pair of escapes such as \\ud83d stands alone; remove it.") from error
    except RecursionError as error:
        raise DataError(f"{where}: objects must be at most {DEEPEST} deep.") from error
    if not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else "a single value"
        raise DataError(f'{where}: must hold one JSON object such as {{"age": 31}}, got {kind} {shown(line.strip())}.')
    flat: dict[str, Any] = {}
    for key, value in _flatten(cast("dict[str, Any]", found), where):
        if key in flat:
            raise DataError(f"{where}: the key '{key}' is there twice, once joined by a dot; rename one.")
        flat[key] = value
    return flat


def _number(digits: str) -> float:
    """A whole number; one that no float can hold is infinite, as in any other file."""
    return float(digits) if len(digits) > 300 else int(digits)


def _once(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key in record:
            raise DataError(f"{where}: the key '{key}' is there twice; remove one.")
        record[key] = value
    return record


def _flatten(record: dict[str, Any], where: str, before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        raise DataError(f"{where}: objects must be at most {DEEPEST} deep.")
    for key, value in record.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            yield from _flatten(cast("dict[str, Any]", value), where, f"{name}.", depth + 1)
        elif isinstance(value, list):
            raise DataError(
                f"{where}: '{name}' must hold a single value, got the list {shown(json.dumps(value))}; "
                "give each of its values a key of its own."
            )
        else:
            yield name, value


def _alike(values: list[Any]) -> list[Any]:
    """Values of one column; NaN, which some programs write though JSON has none, is missing."""
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]
