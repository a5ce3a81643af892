"""What a reader is, and what it can give: a table, images, images with masks, or sounds."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.catalog import Component, nearest
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from nnops.data.by_column import ByColumn

#: Options of readers that name a file or a folder.
PLACES = ("path", "images", "labels", "masks")


@dataclass(frozen=True)
class Table:
    """Rows with named columns, the target among them; nothing is cleaned yet.

    Attributes:
        frame: As read; its index counts rows from 0.
        where: What to call the source in messages, such as ``adult.csv``.
    """

    frame: "pd.DataFrame"
    where: str


@dataclass(frozen=True)
class Images:
    """Images of one size, each with a label.

    Attributes:
        pixels_NCHW: uint8.
        labels: N labels, text or numbers.
        where: What to call the source in messages.
        columns: Names of the pixels in the order C, H, W, where the source is known as a table as well.
    """

    pixels_NCHW: "np.ndarray"
    labels: "pd.Series"
    where: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sounds:
    """Files of sound, each with a label; nothing is read yet.

    Attributes:
        files: WAV files.
        labels: A label for each, text or numbers.
        where: What to call the source in messages.
        base: Files are named from here in messages.
    """

    files: tuple[Path, ...]
    labels: "pd.Series"
    where: str
    base: Path


@dataclass(frozen=True)
class Masks:
    """Images of one size, each with a class for every pixel.

    Attributes:
        pixels_NCHW: uint8.
        value_NHW: uint8, what stands in the masks.
        classes: The name of each value that stands for a class.
        names: Names of the images' files.
        where: What to call the source in messages.
    """

    pixels_NCHW: "np.ndarray"
    value_NHW: "np.ndarray"
    classes: dict[int, str]
    names: tuple[str, ...]
    where: str


class Reader(Component):
    """A kind of source; its fields are the options under ``data.source.options``."""

    @abstractmethod
    def read(self, root: Path, target: str) -> Table | Images | Masks | Sounds:
        """Read everything.

        Args:
            root: The folder that relative paths start from.
            target: Name of the target column; sources that have no column names give the labels this name.

        Raises:
            DataError: The source is missing or damaged; the message says where.
        """

    def by_column(self, root: Path, folder: Path) -> "tuple[ByColumn, str] | None":
        """The rows of a table one column at a time, and what to call it; None where a source is read whole.

        Args:
            root: The folder that relative paths start from.
            folder: Takes what has to be written for it; it is there as long as the rows are asked for.

        Raises:
            DataError: As :meth:`read`.
        """
        del root, folder

    def measure_bytes(self, root: Path) -> int:
        """Bytes of memory that :meth:`read` and what follows take, roughly; 0 where that is not known.

        Raises:
            DataError: A file is missing or damaged.
        """
        del root
        return 0

    def places(self) -> dict[str, str]:
        """The files and folders that its options name, by option."""
        return {name: value for name, value in self if name in PLACES and isinstance(value, str)}

    @abstractmethod
    def files(self, root: Path) -> list[Path]:
        """The files that are read, for fingerprints.

        Raises:
            DataError: A file is missing.
        """


def existing(root: Path, path: str) -> Path:
    """The path from ``root``, checked to exist.

    Raises:
        DataError: No such file or folder; the message names the nearest one beside it.
    """
    full = root / path
    if full.exists():
        return full
    folder = full.parent
    if not folder.is_dir():
        raise DataError(f"{path}: no such file; the folder {folder} does not exist.")
    guess = nearest(full.name, [entry.name for entry in folder.iterdir()])
    hint = f"did you mean '{guess}'?" if guess else f"looked in {folder.resolve()}."
    raise DataError(f"{path}: no such file; {hint}")
