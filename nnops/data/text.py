"""Text files as they come: unpacked, decoded, and the sign found that separates fields."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from nnops.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
#: Seen in the wild, but as often a part of a name: a person must say so.
ODD_DELIMITERS = ("^", "~", "\x01", "\x1f", "#", ":", " ")
_SAMPLE_CHARS, _SAMPLE_ROWS = 200_000, 200
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DAMAGED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)


def read_packed(path: Path) -> bytes:
    """A file's content, unpacked where it is gzip, bzip2, xz or a zip of one file (told by content, not by name).

    Raises:
        DataError: A folder, or a damaged archive.
    """
    if path.is_dir():
        raise DataError(f"{path.name}: must be a file, got a folder.")
    content = path.read_bytes()
    try:
        if content.startswith(b"\x1f\x8b"):
            return gzip.decompress(content)
        if content.startswith(b"BZh"):
            return bz2.decompress(content)
        if content.startswith(b"\xfd7zXZ\x00"):
            return lzma.decompress(content)
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return archive.read(_only_entry(archive, path))
    except _DAMAGED as error:
        raise DataError(f"{path.name}: the compressed file is damaged ({error}); get it again.") from error
    return content


@contextmanager
def open_text(path: Path, encoding: str, newline: str = "") -> Iterator[TextIO]:
    """A file to be read from its start on, unpacked and decoded as :func:`read_packed` and :func:`decode_text` do.

    Args:
        path: The file.
        encoding: A name that Python knows, or ``auto``.
        newline: What ends a line, as :func:`open` takes it.

    Raises:
        DataError: A folder, a damaged archive, or an encoding that is not known.
    """
    if path.is_dir():
        raise DataError(f"{path.name}: must be a file, got a folder.")
    with ExitStack() as opened:
        try:
            with path.open("rb") as stream:
                start = stream.read(6)
            if start.startswith(b"\x1f\x8b"):
                content: Any = opened.enter_context(gzip.open(path))
            elif start.startswith(b"BZh"):
                content = opened.enter_context(bz2.open(path))
            elif start.startswith(b"\xfd7zXZ\x00"):
                content = opened.enter_context(lzma.open(path))
            elif start.startswith(b"PK\x03\x04"):
                archive = opened.enter_context(zipfile.ZipFile(path))
                content = opened.enter_context(archive.open(_only_entry(archive, path)))
            else:
                content = opened.enter_context(path.open("rb"))
            buffered = io.BufferedReader(content)
            wanted = encoding
            if encoding == "auto":
                start = buffered.peek(3)
                wanted = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
            try:
                text = io.TextIOWrapper(buffered, wanted, newline=newline)
            except LookupError as error:
                raise _unknown(encoding) from error
            yield text
        except _DAMAGED as error:
            # What the system refuses has a number, and is of another file perhaps.
            if getattr(error, "errno", None) is not None:
                raise
            raise DataError(f"{path.name}: the compressed file is damaged ({error}); get it again.") from error


def read_start(text: TextIO, name: str) -> str:
    """As much of a text as :func:`find_delimiter` looks at, and one sign more where there is more.

    Raises:
        DataError: Not text, or of another encoding.
    """
    try:
        sample = text.read(_SAMPLE_CHARS + 1)
    except UnicodeDecodeError as error:
        raise not_decoded(error, name) from error
    if "\0" in sample[:10_000]:
        raise DataError(f"{name}: must be a text file, but it holds binary data.")
    return sample


def not_decoded(error: UnicodeDecodeError, where: str) -> DataError:
    """What is wrong with bytes that came while a text was read."""
    return DataError(
        f"{where}: must be encoded as {error.encoding}, got the byte 0x{error.object[error.start]:02x}; cp1252 and"
        " latin-1 are common ones: set data.source.options.encoding."
    )


def find_encoding(content: bytes) -> str | None:
    """The encoding of a text: by its mark, else UTF-8, else cp1252 where that fits; None where nothing does."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    for encoding in ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return encoding
    return None


def decode_text(content: bytes, encoding: str, name: str) -> str:
    """Decode, with UTF-8 and marked UTF-16 found alone; another encoding must be said, since a guess can spoil words.

    Args:
        content: All bytes.
        encoding: A name that Python knows, or ``auto``.
        name: The file's name, for messages.

    Raises:
        DataError: Not text, or of another encoding; the line and the likely encoding are named.
    """
    found = find_encoding(content)
    wanted = (found if found and found.startswith("utf") else "utf-8") if encoding == "auto" else encoding
    if b"\0" in content[:10_000] and not wanted.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        raise DataError(f"{name}: must be a text file, but it holds binary data.")
    try:
        return content.decode(wanted)
    except LookupError as error:
        raise _unknown(encoding) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = f"it looks like {found}" if found and found != wanted else "cp1252 and latin-1 are common ones"
        raise DataError(
            f"{name}: line {line}: must be encoded as {wanted}, got the byte 0x{content[error.start]:02x}; {hint}: set "
            "data.source.options.encoding."
        ) from error


def _unknown(encoding: str) -> DataError:
    return DataError(
        f"params.yaml: data.source.options.encoding must be an encoding such as utf-8 or cp1252, got '{encoding}'."
    )


def _only_entry(archive: zipfile.ZipFile, path: Path) -> str:
    inside = [entry for entry in archive.namelist() if not entry.endswith("/")]
    if len(inside) != 1:
        raise DataError(f"{path.name}: a zip must hold one file, got {len(inside)}; unpack it first.")
    return inside[0]


def find_delimiter(text: str) -> str:
    """The sign that splits the header and most rows into the same number of fields, at least two; else a comma."""
    sample = text[:_SAMPLE_CHARS]
    best, best_score = ",", (0.0, 1)
    for sign in DELIMITERS:
        try:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=sign, skipinitialspace=True)
            widths = [len(row) for row in islice(reader, _SAMPLE_ROWS) if row]
        except csv.Error:
            continue
        if len(sample) < len(text) and len(widths) > 1 and len(widths) < _SAMPLE_ROWS:
            # The last row may be cut off by the sample's end.
            widths.pop()
        if not widths or widths[0] < 2:
            continue
        score = (round(sum(width == widths[0] for width in widths) / len(widths), 1), widths[0])
        if score > best_score:
            best, best_score = sign, score
    return best


def shown(text: str) -> str:
    """Text in quotes for a message: short, and with invisible signs made visible."""
    visible = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return f"'{visible}'" if len(visible) <= 60 else f"'{visible[:57]}...'"
