"""The lease: one driver a study. It names its holder and beats while it lives; a dead holder's is taken over."""

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import StudyError
from nnops.files import read_json, write_json

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds between two beats.
BEAT_S = 5.0
#: A holder on another machine is taken for dead after this long without a beat.
DEAD_S = 60.0


@dataclass(frozen=True)
class Holder:
    """A process that drives a study.

    Attributes:
        pid: Its number.
        host: Its machine.
        born: When the process began, in seconds since 1970; tells it from a later one with its number.
        beat: When it last said that it lives, in seconds since 1970.
    """

    pid: int
    host: str
    born: float
    beat: float

    @property
    def alive(self) -> bool:
        """Whether the process lives; of another machine's only the beat is known."""
        if self.host != socket.gethostname():
            return time.time() - self.beat < DEAD_S
        import psutil

        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.born) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def __str__(self) -> str:
        ago = max(0, round(time.time() - self.beat))
        return f"process {self.pid} on {self.host}, last heard of {ago} s ago"


class Lease:
    """The right to drive one study.

    Args:
        folder: The study's folder; a lock in it is held while the process lives.
        name: The study, for messages.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._write: Callable[[str | None], None] | None = None
        self._lock: BaseFileLock | None = None
        self._next_s = 0.0

    def take(self) -> None:
        """Become the holder.

        Raises:
            StudyError: Another living process holds it; the message says which.
        """
        from filelock import FileLock, Timeout

        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / "driver.lock", timeout=0.2)
        try:
            lock.acquire()
        except Timeout as error:
            raise StudyError(_refusal(self._name, holder_of(self._folder))) from error
        self._lock = lock
        # The lock does not reach every machine that may see the folder.
        self._check(holder_of(self._folder))
        self.beat(force=True)

    def join(self, read: Callable[[], str | None], write: Callable[[str | None], None]) -> None:
        """Name the holder in a second place, such as the study's storage.

        Args:
            read: Gives the holder's record there, or None.
            write: Writes it.

        Raises:
            StudyError: Another living process is named there.
        """
        kept = read()
        self._check(Holder(**json.loads(kept)) if kept else None)
        self._write = write
        self.beat(force=True)

    def leave(self) -> None:
        """Forget the second place."""
        self._write = None

    def beat(self, force: bool = False) -> None:
        """Say that the holder lives; at most every few seconds."""
        now_s = time.monotonic()
        if not force and now_s < self._next_s:
            return
        self._next_s = now_s + BEAT_S
        record = asdict(_this_process())
        write_json(self._folder / "driver.json", record)
        if self._write is not None:
            self._write(json.dumps(record))

    def release(self) -> None:
        """Give the lease back."""
        if self._lock is None:
            return
        holder = holder_of(self._folder)
        if holder is not None and _is_this_process(holder):
            (self._folder / "driver.json").unlink(missing_ok=True)
            if self._write is not None:
                self._write(None)
        self._lock.release()
        self._lock = None

    def _check(self, holder: Holder | None) -> None:
        if holder is not None and not _is_this_process(holder) and holder.alive:
            if self._lock is not None:
                self._lock.release()
                self._lock = None
            raise StudyError(_refusal(self._name, holder))


def holder_of(folder: Path) -> Holder | None:
    """Who said last, in a study's folder, that it drives the study."""
    try:
        record: dict[str, Any] = read_json(folder / "driver.json")
    except FileNotFoundError:
        return None
    return Holder(**record)


def _this_process() -> Holder:
    import psutil

    return Holder(os.getpid(), socket.gethostname(), psutil.Process().create_time(), time.time())


def _is_this_process(holder: Holder) -> bool:
    return holder.pid == os.getpid() and holder.host == socket.gethostname()


def _refusal(name: str, holder: Holder | None) -> str:
    who = str(holder) if holder else "another process"
    return f"study '{name}' is driven by {who}; wait for it, or end it with 'nnops sweep stop {name}'."
