"""What a stage says of a training that takes its time: where it goes on, and now and then how far it is."""

import time

from nnops.evaluation.scorecard import shown
from nnops.report import Report

#: Seconds between two lines.
EVERY_S = 5.0


class Teller:
    """Prints lines about a training.

    Args:
        epochs: How many it has at most.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._replayed = 0
        self._next_s = time.monotonic() + EVERY_S

    def take(self, moment: Report) -> None:
        """Hear of an epoch; one that a checkpoint remembers took no time."""
        if moment.seconds == 0.0:
            self._replayed = moment.epoch
            return
        if self._replayed:
            print(f"train: goes on from epoch {self._replayed}", flush=True)
            self._replayed = 0
        now_s = time.monotonic()
        if now_s >= self._next_s and moment.epoch < self._epochs:
            self._next_s = now_s + EVERY_S
            seen = ", ".join(f"{name} {shown(value)}" for name, value in moment.metrics.items() if name != "lr")
            print(f"train: epoch {moment.epoch} of {self._epochs}, {seen}", flush=True)
