"""What a view remembers of a sweep that runs."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from nnops.sweep.event import Asked, Closed, Ended, Event, Note, Opened, Reported
from nnops.sweep.show import STYLES

#: Ended trials that are kept in sight.
LAST = 8


class Board:
    """What the view remembers of a sweep."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.closed: Closed | None = None
        self.start_s = time.monotonic()
        #: When the first report came; until then workers start.
        self.first_s: float | None = None
        self.running: dict[int, tuple[Mapping[str, Any], int, float | None]] = {}
        self.counts = dict.fromkeys(STYLES, 0)
        self.last: deque[Ended] = deque(maxlen=LAST)
        self.best: Ended | None = None
        self.notes: deque[str] = deque(maxlen=3)
        #: How many trials have come to an epoch and, so far, no further.
        self.at: Counter[int] = Counter()
        self.epochs = 0
        self.epoch_s = 0.0
        self.front = 0
        self.repeats: dict[int, int] = {}
        self.repeated = 0

    def take(self, event: Event) -> None:
        """Remember an event."""
        match event:
            case Opened():
                self.opened = event
                self.start_s = time.monotonic()
                self.at = Counter(event.reached)
                for state, count in event.counts.items():
                    self.counts[state] = 0 if state == "running" else count
                if event.best is not None:
                    self.best = event.best
                    self.front = event.best.front
            case Asked():
                if event.repeat is not None:
                    self.repeats[event.number] = event.repeat
                # One whose worker died comes to its epochs again.
                self._come(event.number, 0)
                self.running[event.number] = (event.config, 0, None)
            case Reported():
                self._come(event.number, event.epoch)
                config = self.running[event.number][0] if event.number in self.running else {}
                self.running[event.number] = (config, event.epoch, event.value)
                self.first_s = self.first_s or time.monotonic()
                if not event.replayed and event.number not in self.repeats:
                    self.epochs += 1
                    self.epoch_s += event.seconds
            case Ended():
                self.running.pop(event.number, None)
                if event.repeat is None:
                    self.counts[event.state] += 1
                else:
                    self.repeated += 1
                self.front = max(event.front, self.front if event.repeat is not None else 0)
                self.last.appendleft(event)
                if event.best:
                    self.best = event
            case Note():
                self.notes.append(event.text)
            case Closed():
                self.closed = event

    def _come(self, number: int, epoch: int) -> None:
        """A trial has come to an epoch; repeats are no part of the search."""
        if number not in self.repeats:
            before = self.running[number][1] if number in self.running else 0
            self.at[before] -= 1
            self.at[epoch] += 1

    @property
    def ended(self) -> int:
        """Trials with a final state."""
        return sum(self.counts.values())

    @property
    def reached(self) -> list[int]:
        """How many trials came to each epoch, from the first one on."""
        last = max((epoch for epoch, count in self.at.items() if epoch > 0 and count > 0), default=0)
        counts, more = [0] * last, 0
        for epoch in range(last, 0, -1):
            more += self.at[epoch]
            counts[epoch - 1] = more
        return counts

    @property
    def left_s(self) -> float | None:
        """Seconds left, reckoned from what was done since the sweep began or went on."""
        if self.opened is None or not self.epochs or self.first_s is None:
            return None
        worked_s = time.monotonic() - self.first_s
        done = self.ended - sum(self.opened.counts[state] for state in STYLES if state != "running")
        lefts: list[float] = []
        if self.opened.budget is not None and done >= 3:
            lefts.append(worked_s / done * (self.opened.budget - self.ended))
        if self.opened.budget_s is not None:
            lefts.append(self.opened.budget_s - self.opened.spent_s - (time.monotonic() - self.start_s))
        epochs = self.opened.limits.get("epochs")
        if epochs and self.epochs:
            left = epochs - self.opened.spent.get("epochs", 0) - self.epochs
            lefts.append(worked_s / self.epochs * left)
        return max(0.0, min(lefts)) if lefts else None
