"""Text files as they come: unpacked, decoded, and the sign found that separates fields."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from itertools import islice
from pathlib import Path

from nnops.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
#: Seen in the wild, but as often a part of a name: a person must say so.
ODD_DELIMITERS = ("^", "~", "\x01", "\x1f", "#", ":", " ")
_SAMPLE_CHARS, _SAMPLE_ROWS = 200_000, 200
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


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
                inside = [entry for entry in archive.namelist() if not entry.endswith("/")]
                if len(inside) != 1:
                    raise DataError(f"{path.name}: a zip must hold one file, got {len(inside)}; unpack it first.")
                return archive.read(inside[0])
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name}: the compressed file is damaged ({error}); get it again.") from error
    return content


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
        raise DataError(
            f"params.yaml: data.source.options.encoding must be an encoding such as utf-8 or cp1252, got '{encoding}'."
        ) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = f"it looks like {found}" if found and found != wanted else "cp1252 and latin-1 are common ones"
        raise DataError(
            f"{name}: line {line}: must be encoded as {wanted}, got the byte 0x{content[error.start]:02x}; {hint}: set "
            "data.source.options.encoding."
        ) from error


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
