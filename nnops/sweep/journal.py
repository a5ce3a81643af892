"""The journal: a study's record as a file of JSON lines that Optuna reads, written by the one holder of the lease.

Optuna's own backend takes a lock and flushes to the disk for every line, which costs a report ten milliseconds on a
busy disk. Here a line is one write, which survives the death of the process; the disk is waited for once a second,
so a loss of power costs the last second, which a resume makes again.
"""

import json
import os
import time
from collections.abc import Callable
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
        self._next_s = time.monotonic() + FLUSH_S

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        content = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        written = os.write(self._descriptor, content)
        if written < len(content):
            # The disk is full: half a line must not stay, or no later line could be read.
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError(28, os.strerror(28), str(self._path))
        if time.monotonic() >= self._next_s:
            self.flush()

    def flush(self) -> None:
        """Wait until the disk has everything."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)
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
