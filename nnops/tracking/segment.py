"""A segment: the file in the spool to which one process appends what it says of one run, while it has it open.

    SPOOL/ops/TIME-PID-COUNT.jsonl     one JSON object a line; the first one is the header
    SPOOL/files/TIME-PID-COUNT/N/NAME  copies of the files that its lines name

The process holds a file lock on its segment. The system drops the lock when the process closes the file or dies by
whatever cause, so the writer knows that a segment is complete without knowing processes. Lines carry their times, so
that sending one twice says the same twice.
"""

import fcntl
import itertools
import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from nnops.errors import TrackingError
from nnops.tracking.tracker import now_ms

SUFFIX = ".jsonl"
#: A file larger than this is not copied into the spool.
MAX_FILE_BYTES = 512 * 2**20

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_count = itertools.count()
_LAST_WORDS = ("finish", "leave")
_log = logging.getLogger(__name__)


def ops_folder(spool: Path) -> Path:
    """Where the segments of a spool lie."""
    return spool / "ops"


def segments(spool: Path) -> list[str]:
    """The names of the segments of a spool, the oldest first.

    Raises:
        FileNotFoundError: There is no spool.
    """
    with os.scandir(ops_folder(spool)) as entries:
        return sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))


def staged_folder(segment: Path) -> Path:
    """Where the copies of files of a segment lie."""
    return segment.parent.parent / "files" / segment.stem


class Segment:
    """A segment, open for appending."""

    def __init__(self, spool: Path, header: dict[str, Any]) -> None:
        # Names sort by birth, also of two that one process makes in one millisecond.
        name = f"{now_ms():013d}-{os.getpid()}-{next(_count):09d}"
        self.path = ops_folder(spool) / (name + SUFFIX)
        part = self.path.with_suffix(".new")
        self._fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._torn = False
        self._staged = itertools.count()
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self.append(header)
        part.rename(self.path)  # The writer sees it from here on: locked, and with its header.

    @property
    def open(self) -> bool:
        """Whether more may be appended."""
        return self._fd >= 0

    def append(self, op: dict[str, Any]) -> None:
        """Append one line; it is with the system when this returns, and survives the end of the process.

        Raises:
            OSError: The disk is full.
        """
        rest = memoryview((("\n" if self._torn else "") + _encode(op) + "\n").encode())
        self._torn = True
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        self._torn = False

    def stage(self, path: Path) -> str:
        """Copy a file into the spool, since its owner may change or delete it before it is sent.

        Returns:
            Where the copy lies, relative to the segment's folder of files.

        Raises:
            TrackingError: There is no such file, or it is too large.
        """
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise TrackingError(f"{path}: there is no such file to track.") from error
        if not path.is_file() or size > MAX_FILE_BYTES:
            raise TrackingError(f"{path}: must be a file of at most {MAX_FILE_BYTES} bytes to be tracked, got {size}.")
        copy = staged_folder(self.path) / str(next(self._staged)) / path.name
        copy.parent.mkdir(parents=True)
        shutil.copyfile(path, copy)
        return f"{copy.parent.name}/{copy.name}"

    def close(self) -> None:
        """Append no more, and let the writer know."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Source:
    """A segment as the writer reads it.

    Attributes:
        path: The file.
        header: Its first line.
        ops: What was read and is not yet delivered.
        offset: How many of its bytes are delivered.
        ended: Whether no more will come.
        begun: Whether the header is delivered.

    Raises:
        ValueError: The first line is damaged, so that nobody can tell whose the others are.
        FileNotFoundError: It is gone.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.ops: list[dict[str, Any]] = []
        self.ended = False
        with path.open("rb") as stream:
            first = stream.readline()
            self.header: dict[str, Any] = json.loads(first)
        if not isinstance(self.header, dict) or "uid" not in self.header:
            raise ValueError("no header")
        self._start = len(first)
        self.offset = self._read = max(offset, self._start)
        self.begun = False

    @property
    def is_held(self) -> bool:
        """Whether the process that appends to it still lives and has it open."""
        return _locked(self.path)

    @property
    def touched_ms(self) -> int:
        """When it was last appended to, in milliseconds since 1970."""
        return self.path.stat().st_mtime_ns // 1_000_000

    def poll(self) -> None:
        """Read what is new into :attr:`ops`; damaged lines are left out."""
        # In this order: once the lock is free nothing can come any more, so what is read then is all.
        ended = not self.is_held
        if self.path.stat().st_size > self._read:
            with self.path.open("rb") as stream:
                stream.seek(self._read)
                lines, newline, _ = stream.read().rpartition(b"\n")
            self._read += len(lines) + len(newline)
            for line in lines.split(b"\n"):
                self._take(line)
        self.ended = ended or bool(self.ops and self.ops[-1]["op"] in _LAST_WORDS)

    def delivered(self) -> None:
        """What was read has arrived."""
        self.ops.clear()
        self.offset = self._read

    def restart(self) -> None:
        """Nothing of it is delivered: read it from the start."""
        self.ops.clear()
        self.offset = self._read = self._start
        self.begun = False
        self.poll()

    def remove(self) -> None:
        """Delete it and the copies of its files."""
        self.path.unlink(missing_ok=True)
        shutil.rmtree(staged_folder(self.path), ignore_errors=True)

    def _take(self, line: bytes) -> None:
        if not line:
            return
        try:
            op = json.loads(line)
            op["op"]
        except (ValueError, TypeError, KeyError):
            _log.warning("%s: a damaged line of %d bytes is left out", self.path.name, len(line))
        else:
            self.ops.append(op)


def _locked(path: Path) -> bool:
    """Whether the process that appends to a segment still lives and has it open."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def sweep_leftovers(spool: Path) -> None:
    """Delete what processes that died between two steps left behind: half-begun segments, copies without a segment."""
    for path in ops_folder(spool).glob("*.new"):
        try:
            if not _locked(path):
                path.unlink(missing_ok=True)
        except FileNotFoundError:  # It has just got its name.
            continue
    files = spool / "files"
    if files.is_dir():
        for folder in list(files.iterdir()):
            if not (ops_folder(spool) / (folder.name + SUFFIX)).exists():
                shutil.rmtree(folder, ignore_errors=True)
