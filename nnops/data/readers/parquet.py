"""Parquet: a table whose columns have types."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from nnops.data.reader import Reader, Table, existing
from nnops.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


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

    def frame(self, path: Path) -> "pd.DataFrame":
        """Read one file; an index that pandas wrote beside the columns is left out.

        Raises:
            DataError: Not Parquet, no rows, columns of lists or structures.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(path).read()
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path.name}: must be a Parquet file ({str(error).splitlines()[0]}).") from error
        twice = next((name for name in table.column_names if table.column_names.count(name) > 1), None)
        if twice is not None:
            raise DataError(
                f"{path.name}: each column must have its own name, but '{twice}' is there twice; rename one."
            )
        index = [name for name in table.column_names if name.startswith("__index_level_")]
        table = table.drop_columns(index)
        for field in table.schema:
            if pa.types.is_nested(field.type):
                raise DataError(f"{path.name}: column '{field.name}' must hold single values, got {field.type}.")
        if table.num_rows == 0:
            raise DataError(f"{path.name}: must hold rows, got none.")
        return table.to_pandas(ignore_metadata=True)
