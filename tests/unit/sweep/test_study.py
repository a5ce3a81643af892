import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from sweeps import LR, sweep_params

from nnops.errors import InputError, StudyError
from nnops.sweep.holder import Holder, born, place
from nnops.sweep.journal import Journal, heal
from nnops.sweep.lease import Lease, holder_of
from nnops.sweep.names import free_name, names
from nnops.sweep.objective import Objective
from nnops.sweep.space import Space
from nnops.sweep.storage import JOURNAL, open_storage
from nnops.sweep.study import Study

OBJECTIVE = Objective("val_loss", "minimize")


def create(root: Path, name: str = "s", storage: str | None = None, space: dict[str, object] | None = None) -> Study:
    params = sweep_params({"sweep.storage": storage} if storage else {}, space)  # type: ignore[arg-type]
    return Study.create(root, name, params, Space.parse(params.sweep.space), (OBJECTIVE,), "hash")


def begin(study: Study, rate: float = 0.01) -> int:
    distributions = {LR: study.space.by_key[LR].distribution()}
    return study.begin({LR: rate}, {LR: rate}, distributions)


@pytest.mark.parametrize("url", [None, "sqlite:///{}/studies.db"])
def test_everything_told_is_read_again(tmp_path: Path, url: str | None) -> None:
    study = create(tmp_path, storage=url.format(tmp_path) if url else None)
    for _ in range(5):
        begin(study)
    study.report(0, 1, 0.5)
    study.report(0, 2, 0.25)
    study.end(0, "complete", (0.25,), {"seconds": 2.0, "weights_sha256": "abc", "best_epoch": 2})
    study.report(1, 1, 0.1)
    study.end(1, "pruned", None, {"seconds": 1.0})
    study.end(2, "failed", None, {"seconds": 0.0, "reason": "it raised"})
    study.end(3, "infeasible", None, {"seconds": 0.0, "reason": "nan"})

    again = Study.open(tmp_path, "s")
    records = again.trials()
    assert [record.state for record in records] == ["complete", "pruned", "failed", "infeasible", "running"]
    assert records[0].reports == {1: 0.5, 2: 0.25}
    assert (records[0].value, records[0].epochs, records[0].seconds) == (0.25, 2, 2.0)
    assert records[0].weights_sha256 == "abc"
    assert records[2].reason == "it raised"
    assert records[1].value == 0.1
    # A pruned value is better, and does not count.
    assert again.best() == records[0]
    assert again.params == study.params
    assert again.objective == OBJECTIVE
    assert again.state == "stopped"


def test_names_that_are_taken_say_by_what(tmp_path: Path) -> None:
    create(tmp_path)
    with pytest.raises(InputError, match="exists with 0 trials; go on with 'nnops sweep resume s'"):
        create(tmp_path)
    with pytest.raises(InputError, match=r"exists with another space \(model\.options\.dropout, train\.optimizer"):
        create(tmp_path, space={LR: {"float": [1e-3, 1e-2]}})
    params = sweep_params()
    space = Space.parse(params.sweep.space)
    with pytest.raises(InputError, match="exists with the objective minimize val_loss, not maximize val_accuracy"):
        Study.create(tmp_path, "s", params, space, (Objective("val_accuracy", "maximize"),), "hash")


def test_a_name_taken_in_a_shared_storage_is_seen_from_another_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    create(tmp_path / "a", storage=url)
    with pytest.raises(InputError, match="exists with 0 trials"):
        create(tmp_path / "b", storage=url)
    assert Study.open(tmp_path / "c", "s", url).count() == 0


def test_unknown_names_are_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no study 'digits' in .*; there is none yet"):
        Study.open(tmp_path, "digits")
    create(tmp_path, "digits")
    with pytest.raises(InputError, match="did you mean 'digits'"):
        Study.open(tmp_path, "digit")
    with pytest.raises(InputError, match="must be 1 to 100 letters"):
        create(tmp_path, "../x")
    assert names(tmp_path) == ["digits"]
    assert free_name(tmp_path, "digits") == "digits-2"
    assert free_name(tmp_path, "other") == "other"


def test_a_beginning_that_was_cut_off_leaves_the_name_free(tmp_path: Path) -> None:
    for url in (None, f"sqlite:///{tmp_path}/studies.db"):
        study = create(tmp_path, storage=url)
        (study.folder / "study.json").unlink()
        if url:
            storage = open_storage(study.folder, url)
            optuna.delete_study(study_name="s", storage=storage)
            optuna.create_study(study_name="s", storage=storage)
        assert create(tmp_path, storage=url).count() == 0
        Study.open(tmp_path, "s").delete()
        assert names(tmp_path) == []


def test_a_storage_that_cannot_be_opened_is_said_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sweep\.storage: 'nonsense://me:\*\*\*@host/db' cannot be opened"):
        open_storage(tmp_path, "nonsense://me:secret@host/db")


