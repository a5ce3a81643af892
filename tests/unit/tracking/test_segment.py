import itertools
import json
import os
from pathlib import Path

import pytest

from nnops.errors import TrackingError
from nnops.tracking import segment as module
from nnops.tracking.segment import Segment, Source, ops_folder, segments, staged_folder, sweep_leftovers

HEADER = {"op": "open", "uid": "u", "t": 1}


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    ops_folder(tmp_path).mkdir()
    return tmp_path


def log(step: int) -> dict[str, object]:
    return {"op": "log", "s": step, "t": step, "m": {"ümlaut": float("nan"), "loss": 0.1}}


def steps(source: Source) -> list[int]:
    return [op["s"] for op in source.ops]


def test_lines_are_read_as_they_come_until_the_segment_ends(spool: Path) -> None:
    segment = Segment(spool, HEADER)
    segment.append(log(1))
    source = Source(segment.path)
    source.poll()
    assert (steps(source), source.ended, source.header) == ([1], False, HEADER)
    source.delivered()
    segment.append(log(2))
    source.poll()
    assert (steps(source), source.ended) == ([2], False)
    segment.close()
    source.poll()
    assert (steps(source), source.ended) == ([2], True)
    assert not segment.open


def test_a_last_word_ends_it_before_the_file_is_closed(spool: Path) -> None:
    segment = Segment(spool, HEADER)
    segment.append({"op": "leave"})
    source = Source(segment.path)
    source.poll()
    assert source.ended


def test_reading_goes_on_where_it_was_delivered(spool: Path) -> None:
    segment = Segment(spool, HEADER)
    segment.append(log(1))
    first = Source(segment.path)
    first.poll()
    first.delivered()
    segment.append(log(2))
    second = Source(segment.path, first.offset)
    second.poll()
    assert steps(second) == [2]
    second.restart()
    assert steps(second) == [1, 2]


@pytest.mark.parametrize("damage", [b'{"op": "log", "s', b"\0" * 40, b"\xff\xfe", b'["log"]', b'{"no": "op"}'])
def test_a_damaged_line_costs_that_line_alone(spool: Path, damage: bytes) -> None:
    segment = Segment(spool, HEADER)
    segment.append(log(1))
    with segment.path.open("ab") as stream:
        stream.write(damage)
    source = Source(segment.path)
    source.poll()
    assert steps(source) == [1], "a line without its end is not read"
    with segment.path.open("ab") as stream:
        stream.write(b"\n")
    segment.append(log(2))
    source.poll()
    assert steps(source) == [1, 2]


def test_half_a_line_is_not_glued_to_the_next(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment(spool, HEADER)
    real = os.write
    monkeypatch.setattr(module.os, "write", lambda fd, data: real(fd, data[:5]) and (_ for _ in ()).throw(OSError(28)))
    with pytest.raises(OSError, match="28"):
        segment.append(log(1))
    monkeypatch.setattr(module.os, "write", real)
    segment.append(log(2))
    source = Source(segment.path)
    source.poll()
    assert steps(source) == [2]


def test_a_damaged_header_is_refused(spool: Path) -> None:
    path = ops_folder(spool) / "1-1-1.jsonl"
    for content in (b"", b"\0\0\0\n", b'{"op": "open"}\n', b"[]\n"):
        path.write_bytes(content)
        with pytest.raises(ValueError):
            Source(path)


def test_files_are_copied_and_removed_with_the_segment(spool: Path, tmp_path: Path) -> None:
    segment = Segment(spool, HEADER)
    for content in ("one", "two"):
        path = tmp_path / "same.txt"
        path.write_text(content)
        place = segment.stage(path)
        assert (staged_folder(segment.path) / place).read_text() == content
    segment.close()
    Source(segment.path).remove()
    assert not segment.path.exists()
    assert not staged_folder(segment.path).exists()


def test_a_file_that_is_too_large_is_refused(spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 3)
    (tmp_path / "big").write_bytes(b"1234")
    with pytest.raises(TrackingError, match="at most 3 bytes"):
        Segment(spool, HEADER).stage(tmp_path / "big")
    with pytest.raises(TrackingError, match="must be a file"):
        Segment(spool, HEADER).stage(tmp_path)


def test_segments_are_listed_in_the_order_of_their_birth(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "now_ms", lambda: 1)  # The clock may stand still between two.
    monkeypatch.setattr(module, "_count", itertools.count(8))
    made = [Segment(spool, HEADER).path.name for _ in range(5)]
    (ops_folder(spool) / "other.txt").touch()
    assert segments(spool) == made


def test_leftovers_are_swept_and_the_living_kept(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    segment = Segment(spool, HEADER)
    place = segment.stage(tmp_path / "f")
    (ops_folder(spool) / "1-1-1.new").write_text(json.dumps(HEADER))
    orphan = spool / "files" / "1-1-1" / "0"
    orphan.mkdir(parents=True)
    sweep_leftovers(spool)
    assert [path.name for path in ops_folder(spool).iterdir()] == [segment.path.name]
    assert (staged_folder(segment.path) / place).exists()
    assert not orphan.exists()
