"""The holder of a lease: a process, told from every other one, and whether it lives."""

import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: A holder that cannot be seen from here is taken for dead after this long without a beat.
DEAD_S = 60.0


@dataclass(frozen=True)
class Holder:
    """A process that drives a study.

    Attributes:
        pid: Its number.
        host: Its machine, for people.
        born: When the process began; tells it from a later one with its number.
        beat: When it last said that it lives, in seconds since 1970.
        place: Where process numbers mean the same: one boot of a machine, one container.
    """

    pid: int
    host: str
    born: float
    beat: float
    place: str = ""

    @property
    def near(self) -> bool:
        """Whether its process can be seen from here."""
        return self.place == place() if self.place else self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether it lives; of one that cannot be seen only the beat is known, by two clocks that may differ."""
        if self.near:
            return born(self.pid) == self.born
        return abs(time.time() - self.beat) < DEAD_S

    @property
    def is_this_process(self) -> bool:
        """Whether it is who asks."""
        return self.near and self.pid == os.getpid() and self.born == born(self.pid)

    def __str__(self) -> str:
        ago = max(0, round(time.time() - self.beat))
        return f"process {self.pid} on {self.host}, last heard of {ago} s ago"


def this_process() -> Holder:
    """This process, now."""
    return Holder(os.getpid(), socket.gethostname(), born(os.getpid()) or 0.0, time.time(), place())


@cache
def place() -> str:
    """This boot of this machine and, in a container, its processes; a name alone may be that of many."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def born(pid: int) -> float | None:
    """When a living process began, or None where there is none.

    On Linux in ticks since the boot, which no change of the clock moves; elsewhere in seconds since 1970.
    """
    try:
        # The second field is the command in parentheses and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else float(fields[19])
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except ProcessLookupError:
        return None
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time())
    except psutil.Error:
        return None
