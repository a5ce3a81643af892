"""What a trial costs does not grow with its study: nobody looks at all trials, or all lines, for one more."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sweeps import sweep_params

from nnops.report import Report
from nnops.sweep.conductor import Conductor
from nnops.sweep.journal import Journal
from nnops.sweep.lease import Lease
from nnops.sweep.names import studies
from nnops.sweep.objective import Objective
from nnops.sweep.space import Space
from nnops.sweep.study import Study
from nnops.sweep.trial import Outcome


@pytest.fixture
def conductor(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Conductor]:
    """Of a study with some trials behind it."""
    params = sweep_params({"sweep.storage": request.param} if request.param else {})
    lease = Lease(studies(tmp_path) / "s", "s")
    lease.take()
    study = Study.create(
        tmp_path, "s", params, Space.parse(params.sweep.space), (Objective("val_loss", "minimize"),), "data"
    )
    made = Conductor(study, lease, trials=100, seconds=None, stop=threading.Event(), tell=lambda event: None)
    for _ in range(3):
        train(made)
    yield made
    lease.release()


def train(conductor: Conductor) -> None:
    assignment = conductor.next()
    assert assignment is not None
    for epoch in range(1, 4):
        conductor.report(assignment.number, Report(epoch, {"val_loss": 0.5}, 0.01))
    conductor.finish(assignment.number, Outcome("complete", value=0.5, best_epoch=1, epochs=3))


@pytest.mark.parametrize("conductor", [None, "sqlite:///:memory:"], indirect=True)
def test_a_trial_is_begun_trained_and_ended_without_a_look_at_the_others(
    conductor: Conductor, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = type(conductor.study.optuna._storage)

    def refuse(self: object, *words: Any, **options: Any) -> list[Any]:
        raise AssertionError("all trials are looked at")

    monkeypatch.setattr(storage, "get_all_trials", refuse)
    monkeypatch.setattr("nnops.sweep.journal.Journal._lines", refuse)
    for _ in range(3):
        train(conductor)
    monkeypatch.undo()
    assert [record.epochs for record in conductor.study.trials()] == [3] * 6


def test_a_journal_gives_what_it_wrote_and_what_others_wrote(tmp_path: Path) -> None:
    mine, other = Journal(tmp_path / "log"), Journal(tmp_path / "log")
    mine.append_logs([{"a": (1, 2)}, {"a": 2}])
    # Through JSON, as every reader has it.
    assert list(mine.read_logs(0)) == [{"a": [1, 2]}, {"a": 2}]
    other.append_logs([{"a": 3}])
    mine.append_logs([{"a": 4}])
    assert list(mine.read_logs(2)) == [{"a": 3}, {"a": 4}]
    assert list(other.read_logs(0)) == [{"a": [1, 2]}, {"a": 2}, {"a": 3}, {"a": 4}]
    mine.append_logs([{"a": 5}, {"a": 6}])
    # Who reads may stop at any line, and go on behind it.
    assert next(iter(mine.read_logs(4))) == {"a": 5}
    assert list(mine.read_logs(5)) == [{"a": 6}]
    assert list(mine.read_logs(6)) == []
    assert [log["a"] for log in mine.read_logs(1)] == [2, 3, 4, 5, 6]


def test_a_journal_leaves_what_is_damaged_at_its_end_and_refuses_it_before(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for end in (b'{"a"', b'{"a\n', b"\0\0\n"):
        path.write_bytes(b'{"a":1}\n' + end)
        journal = Journal(path)
        assert list(journal.read_logs(0)) == [{"a": 1}]
        assert list(journal.read_logs(1)) == []
    path.write_bytes(b'{"a":1}\n{"a"')
    journal = Journal(path)
    assert list(journal.read_logs(0)) == [{"a": 1}]
    with path.open("ab") as stream:
        stream.write(b":2}\n")
    assert list(journal.read_logs(1)) == [{"a": 2}]
    path.write_bytes(b'{"a":1}\n{"a\n{"a":3}\n')
    with pytest.raises(json.JSONDecodeError):
        list(Journal(path).read_logs(0))
