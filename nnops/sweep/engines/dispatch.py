"""Dispatch: which worker trains what; the driver's side of an engine whose workers are other processes.

A *place* holds one worker after the other; each worker has a life, named anew when it begins. What a life says is
counted, so that a message that comes twice is answered twice and heard once, and one that a lost worker still sends is
not heard.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict

from nnops.errors import StudyError
from nnops.params import parse
from nnops.report import Report
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.hand import blind_of, unpack
from nnops.sweep.limit import too_long
from nnops.sweep.trial import Assignment, Bench, Outcome

#: How often in a row, without an epoch in between, a trial may lose its worker before it counts as failed.
LOSSES = 3
#: So many workers in a row may die before one of them has said a word.
MUTE = 6
#: A worker ends a trial whose time is up; one that has not, so many seconds later, is given up.
DEAF_S = 30.0

Answer = tuple[str, int, str]
"""A worker's address, the count of its message, the text."""


class Dispatch:
    """Hands a conductor's trials to workers, and what they say to the conductor.

    Args:
        conductor: Decides.
        bench: What workers need to know of the study.

    Attributes:
        blind: Machines that do not see what trials need, and what.
    """

    def __init__(self, conductor: Conductor, bench: Bench) -> None:
        self._conductor = conductor
        self._bench = asdict(bench)
        self._limit_s = parse(bench.params).sweep.limit.seconds
        self._spent_s: dict[str, float] = {}
        self._since_s: dict[str, float] = {}
        self._again: dict[int, Assignment] = {}
        self._lives: dict[str, str] = {}
        self._gone: set[str] = set()
        self._work: dict[str, Assignment] = {}
        self._last: dict[str, Answer] = {}
        self._seen: dict[str, int] = {}
        self._idle: dict[str, int] = {}
        self._waiting: dict[str, tuple[int, int]] = {}
        self._parked: set[str] = set()
        self._lost: dict[int, list[str]] = {}
        self._reached: dict[int, int] = {}
        self.blind: dict[str, str] = {}
        self._mute = 0
        self._answers: list[Answer] = []

    def hear(self, address: str, count: int, text: str) -> None:
        """Take a message of the worker at ``place/life``.

        Raises:
            Exception: What the conductor raises.
        """
        place, _, life = address.partition("/")
        self._mute = 0
        number, reports, outcome = unpack(text)
        if address in self._gone:
            self._answer(address, count, {"go_on": False, "assignment": None})
            return
        if self._lives.get(place, life) != life:
            self.lose(place, "no reason known")
        self._lives[place] = life
        if count <= self._seen.get(address, 0):
            if address in self._last:
                self._answers.append(self._last[address])
            return
        self._seen[address] = count
        self._spent_s[address] = self._spent(address)
        self._since_s.pop(address, None)
        blind = blind_of(text)
        if number is not None and blind is not None:
            self._turn_away(address, count, *blind)
            return
        if number is not None:
            self._hear_training(address, count, number, reports, outcome)
            if outcome is None:
                return
        self._idle[address] = count

    def lose(self, place: str, reason: str) -> None:
        """The worker at a place died; its trial is given to whoever is free next.

        Raises:
            StudyError: Workers die one after another before they have begun.
        """
        life = self._lives.pop(place, None)
        if life is None:
            self._mute += 1
            if self._mute >= MUTE:
                raise StudyError(
                    f"workers die before they begin, the last one by {reason}; see engine.log of the study."
                )
            return
        address = f"{place}/{life}"
        self._gone.add(address)
        self._idle.pop(address, None)
        self._waiting.pop(address, None)
        self._parked.discard(address)
        assignment = self._work.pop(place, None)
        if assignment is None or not self._conductor.runs(assignment.number):
            return
        number = assignment.number
        if self._limit_s is not None and self._spent(address) > self._limit_s:
            self._conductor.finish(number, Outcome("infeasible", reason=too_long(self._limit_s)))
            return
        reasons = self._lost.setdefault(number, [])
        reasons.append(reason)
        if len(reasons) > LOSSES:
            names = ", ".join(sorted(set(reasons)))
            ended = "infeasible" if "OutOfMemory" in names else "failed"
            self._conductor.finish(number, Outcome(ended, reason=f"it lost its worker {len(reasons)} times ({names})."))
            return
        self._again[number] = assignment
        self._conductor.note(f"trial {number} lost its worker ({reason}) and goes on from its last checkpoint.", number)

    def answers(self) -> list[Answer]:
        """What is to be told to workers now; each of them waits for it."""
        self._give_up_the_deaf()
        if self._conductor.interrupted:
            for number in self._again:
                self._conductor.release(number)
            self._again.clear()
        # The lowest first: its end may be what others wait for.
        for number, address in sorted((number, address) for address, (_, number) in self._waiting.items()):
            verdict = self._conductor.judge(number)
            if verdict is not None:
                count, _ = self._waiting.pop(address)
                self._answer(address, count, {"go_on": verdict})
        for address, count in list(self._idle.items()):
            # The lowest first: others may wait for it.
            assignment = self._again.pop(min(self._again)) if self._again else self._conductor.next()
            if assignment is not None:
                self._work[address.partition("/")[0]] = assignment
                self._spent_s[address] = 0.0
                judged = self._conductor.judged(assignment.number)
                record = {**asdict(assignment), "judged": judged}
                self._answer(address, count, {"assignment": record} | ({"bench": self._bench} if count == 1 else {}))
            elif self._conductor.over:
                self._answer(address, count, {"assignment": None})
            else:
                # Nothing now, but what runs may still need somebody.
                break
            del self._idle[address]
        self._park()
        answers, self._answers = self._answers, []
        return answers

    def _turn_away(self, address: str, count: int, machine: str, path: str) -> None:
        """A worker does not see what trials need: it leaves, and its trial is given to whoever is free next."""
        place = address.partition("/")[0]
        assignment = self._work.pop(place)
        if self._conductor.runs(assignment.number):
            self._again[assignment.number] = assignment
        self._answer(address, count, {"assignment": None})
        if machine not in self.blind:
            self.blind[machine] = path
            self._conductor.note(
                f"machine {machine} does not see {path}, so it gets no trial; mount it there, or write sweep.shared."
            )

    def _hear_training(
        self, address: str, count: int, number: int, reports: list[Report], outcome: Outcome | None
    ) -> None:
        """Hand what a training says to the conductor, and answer it unless it has ended or must wait."""
        place = address.partition("/")[0]
        if address in self._parked:
            if outcome is None:
                self._answer(address, count, {"go_on": False})
                return
            self._parked.remove(address)
            self._again[number] = self._work.pop(place)
            return
        answers = [self._conductor.report(number, report) for report in reports]
        epoch = max((report.epoch for report in reports), default=0)
        if epoch > self._reached.get(number, 0):
            self._reached[number] = epoch
            self._lost.pop(number, None)
        if outcome is not None:
            del self._work[place]
            self._reached.pop(number, None)
            self._conductor.finish(number, outcome)
        elif answers and answers[-1] is None:
            self._waiting[address] = (count, number)
        else:
            self._answer(address, count, {"go_on": all(answers)})

    def _spent(self, address: str) -> float:
        """Seconds that a worker has trained its trial; what it waits for an answer does not count."""
        since_s = self._since_s.get(address)
        return self._spent_s.get(address, 0.0) + (0.0 if since_s is None else self._now_s() - since_s)

    def _now_s(self) -> float:
        """The time, which stands still while the study is paused."""
        return time.monotonic() - self._conductor.paused_s

    def _give_up_the_deaf(self) -> None:
        """Take workers for lost that should have ended themselves, or their trial, and did not."""
        if self._limit_s is None:
            return
        for place in list(self._work):
            address = f"{place}/{self._lives[place]}"
            if address in self._since_s and self._spent(address) > self._limit_s + DEAF_S:
                self.lose(place, "it does not answer")

    def _park(self) -> None:
        """Let a trial that waits for others make room for one that lost its worker, else all might wait for that."""
        waiting = sorted((number, address) for address, (_, number) in self._waiting.items())
        for lost in sorted(self._again):
            if not waiting or waiting[-1][0] < lost:
                return
            _, address = waiting.pop()
            count, _ = self._waiting.pop(address)
            self._parked.add(address)
            self._answer(address, count, {"go_on": False})

    def _answer(self, address: str, count: int, record: Mapping[str, object]) -> None:
        self._since_s[address] = self._now_s()
        answer = (address, count, json.dumps(record))
        self._last[address] = answer
        self._answers.append(answer)
