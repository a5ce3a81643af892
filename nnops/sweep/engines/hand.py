"""A worker's hand: it asks for trials, trains them, and hands over what they report, until there is nothing to do.

Messages are JSON texts, so that floats keep every bit on any way:

to the driver   {"count", "number", "reports": [[epoch, metrics, seconds], ...], "outcome", "blind"}
from it         {"go_on"} while a trial runs; when none does, {"assignment"}: null or {"number", "config", "until",
                "parent", "bar", "judged"}; the first answer holds the {"bench"}, too

A worker on a machine that does not see what trials need says "blind": [machine, path] in place of training, and leaves.
"""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnops.report import Report
from nnops.sweep.trial import Assignment, Bench, Outcome, Worker

#: A training hands its reports over at the latest after so many seconds, even where nobody judges them.
HAND_S = 0.25


class Hand:
    """One worker's life.

    Args:
        ask: Takes a count (from 1) and a message to the driver and waits for its answer.
        hire: Makes the worker who trains.
    """

    def __init__(self, ask: Callable[[int, str], str], hire: Callable[[Bench], Worker]) -> None:
        self._ask, self._hire = ask, hire
        self._count = 0
        self._number: int | None = None
        self._judged: frozenset[int] = frozenset()
        self._batch: list[Report] = []
        self._handed_s = 0.0
        self._broken: list[BaseException] = []

    def work(self) -> None:
        """Run trials until the driver has none.

        Raises:
            Exception: The driver cannot be asked; that is no trial's fault.
        """
        answer = self._hand(None)
        assignment = answer["assignment"]
        if assignment is None:
            return
        bench = Bench(**answer["bench"])
        missed = next((path for path in bench.sees if not Path(path).exists()), None)
        if missed is not None:
            self._number = assignment["number"]
            self._hand(None, (socket.gethostname(), missed))
            return
        worker = self._hire(bench)
        while assignment is not None:
            self._number, self._judged = assignment["number"], frozenset(assignment.pop("judged"))
            self._handed_s = time.monotonic()
            outcome = worker.run(Assignment(**assignment), self._report)
            if self._broken:
                raise self._broken[0]
            assignment = self._hand(outcome)["assignment"]

    def _report(self, report: Report) -> bool:
        self._batch.append(report)
        if report.epoch not in self._judged and time.monotonic() - self._handed_s < HAND_S:
            return True
        try:
            return not self._broken and self._hand(None)["go_on"]
        except Exception as error:
            # A training that is told to stop ends by itself; raised here, the error would become its outcome.
            self._broken.append(error)
            return False
        finally:
            self._handed_s = time.monotonic()

    def _hand(self, outcome: Outcome | None, blind: tuple[str, str] | None = None) -> dict[str, Any]:
        self._count += 1
        batch, self._batch = self._batch, []
        return json.loads(self._ask(self._count, pack(self._number, batch, outcome, blind)))


def pack(
    number: int | None, reports: list[Report], outcome: Outcome | None, blind: tuple[str, str] | None = None
) -> str:
    """What a worker hands over, as one text."""
    rows = [[report.epoch, dict(report.metrics), report.seconds] for report in reports]
    record = {"number": number, "reports": rows, "outcome": outcome.to_json() if outcome else None}
    return json.dumps(record | ({"blind": blind} if blind else {}))


def unpack(text: str) -> tuple[int | None, list[Report], Outcome | None]:
    """The inverse of :func:`pack`."""
    given = json.loads(text)
    reports = [Report(epoch, metrics, seconds) for epoch, metrics, seconds in given["reports"]]
    return given["number"], reports, Outcome(**given["outcome"]) if given["outcome"] else None


def blind_of(text: str) -> tuple[str, str] | None:
    """The machine that does not see what trials need, and what; None where a worker says nothing of that."""
    blind = json.loads(text).get("blind")
    return (blind[0], blind[1]) if blind else None
