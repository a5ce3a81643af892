"""Parquet: a table whose columns have types."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from nnops.data.reader import Reader, Table, existing
from nnops.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

    from nnops.data.by_column import ByColumn

#: A table that is prepared whole takes about so many times its numbers, eight bytes each.
TIMES = 6


class Parquet(Reader):
    """One Parquet file."""

    path: str

    @classmethod
    def examples(cls) -> list[Self]:
        """A path is all it needs."""
        return [cls(path="rows.parquet")]

    def read(self, root: Path, target: str) -> Table:
        """See :class:`Reader`."""
        del target
        return Table(self.frame(existing(root, self.path)), Path(self.path).name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`."""
        return [existing(root, self.path)]

    def measure_bytes(self, root: Path) -> int:
        """See :class:`Reader`."""
        found = _open(existing(root, self.path)).metadata
        return TIMES * 8 * found.num_rows * found.num_columns

    def by_column(self, root: Path, folder: Path) -> "tuple[ByColumn, str]":
        """See :class:`Reader`; columns are read from the file itself."""
        from nnops.data.by_column import ByColumn

        del folder
        path = existing(root, self.path)
        names = _check(_open(path), path.name)

        def read(name: str) -> "pd.Series":
            import pyarrow as pa

            # Opened anew: an open file keeps what was read of it.
            try:
                values = _open(path).read(columns=[name]).to_pandas(ignore_metadata=True)[name]
            except (pa.ArrowException, OSError) as error:
                raise _damaged(path, error) from error
            pa.default_memory_pool().release_unused()
            return values

        return ByColumn(names, _open(path).metadata.num_rows, read), Path(self.path).name

    def frame(self, path: Path) -> "pd.DataFrame":
        """Read one file; an index that pandas wrote beside the columns is left out.

        Raises:
            DataError: Not Parquet, no rows, columns of lists or structures.
        """
        import pyarrow as pa

        opened = _open(path)
        names = _check(opened, path.name)
        try:
            return opened.read(columns=names).to_pandas(ignore_metadata=True)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error


def _open(path: Path) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path.name}: must be a Parquet file ({str(error).splitlines()[0]}).")


def _check(opened: "pq.ParquetFile", where: str) -> list[str]:
    """The names of the columns that are read."""
    import pyarrow as pa

    schema = opened.schema_arrow
    twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{where}: each column must have its own name, but '{twice}' is there twice; rename one.")
    fields = [field for field in schema if not field.name.startswith("__index_level_")]
    for field in fields:
        if pa.types.is_nested(field.type):
            raise DataError(f"{where}: column '{field.name}' must hold single values, got {field.type}.")
    if opened.metadata.num_rows == 0:
        raise DataError(f"{where}: must hold rows, got none.")
    return [field.name for field in fields]
