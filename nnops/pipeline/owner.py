"""The owner of a stage: the dvc process that waits for it.

A killed dvc leaves the stage's process alive, and that could write over the output of the next run. So a stage looks
for the dvc process above it and ends when that is gone; its checkpoint stays, and the next run goes on from it.
"""

from dataclasses import dataclass, field
from time import monotonic

import psutil

from nnops.errors import NnopsError

#: Least seconds between two looks.
EVERY_S = 0.5


class StageGoneError(NnopsError):
    """DVC no longer waits for this stage."""


@dataclass
class Owner:
    """The dvc process above this one, or None where a person started the stage."""

    process: psutil.Process | None
    _next_s: float = field(default_factory=monotonic)

    @classmethod
    def find(cls) -> "Owner":
        """Look for dvc among the processes above this one."""
        for process in psutil.Process().parents():
            try:
                words = process.cmdline()[:3]
            except psutil.Error:
                continue
            if any(word == "dvc" or word.endswith(("/dvc", "\\dvc.exe")) for word in words):
                return cls(process)
        return cls(None)

    def check(self) -> None:
        """Look whether the owner still lives.

        Raises:
            StageGoneError: It does not.
        """
        if self.process is None:
            return
        alive = self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        if not alive:
            raise StageGoneError("dvc is gone, so this stage ends; 'dvc repro' goes on from the last checkpoint.")

    def check_sometimes(self) -> None:
        """The same, at most twice a second."""
        now_s = monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            self.check()
