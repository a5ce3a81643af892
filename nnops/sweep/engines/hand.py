"""A training in a thread that is handed on from report to report, so that an actor's short calls can drive it."""

import json
import queue
import threading
import time
from typing import Any

from nnops.report import Report
from nnops.sweep.trial import Assignment, Outcome, Worker

#: A training hands its reports over at the latest after so many seconds, even where nobody judges them.
HAND_S = 0.25


class Hand:
    """One trial at work.

    Args:
        worker: Trains.
        assignment: The trial.
        judged: The epochs at which the training waits for an answer; after the others it goes on at once.
    """

    def __init__(self, worker: Worker, assignment: Assignment, judged: list[int]) -> None:
        self._judged = frozenset(judged)
        self._batch: list[tuple[int, dict[str, float], float]] = []
        self._given: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()
        self._waiting = False
        self._stopped = False
        self._handed_s = time.monotonic()
        self._count = 0

        def work() -> None:
            outcome = worker.run(assignment, self._report)
            self._give(outcome)

        self._thread = threading.Thread(target=work, name=f"trial-{assignment.number}", daemon=True)
        self._thread.start()

    def step(self) -> dict[str, Any]:
        """Let the training go on and wait until it hands something over.

        Returns:
            ``count`` (from 1), ``reports`` as ``[epoch, metrics, seconds]``, and ``outcome`` once it has ended.
        """
        if self._waiting:
            self._waiting = False
            self._answers.put(True)
        given = self._given.get()
        self._waiting = given["outcome"] is None
        return given

    def end(self) -> None:
        """Stop the training, if it still runs, and wait for it."""
        self._stopped = True
        self._answers.put(False)
        self._thread.join()

    def _report(self, report: Report) -> bool:
        if self._stopped:
            return False
        self._batch.append((report.epoch, dict(report.metrics), report.seconds))
        if report.epoch not in self._judged and time.monotonic() - self._handed_s < HAND_S:
            return True
        self._give(None)
        answer = self._answers.get()
        self._handed_s = time.monotonic()
        return answer and not self._stopped

    def _give(self, outcome: Outcome | None) -> None:
        self._count += 1
        batch, self._batch = self._batch, []
        self._given.put({"count": self._count, "reports": batch, "outcome": outcome.to_json() if outcome else None})


def pack(given: dict[str, Any]) -> str:
    """What a hand gives, as one text; floats keep every bit."""
    return json.dumps(given)


def unpack(text: str) -> tuple[int, list[Report], Outcome | None]:
    """The inverse of :func:`pack`: count, reports, outcome."""
    given = json.loads(text)
    reports = [Report(epoch, metrics, seconds) for epoch, metrics, seconds in given["reports"]]
    return given["count"], reports, Outcome(**given["outcome"]) if given["outcome"] else None
