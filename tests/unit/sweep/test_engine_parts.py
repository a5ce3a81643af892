import asyncio
import io
import json
import math
import socket
import sys
import threading
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from nnops.errors import StudyError
from nnops.report import Report
from nnops.sweep.engines.desk import Desk
from nnops.sweep.engines.dispatch import DEAF_S, LOSSES, MUTE, Dispatch
from nnops.sweep.engines.hand import Hand, blind_of, pack, unpack
from nnops.sweep.engines.quiet import Quiet
from nnops.sweep.trial import Assignment, Bench, Outcome, Worker

BENCH = Bench({"seed": 1}, "root", "data", "checkpoints", "val_loss")


class Steps(Worker):
    """A worker that reports epochs and knows what it was answered."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.answers: list[bool] = []

    def run(self, assignment: Assignment, report: object) -> Outcome:
        for epoch in range(1, self.epochs + 1):
            self.answers.append(report(Report(epoch, {"val_loss": 0.1 * epoch}, 0.01)))  # type: ignore[operator]
            if not self.answers[-1]:
                return Outcome("told", epochs=epoch)
        return Outcome("complete", value=0.1, epochs=self.epochs)


class Driver:
    """Answers a hand as told, and keeps what it was handed."""

    def __init__(self, assignments: list[dict[str, object] | None], go_on: bool = True) -> None:
        self.assignments, self.go_on = assignments, go_on
        self.heard: list[tuple[int, int | None, list[int], Outcome | None]] = []

    def __call__(self, count: int, text: str) -> str:
        number, reports, outcome = unpack(text)
        self.heard.append((count, number, [report.epoch for report in reports], outcome))
        if number is None or outcome is not None:
            return json.dumps({"assignment": self.assignments.pop(0), "bench": asdict(BENCH)})
        return json.dumps({"go_on": self.go_on})


def order(number: int, judged: list[int]) -> dict[str, object]:
    return {"number": number, "config": {}, "judged": judged}


def test_a_hand_waits_at_judged_epochs_and_gives_everything() -> None:
    worker, driver = Steps(7), Driver([order(4, [2, 5]), None])
    Hand(driver, lambda bench: worker).work()
    done = Outcome("complete", value=0.1, epochs=7)
    assert driver.heard == [(1, None, [], None), (2, 4, [1, 2], None), (3, 4, [3, 4, 5], None), (4, 4, [6, 7], done)]
    assert worker.answers == [True] * 7


def test_a_hand_stops_a_training_that_is_told_to_and_takes_the_next() -> None:
    worker, driver = Steps(3), Driver([order(0, [2]), order(1, [1]), None], go_on=False)
    Hand(driver, lambda bench: worker).work()
    assert worker.answers == [True, False, False]
    assert [(number, epochs) for _, number, epochs, _ in driver.heard] == [
        (None, []), (0, [1, 2]), (0, []), (1, [1]), (1, []),
    ]  # fmt: skip


def test_a_driver_that_cannot_be_asked_is_no_trials_fault() -> None:
    def gone(count: int, text: str) -> str:
        if count > 1:
            raise ConnectionError("the desk is gone")
        return json.dumps({"assignment": order(0, [1]), "bench": asdict(BENCH)})

    with pytest.raises(ConnectionError):
        Hand(gone, lambda bench: Steps(3)).work()


def test_floats_keep_every_bit() -> None:
    number, (report,), _ = unpack(pack(3, [Report(1, {"a": 0.1 + 0.2, "b": math.nan, "c": 5e-324}, 1 / 3)], None))
    assert number == 3
    assert report.metrics["a"] == 0.1 + 0.2
    assert math.isnan(report.metrics["b"])
    assert report.metrics["c"] == 5e-324
    assert report.seconds == 1 / 3


class Decides:
    """A conductor as far as a dispatch needs one."""

    def __init__(self, trials: int) -> None:
        self.left = deque(Assignment(number, {"x": number}) for number in range(trials))
        self.live: set[int] = set()
        self.reports: list[tuple[int, int]] = []
        self.ends: list[tuple[int, str]] = []
        self.notes: list[str] = []
        self.released: list[int] = []
        self.paused_s = 0.0
        self.interrupted = False

    def next(self) -> Assignment | None:
        if not self.left or self.interrupted:
            return None
        assignment = self.left.popleft()
        self.live.add(assignment.number)
        return assignment

    @property
    def over(self) -> bool:
        return not self.live and (self.interrupted or not self.left)

    def judged(self, number: int) -> tuple[int, ...]:
        return (1,)

    def runs(self, number: int) -> bool:
        return number in self.live

    def report(self, number: int, report: Report) -> bool:
        self.reports.append((number, report.epoch))
        return True

    def finish(self, number: int, outcome: Outcome) -> None:
        self.live.remove(number)
        self.ends.append((number, outcome.ended))

    def release(self, number: int) -> None:
        self.live.discard(number)
        self.released.append(number)

    def note(self, text: str, number: int | None = None) -> None:
        self.notes.append(text)


FREE = pack(None, [], None)


def told(answers: list[tuple[str, int, str]]) -> dict[str, object]:
    """Address to what it is to do: a trial's number, None to leave, or whether to go on."""
    found: dict[str, object] = {}
    for address, _, text in answers:
        record = json.loads(text)
        found[address] = record["assignment"] and record["assignment"]["number"] if "assignment" in record else True
    return found


