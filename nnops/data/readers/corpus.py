"""A corpus: running text in one file, or in all text files of a folder; each file is one text."""

from pathlib import Path
from typing import Self

from nnops.data.reader import Reader, Table, existing
from nnops.data.text import decode_text, read_packed
from nnops.errors import DataError

#: The column that the texts stand in.
COLUMN = "text"
SUFFIX = ".txt"


class Corpus(Reader):
    """A file, or a folder whose ``.txt`` files (also in sub-folders) are read in the order of their names."""

    path: str
    encoding: str = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """A path is all it needs."""
        return [cls(path="corpus.txt")]

    def read(self, root: Path, target: str) -> Table:
        """See :class:`Reader`; the table has the one column ``text``.

        Raises:
            DataError: No file, or one that is no text.
        """
        import pandas as pd

        del target
        files = self.files(root)
        base = root / self.path
        names = [file.relative_to(base).as_posix() if base.is_dir() else file.name for file in files]
        texts = [
            # As written on any system, so that the same text is the same tokens.
            decode_text(read_packed(file), self.encoding, name).replace("\r\n", "\n")
            for file, name in zip(files, names, strict=True)
        ]
        empty = next((name for name, text in zip(names, texts, strict=True) if not text.strip()), None)
        if empty is not None:
            raise DataError(f"{empty}: must hold text, but it is empty; remove the file, or name another one.")
        return Table(pd.DataFrame({COLUMN: pd.array(texts, dtype="str")}), Path(self.path).name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`."""
        path = existing(root, self.path)
        if not path.is_dir():
            return [path]
        files = find_texts(path)
        if not files:
            raise DataError(f"{self.path}: must hold {SUFFIX} files, found none.")
        return files


def find_texts(folder: Path) -> list[Path]:
    """The text files of a folder, also in sub-folders, in the order of their names; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob(f"*{SUFFIX}")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
