"""A task of the writer: a segment, and when it is its turn."""

import time

from nnops.tracking.segment import Source
from nnops.tracking.trouble import Target

#: How long words of one run are gathered before they are sent, in seconds.
GATHER_S = 1.0
#: Longest pause between two tries to reach a store, in seconds.
MAX_PAUSE_S = 15.0


class Task:
    """A segment, and when it is its turn."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.parent: str | None = source.header["parent"]
        self.target: Target = (source.header["target"]["uri"], source.header["target"]["experiment"])
        self._turn = time.monotonic() + (GATHER_S if self.parent else 0.0)
        self._retry = 0.0
        self._pause_s = 0.0

    def due(self, now: float) -> bool:
        """Whether it is to be delivered now."""
        if now < self._retry:
            return False
        new = bool(self.source.ops) or not self.source.begun
        return self.source.ended or (new and now >= self._turn)

    def succeed(self, now: float, gather_s: float) -> None:
        """It was delivered; words gather anew."""
        self._pause_s = 0.0
        self._turn = now + gather_s

    def fail(self, now: float) -> None:
        """It was not delivered; the pause before the next try grows."""
        self._pause_s = min(2 * self._pause_s + 0.5, MAX_PAUSE_S)
        self._retry = now + self._pause_s