def test_a_message_that_comes_twice_is_heard_once_and_answered_twice() -> None:
    decides = Decides(1)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    first = dispatch.answers()
    assert told(first) == {"p/1": 0}
    dispatch.hear("p/1", 1, FREE)
    assert dispatch.answers() == first
    moment = pack(0, [Report(1, {"val_loss": 1.0}, 0.1)], None)
    for _ in range(2):
        dispatch.hear("p/1", 2, moment)
    assert decides.reports == [(0, 1)]
    assert [count for _, count, _ in dispatch.answers()] == [2, 2]
    dispatch.hear("p/1", 3, pack(0, [], Outcome("complete", value=1.0)))
    assert told(dispatch.answers()) == {"p/1": None}
    assert decides.ends == [(0, "complete")]


def test_a_lost_workers_trial_goes_to_whoever_is_free_and_its_late_words_are_not_heard() -> None:
    decides = Decides(2)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    dispatch.hear("q/1", 1, FREE)
    assert told(dispatch.answers()) == {"p/1": 0, "q/1": 1}
    dispatch.lose("p", "ActorDiedError")
    dispatch.hear("q/1", 2, pack(1, [], Outcome("complete", value=1.0)))
    assert told(dispatch.answers()) == {"q/1": 0}
    assert decides.notes == ["trial 0 lost its worker (ActorDiedError) and goes on from its last checkpoint."]
    dispatch.hear("p/1", 2, pack(0, [Report(1, {"val_loss": 1.0}, 0.1)], None))
    assert decides.reports == []
    dispatch.hear("p/2", 1, FREE)  # nothing is left, but trial 0 may need somebody yet
    assert told(dispatch.answers()) == {"p/1": None}
    dispatch.hear("q/1", 3, pack(0, [], Outcome("complete", value=1.0)))
    assert told(dispatch.answers()) == {"p/2": None, "q/1": None}


def test_a_worker_that_is_blind_says_so_before_it_trains(tmp_path: Path) -> None:
    heard: list[str] = []
    seen, missed = tmp_path, tmp_path / "mount" / "study.json"

    def answer(count: int, text: str) -> str:
        heard.append(text)
        bench = asdict(BENCH) | {"sees": [str(seen), str(missed)]}
        return json.dumps({"assignment": order(4, [])} | ({"bench": bench} if count == 1 else {}))

    def hire(bench: Bench) -> Worker:
        raise AssertionError("a blind worker trains")

    Hand(answer, hire).work()
    assert [unpack(text) for text in heard] == [(None, [], None), (4, [], None)]
    assert blind_of(heard[0]) is None
    assert blind_of(heard[1]) == (socket.gethostname(), str(missed))


def test_a_blind_worker_is_turned_away_and_its_trial_is_another_ones() -> None:
    decides = Decides(2)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    dispatch.hear("q/1", 1, FREE)
    assert told(dispatch.answers()) == {"p/1": 0, "q/1": 1}
    for _ in range(2):
        dispatch.hear("p/1", 2, pack(0, [], None, ("far", "/mount/s")))
    assert told(dispatch.answers()) == {"p/1": None}
    dispatch.hear("q/1", 2, pack(1, [], Outcome("complete", value=1.0)))
    assert told(dispatch.answers()) == {"q/1": 0}
    # A machine is named once, whatever it holds.
    dispatch.hear("q/1", 3, pack(0, [], None, ("far", "/mount/s")))
    assert decides.notes == [
        "machine far does not see /mount/s, so it gets no trial; mount it there, or write sweep.shared."
    ]
    assert decides.ends == [(1, "complete")]
    dispatch.hear("r/1", 1, FREE)
    assert told(dispatch.answers()) == {"q/1": None, "r/1": 0}


def test_a_new_life_at_a_place_means_that_the_old_one_is_lost() -> None:
    decides = Decides(1)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    dispatch.answers()
    dispatch.hear("p/2", 1, FREE)
    assert told(dispatch.answers()) == {"p/2": 0}


def test_a_trial_that_kills_its_workers_fails_in_the_end() -> None:
    decides = Decides(1)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    for life in range(LOSSES + 1):
        dispatch.hear(f"p/{life}", 1, FREE)
        assert told(dispatch.answers()) == {f"p/{life}": 0}
        dispatch.lose("p", "OutOfMemoryError" if life else "ActorDiedError")
    assert decides.ends == [(0, "infeasible")]
    dispatch.hear("p/9", 1, FREE)
    assert told(dispatch.answers()) == {"p/9": None}


