import io
import math
import sys
import threading
from pathlib import Path

import pytest

from nnops.report import Report
from nnops.sweep.engines.hand import Hand, pack, unpack
from nnops.sweep.engines.quiet import Quiet
from nnops.sweep.trial import Assignment, Outcome, Worker


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


def test_a_hand_waits_at_judged_epochs_and_gives_everything() -> None:
    worker = Steps(7)
    hand = Hand(worker, Assignment(0, {}), [2, 5])
    count, reports, outcome = unpack(pack(hand.step()))
    assert (count, [report.epoch for report in reports], outcome) == (1, [1, 2], None)
    assert worker.answers == [True]
    count, reports, outcome = unpack(pack(hand.step()))
    assert (count, [report.epoch for report in reports], outcome) == (2, [3, 4, 5], None)
    count, reports, outcome = unpack(pack(hand.step()))
    assert (count, [report.epoch for report in reports]) == (3, [6, 7])
    assert outcome == Outcome("complete", value=0.1, epochs=7)
    hand.end()


def test_a_hand_that_is_ended_stops_its_training() -> None:
    worker = Steps(7)
    hand = Hand(worker, Assignment(0, {}), [1, 2, 3])
    hand.step()
    hand.end()
    assert worker.answers == [False]
    untouched = Hand(Steps(7), Assignment(0, {}), [1])
    untouched.end()
    assert threading.active_count() < 20


def test_floats_keep_every_bit() -> None:
    given = {"count": 1, "reports": [(1, {"a": 0.1 + 0.2, "b": math.nan, "c": 5e-324}, 1 / 3)], "outcome": None}
    _, (report,), _ = unpack(pack(given))
    assert report.metrics["a"] == 0.1 + 0.2
    assert math.isnan(report.metrics["b"])
    assert report.metrics["c"] == 5e-324
    assert report.seconds == 1 / 3


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
