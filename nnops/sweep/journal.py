"""The journal: a study's record as a file of JSON lines that Optuna reads, written by the one holder of the lease.

Optuna's own backend takes a lock and flushes to the disk for every line, which costs a report ten milliseconds on a
busy disk. Here a line is one write, which survives the death of the process; the disk is waited for once a second,
so a loss of power costs the last second, which a resume makes again. It also keeps the place of every line in memory
and opens the file to read back what it has just written; here the writer knows what it wrote.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

#: Seconds between two flushes to the disk.
FLUSH_S = 1.0


class Journal(JournalFileBackend):
    """Optuna's journal file without a lock.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._descriptor: int | None = None
        #: The next line to be read and where it begins; what was written since, unless others wrote, too.
        self._next, self._offset = 0, 0
        self._written: list[bytes] = []
        self._next_s = time.monotonic() + FLUSH_S
        self._waits = False

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        lines = [json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs]
        content = b"".join(lines)
        written = os.write(self._descriptor, content)
        if written < len(content):
            # The disk is full: half a line must not stay, or no later line could be read.
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError(28, os.strerror(28), str(self._path))
        self._written += lines
        self._waits = True
        self.flush(due=True)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Read lines, the first one being number 0; what is damaged at the end is left for later.

        Raises:
            ValueError: A line before the last one is damaged.
        """
        lines, self._written = self._written, []
        if log_number_from != self._next:
            self._next, self._offset, lines = 0, 0, []
        size = self._path.stat().st_size
        known = self._offset + sum(map(len, lines)) == size
        for line in lines if known else self._lines(size):
            begins = self._offset
            if not line.endswith(b"\n"):
                return
            try:
                log = json.loads(line) if self._next >= log_number_from else None
            except ValueError:
                if begins + len(line) >= size:
                    return
                raise
            # Before it is handed out: who takes it may never come back for the next one.
            self._next, self._offset = self._next + 1, begins + len(line)
            if log is not None:
                yield log

    def _lines(self, size: int) -> Iterator[bytes]:
        """What the file of this size holds from the next line on; it may grow meanwhile."""
        with self._path.open("rb") as stream:
            left = size - stream.seek(self._offset)
            for line in stream:
                left -= len(line)
                if left < 0:
                    return
                yield line

    def flush(self, due: bool = False) -> None:
        """Wait until the disk has everything.

        Args:
            due: Only where something waits and the last flush is long enough ago.
        """
        if due and not (self._waits and time.monotonic() >= self._next_s):
            return
        if self._descriptor is not None:
            os.fsync(self._descriptor)
        self._waits = False
        self._next_s = time.monotonic() + FLUSH_S

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        if self._descriptor is not None:
            close(self._descriptor)


def heal(path: Path) -> None:
    """Cut off what a write that was cut off left at the end of a journal. Only the holder of the lease may."""
    if not path.exists():
        return
    with path.open("rb+") as stream:
        end = stream.seek(0, os.SEEK_END)
        while end > 0:
            line, start = _last_line(stream, end)
            if line.endswith(b"\n") and _is_json(line):
                break
            end = start
        stream.truncate(end)


def _last_line(stream: Any, end: int) -> tuple[bytes, int]:
    """The line that ends at ``end``, its newline included, and where it starts."""
    tail = b""
    start = end
    while start > 0:
        step = min(65536, start)
        start -= step
        stream.seek(start)
        tail = stream.read(step) + tail
        newline = tail.rfind(b"\n", 0, len(tail) - 1)
        if newline >= 0:
            return tail[newline + 1 :], start + newline + 1
    return tail, 0


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