@pytest.mark.parametrize("left", [b'{"op_code": 7, "trial_id": 0, "st', b"\0\0\0\0", b"\0\0\0\n", b'{"a": 1\n{"b'])
def test_what_a_write_that_was_cut_off_left_is_healed(tmp_path: Path, left: bytes) -> None:
    study = create(tmp_path)
    begin(study)
    journal = study.folder / JOURNAL
    whole = journal.read_bytes()
    with journal.open("ab") as stream:
        stream.write(left)
    heal(journal)
    assert journal.read_bytes() == whole
    journal.write_bytes(whole + left)
    begin(Study.open(tmp_path, "s", drive=True))
    assert Study.open(tmp_path, "s").count() == 2
    journal.write_bytes(left.partition(b"\n")[0])
    heal(journal)
    assert journal.read_bytes() == b""


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = create(tmp_path)
    begin(study)
    whole = (study.folder / JOURNAL).read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:20]))
    with pytest.raises(OSError, match="No space left"):
        study.report(0, 1, 0.5)
    monkeypatch.undo()
    assert (study.folder / JOURNAL).read_bytes() == whole
    study.report(0, 1, 0.5)
    assert Study.open(tmp_path, "s").trials()[0].reports == {1: 0.5}


def test_the_journal_is_one_that_optuna_reads(tmp_path: Path) -> None:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    study = create(tmp_path)
    begin(study)
    theirs = JournalStorage(JournalFileBackend(str(study.folder / JOURNAL)))
    assert len(optuna.load_study(study_name="s", storage=theirs).trials) == 1
    assert issubclass(Journal, JournalFileBackend)


def test_one_driver_a_study_and_a_second_is_told_who(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from nnops.sweep.lease import Lease\n"
        f"lease = Lease(Path({str(tmp_path)!r}), 's'); lease.take(); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(StudyError, match=f"study 's' is driven by process {process.pid} on .*; wait for it"):
            Lease(tmp_path, "s").take()
        holder = holder_of(tmp_path)
        assert holder is not None
        assert holder.alive
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    # A dead one is taken over at once.
    assert not holder.alive
    lease = Lease(tmp_path, "s")
    lease.take()
    lease.release()
    assert holder_of(tmp_path) is None


def test_a_holder_on_another_machine_counts_while_it_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnops.sweep.lease.WATCH_S", 0.5)
    kept: list[str | None] = [json.dumps({"pid": 1, "host": "elsewhere", "born": 0.0, "beat": time.time()})]

    def read() -> str | None:
        return kept[0]

    def write(text: str | None) -> None:
        kept[0] = text

    lease = Lease(tmp_path, "s")
    lease.take()
    with pytest.raises(StudyError, match="process 1 on elsewhere"):
        lease.join(read, write)
    kept[0] = json.dumps({"pid": 1, "host": "elsewhere", "born": 0.0, "beat": time.time() - 1000})
    lease.take()
    lease.join(read, write)
    assert kept[0] is not None
    assert Holder(**json.loads(kept[0])).alive
    lease.release()
    assert kept[0] is None


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_a_wrong_clock_neither_keeps_the_dead_nor_kills_the_living(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    monkeypatch.setattr("nnops.sweep.lease.WATCH_S", 1.0)
    beats = [0]

    def read() -> str:
        beats[0] += living
        return json.dumps(
            {"pid": 1, "host": "elsewhere", "born": 0.0, "beat": time.time() // 1e5 * 1e5 + ahead_s + beats[0]}
        )

    living = True
    lease = Lease(tmp_path, "s")
    lease.take()
    with pytest.raises(StudyError, match="process 1 on elsewhere"):
        lease.join(read, lambda text: None)
    living = False
    lease.take()
    lease.join(read, lambda text: None)
    lease.release()


def test_a_holder_is_told_from_others_with_its_number_or_the_name_of_its_machine() -> None:
    mine = Holder(os.getpid(), socket.gethostname(), born(os.getpid()) or 0.0, time.time(), place())
    assert mine.alive
    assert mine.is_this_process
    # The number was given to a new process.
    assert not replace(mine, born=mine.born - 100).alive
    assert not replace(mine, born=mine.born - 100).is_this_process
    # A container of the same name, whose processes are not seen from here.
    other = replace(mine, place="another boot", pid=2**22 - 1)
    assert other.alive
    assert not other.is_this_process
    assert not replace(other, beat=time.time() - 100).alive
    assert born(2**22 + 1) is None


def test_a_driver_that_slept_and_was_taken_over_leaves_the_study_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(tmp_path, "s")
    lease.take()
    lease.beat()
    taker = {"pid": 1, "host": "elsewhere", "born": 0.0, "beat": time.time(), "place": "x"}
    (tmp_path / "driver.json").write_text(json.dumps(taker))
    lease.beat()
    # The clock that people read jumps; the other one stood still.
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)
    with pytest.raises(StudyError, match="was taken over by process 1 on elsewhere"):
        lease.beat()
    lease.release()
    assert holder_of(tmp_path) == Holder(**taker)
    # A loss of power may leave an empty file.
    (tmp_path / "driver.json").write_text("")
    assert holder_of(tmp_path) is None
    lease.take()
    lease.release()


def test_a_study_that_is_driven_is_not_deleted(tmp_path: Path) -> None:
    study = create(tmp_path)
    lease = Lease(study.folder, "s")
    lease.take()
    assert study.state == "running"
    with pytest.raises(StudyError, match="is driven by"):
        Study.open(tmp_path, "s").delete()
    lease.release()
    study.delete()
    assert not study.folder.exists()
