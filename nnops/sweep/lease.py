"""The lease: one driver a study. It names its holder and beats while it lives; a dead holder's is taken over."""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.errors import StudyError, StudyHeldError
from nnops.files import write_json
from nnops.sweep.holder import Holder, this_process

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Locked while its holder lives.
LOCK = "driver.lock"
#: Seconds between two beats.
BEAT_S = 5.0
#: A holder that cannot be seen from here and seems dead is watched for so long: its clock may be wrong.
WATCH_S = 2 * BEAT_S + 1


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
        self._read: Callable[[], str | None] | None = None
        self._next_s = self._next_clock_s = 0.0

    def take(self) -> None:
        """Become the holder.

        Raises:
            StudyHeldError: Another living process holds it; the message says which.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder / LOCK, timeout=0.2)
        try:
            while not lock.is_locked:
                self._folder.mkdir(parents=True, exist_ok=True)
                # Whoever was about to begin a study here may just leave, and take the folder along.
                with contextlib.suppress(FileNotFoundError):
                    lock.acquire()
        except Timeout as error:
            raise StudyHeldError(_refusal(self._name, holder_of(self._folder))) from error
        self._lock = lock
        # The lock does not reach every machine that may see the folder.
        self._check(lambda: holder_of(self._folder))
        self._beat()

    def join(self, read: Callable[[], str | None], write: Callable[[str | None], None]) -> None:
        """Name the holder in a second place, such as the study's storage.

        Args:
            read: Gives the holder's record there, or None.
            write: Writes it.

        Raises:
            StudyHeldError: Another living process is named there.
        """
        self._check(lambda: _parse(read()))
        self._read, self._write = read, write
        self._beat()

    def leave(self) -> None:
        """Forget the second place."""
        self._read = self._write = None

    def beat(self) -> None:
        """Say that the holder lives; at most every few seconds.

        Raises:
            StudyError: Another process holds the lease now: this one slept for so long that it was taken for dead.
        """
        # A machine that sleeps may stop one of its clocks.
        if time.monotonic() < self._next_s and time.time() < self._next_clock_s:
            return
        for holder in (holder_of(self._folder), _parse(self._read()) if self._read else None):
            if holder is not None and not holder.is_this_process:
                raise StudyError(f"study '{self._name}' was taken over by {holder}; this process leaves it alone.")
        self._beat()

    def _beat(self) -> None:
        self._next_s, self._next_clock_s = time.monotonic() + BEAT_S, time.time() + BEAT_S
        record = asdict(this_process())
        write_json(self._folder / "driver.json", record)
        if self._write is not None:
            self._write(json.dumps(record))

    def release(self, begun: bool = True) -> None:
        """Give the lease back.

        Args:
            begun: Whether there is a study; where there is none, what this lease has made of its folder goes, too.
        """
        if self._lock is None:
            return
        holder = holder_of(self._folder)
        if holder is not None and holder.is_this_process:
            (self._folder / "driver.json").unlink(missing_ok=True)
            if self._write is not None:
                self._write(None)
        if not begun and {path.name for path in self._folder.iterdir()} == {LOCK}:
            (self._folder / LOCK).unlink()
        self._lock.release()
        self._lock = None
        if not begun:
            with contextlib.suppress(OSError):
                self._folder.rmdir()
                # The first study of a project has made this one as well.
                self._folder.parent.rmdir()

    def _check(self, look: Callable[[], Holder | None]) -> None:
        """Refuse the lease where ``look`` shows a living holder that is not this process."""
        holder = look()
        if holder is None or holder.is_this_process or not (holder.alive or self._beats(holder, look)):
            return
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        raise StudyHeldError(_refusal(self._name, holder))

    def _beats(self, holder: Holder, look: Callable[[], Holder | None]) -> bool:
        """Whether a holder that seems dead beats all the same, by a clock that is not ours."""
        deadline = time.monotonic() + WATCH_S
        while not holder.near and time.monotonic() < deadline:
            time.sleep(0.2)
            if look() not in (holder, None):
                return True
        return False


def holder_of(folder: Path) -> Holder | None:
    """Who said last, in a study's folder, that it drives the study."""
    try:
        return _parse((folder / "driver.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _parse(text: str | None) -> Holder | None:
    try:
        return Holder(**json.loads(text)) if text else None
    except (TypeError, ValueError):
        # What a loss of power left of it.
        return None


def _refusal(name: str, holder: Holder | None) -> str:
    who = str(holder) if holder else "another process"
    return f"study '{name}' is driven by {who}; wait for it, or end it with 'nnops sweep stop {name}'."