def test_a_trial_that_gets_on_may_lose_any_number_of_workers() -> None:
    decides = Decides(1)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    for life in range(3 * LOSSES):
        dispatch.hear(f"p/{life}", 1, FREE)
        assert told(dispatch.answers()) == {f"p/{life}": 0}
        dispatch.hear(f"p/{life}", 2, pack(0, [Report(life + 1, {"val_loss": 1.0}, 0.1)], None))
        assert told(dispatch.answers()) == {f"p/{life}": True}
        dispatch.lose("p", "NodeDiedError")
    assert decides.ends == []


def test_a_worker_that_dies_of_the_limit_or_goes_deaf_beyond_it_makes_its_trial_infeasible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    bench = replace(BENCH, params={"sweep": {"limit": {"time": "10s"}}})
    decides = Decides(3)
    dispatch = Dispatch(decides, bench)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    assert told(dispatch.answers()) == {"p/1": 0}
    now_s[0] += 9
    dispatch.hear("p/1", 2, pack(0, [Report(1, {"val_loss": 1.0}, 9.0)], None))
    dispatch.lose("p", "ActorDiedError")
    assert decides.ends == []
    # While nobody trains it, its time stands still; a new worker has all of it.
    now_s[0] += 50
    dispatch.hear("p/2", 1, FREE)
    assert told(dispatch.answers()) == {"p/1": True, "p/2": 0}
    now_s[0] += 11
    dispatch.lose("p", "ActorDiedError")
    assert decides.ends == [(0, "infeasible")]
    dispatch.hear("p/3", 1, FREE)
    assert told(dispatch.answers()) == {"p/3": 1}
    now_s[0] += 10 + DEAF_S + 1
    dispatch.hear("q/1", 1, FREE)
    assert told(dispatch.answers()) == {"q/1": 2}
    assert decides.ends == [(0, "infeasible"), (1, "infeasible")]


def test_a_pause_counts_for_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr("nnops.sweep.engines.dispatch.time.monotonic", lambda: now_s[0])
    decides = Decides(1)
    bench = replace(BENCH, params={"seed": 1, "sweep": {"limit": {"time": "10s"}}})
    dispatch = Dispatch(decides, bench)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    dispatch.answers()
    # The worker hands over what it has, and waits while everything is paused.
    now_s[0] += 1000
    decides.paused_s += 995
    dispatch.hear("p/1", 2, pack(0, [Report(1, {"val_loss": 1.0}, 5.0)], None))
    assert told(dispatch.answers()) == {"p/1": True}
    now_s[0] += 10 + DEAF_S - 6
    assert dispatch.answers() == []
    assert decides.ends == []
    now_s[0] += 2
    dispatch.answers()
    assert decides.ends == [(0, "infeasible")]


def test_a_stop_lets_lost_trials_go() -> None:
    decides = Decides(2)
    dispatch = Dispatch(decides, BENCH)  # type: ignore[arg-type]
    dispatch.hear("p/1", 1, FREE)
    dispatch.answers()
    dispatch.lose("p", "ActorDiedError")
    decides.interrupted = True
    dispatch.hear("p/2", 1, FREE)
    assert told(dispatch.answers()) == {"p/2": None}
    assert decides.released == [0]


def test_workers_that_never_say_a_word_end_the_engine() -> None:
    dispatch = Dispatch(Decides(1), BENCH)  # type: ignore[arg-type]
    for _ in range(MUTE - 1):
        dispatch.lose("p", "ModuleNotFoundError")
    with pytest.raises(StudyError, match="workers die before they begin, the last one by ModuleNotFoundError"):
        dispatch.lose("p", "ModuleNotFoundError")


def test_a_desk_passes_messages_and_answers_and_tells_everybody_when_it_closes() -> None:
    async def meet() -> None:
        desk = Desk(lambda: True, lambda: None)
        assert await desk.exchange([], 0.01) == []
        asked = asyncio.create_task(desk.ask("p/1", 1, "hello"))
        assert await desk.exchange([], 1.0) == [("p/1", 1, "hello")]
        assert await desk.exchange([("p/1", 0, "stale"), ("q/1", 1, "nobody"), ("p/1", 1, "go")], 0.01) == []
        assert await asked == "go"
        waiting = asyncio.create_task(desk.ask("p/1", 2, "again"))
        await asyncio.sleep(0)
        await desk.close("leave")
        assert await waiting == "leave"
        assert await desk.ask("q/1", 1, "late") == "leave"

    asyncio.run(meet())


def test_a_desk_leaves_when_its_driver_has_died() -> None:
    left = threading.Event()
    Desk(lambda: False, left.set)
    assert left.wait(10)


def test_quiet_keeps_what_others_print_in_a_file_and_speaks_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud = io.StringIO()
    monkeypatch.setattr(sys, "stdout", loud)
    with Quiet(tmp_path / "log") as quiet:
        print("hushed")
        quiet.aloud(lambda: print("aloud"))
        print("hushed again", file=sys.stderr)
    print("after")
    assert loud.getvalue() == "aloud\nafter\n"
    assert (tmp_path / "log").read_text() == "hushed\nhushed again\n"
    quiet.aloud(lambda: print("later"))
    assert loud.getvalue().endswith("later\n")
