"""A folder of WAV files with one sub-folder for each class."""

from pathlib import Path
from typing import Self

from nnops.data.reader import Reader, Sounds, existing
from nnops.errors import DataError

SUFFIXES = {".wav", ".wave"}


class WavFolder(Reader):
    """``path/CLASS/FILE.wav``; hidden and other files are left alone. ``data.audio`` says what is made of them."""

    path: str

    @classmethod
    def examples(cls) -> list[Self]:
        """A folder."""
        return [cls(path="sounds")]

    def read(self, root: Path, target: str) -> Sounds:
        """See :class:`Reader`; labels are the names of the sub-folders, and the files are only listed."""
        import pandas as pd

        folder, files = existing(root, self.path), self.files(root)
        return Sounds(tuple(files), pd.Series([path.parent.name for path in files], name=target), folder.name, folder)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`; in the order of class and name."""
        folder = existing(root, self.path)
        if not folder.is_dir():
            raise DataError(f"{self.path}: must be a folder with one sub-folder for each class, got a file.")
        files = find_sounds(folder, "*/*")
        if not files:
            raise DataError(f"{self.path}: must have one sub-folder of WAV files for each class, found none in any.")
        return files


def find_sounds(folder: Path, pattern: str) -> list[Path]:
    """WAV files by name, in the order of their paths."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
