"""Tables read one column at a time: the very bytes of tables that are read at once, in a part of the memory."""

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from nnops.data import prepare as module
from nnops.data import row_keys, table_by_column
from nnops.data.by_column import Cells
from nnops.data.prepare import prepare
from nnops.data.table_by_column import NOTE
from nnops.errors import DataError, ParamsError
from nnops.files import read_json
from nnops.params import parse

ROWS = 500


def rows(count: int = ROWS, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": np.round(random.normal(50, 9, count), 3),
            "age": random.integers(18, 90, count),
            "income": np.round(random.lognormal(9, 1, count), 2),
            "town": random.choice(["Ülm", "Bonn", "Köln, West", 'the "Old"'], count),
            "day": [f"20{year:02}-0{month}-11" for year, month in random.integers(1, 9, (count, 2))],
            "code": [f"c{place}" for place in range(count)],
            "ring": random.choice(["a", "b", "c"], count),
            "site": random.choice([f"s{place}" for place in range(30)], count),
        }
    )
    frame["label"] = np.where(frame["size"] + random.normal(0, 5, count) > 50, "yes", "no")
    frame.loc[random.random(count) < 0.1, "size"] = np.nan
    frame.loc[random.random(count) < 0.1, "town"] = None
    return frame


def write(frame: pd.DataFrame, path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False, row_group_size=200)
    else:
        frame.to_csv(path, index=False, sep=";" if "semi" in path.name else ",")


def both(folder, data: dict, monkeypatch) -> None:
    """Prepare both ways and compare every byte but those of the note."""
    monkeypatch.setattr(table_by_column, "AT_ONCE", 700)
    made = {}
    for way in ("never", "always"):
        params = parse({"data": data | {"by_column": way}})
        made[way] = prepare(params, folder / way, folder, pictures=False)
    whole, parts = folder / "never", folder / "always"
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(parts) for path in parts.rglob("*") if path.is_file())
    for path in files:
        if path.name != "report.json":
            assert (whole / path).read_bytes() == (parts / path).read_bytes(), path
    report, ours = read_json(whole / "report.json"), read_json(parts / "report.json")
    assert ours["notes"].pop() == NOTE
    assert ours == report
    assert made["never"].hash == made["always"].hash


CASES = {
    "plain": {},
    "embedding": {"categories": "embedding", "scaling": "robust"},
    "dropped": {
        "cleaning": {"numeric_missing": "drop", "categorical_missing": "drop", "duplicates": "drop", "outliers": "iqr"}
    },
    "outlier rows": {"cleaning": {"outliers": "zscore", "outlier_rows": "drop", "indicator": True}},
    "regression": {"target": "income", "kinds": {"code": "ignore"}},
    "grouped": {"split": {"by": "grouped", "column": "site"}, "groups": ["ring", "age"]},
    "time": {"split": {"by": "time", "column": "day"}},
    "folds": {"split": {"by": "stratified", "folds": 4, "fold": 1}},
    "skewed": {"skewed": "yeo_johnson", "cleaning": {"numeric_missing": "mean"}, "scaling": "minmax"},
}


@pytest.mark.parametrize(
    ("name", "case"), [*(("rows.csv", case) for case in CASES), ("rows.parquet", "plain"), ("rows.parquet", "dropped")]
)
def test_the_bytes_are_those_of_a_table_read_at_once(name, case, tmp_path, monkeypatch):
    frame = rows()
    frame = pd.concat([frame, frame.iloc[5:9]], ignore_index=True)
    write(frame, tmp_path / name)
    source = {"name": name.rpartition(".")[2], "options": {"path": name}}
    both(tmp_path, {"source": source, "target": "label"} | CASES[case], monkeypatch)


def test_a_test_source_and_several_targets(tmp_path, monkeypatch):
    for name, seed in (("rows.csv", 0), ("later.csv", 1)):
        frame = rows(ROWS, seed).drop(columns="label")
        frame["news"], frame["art"] = (frame["age"] > 40).astype(int), (frame["town"] == "Bonn").astype(int)
        write(frame, tmp_path / name)
    data = {
        "source": {"name": "csv", "options": {"path": "rows.csv"}},
        "test": {"name": "csv", "options": {"path": "later.csv"}},
        "target": ["news", "art"],
        "kinds": {"code": "ignore"},
    }
    both(tmp_path, data, monkeypatch)


def test_rows_that_train_holds_are_told(tmp_path, monkeypatch):
    frame = rows()
    frame = pd.concat([frame, frame.iloc[:300]], ignore_index=True)
    frame["fold"] = ["train"] * ROWS + ["val"] * 150 + ["test"] * 150
    frame["told"] = frame["label"].map({"yes": "oui", "no": "non"})
    write(frame, tmp_path / "rows.csv")
    source = {"name": "csv", "options": {"path": "rows.csv"}}
    data = {"source": source, "target": "label", "split": {"by": "given", "column": "fold"}}
    both(tmp_path, data, monkeypatch)
    leaks = read_json(tmp_path / "always" / "report.json")["leakage"]
    assert [leak["kind"] for leak in leaks] == ["target", "duplicates", "duplicates"]
    assert leaks[1]["rows"]["train"][:3] == [1, 2, 3]
    with pytest.raises(DataError, match="leakage"):
        prepare(parse({"data": data | {"by_column": "always", "leakage": "error"}}), tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()


def test_json_lines(tmp_path, monkeypatch):
    records = [
        {key: value for key, value in record.items() if pd.notna(value)} for record in rows().to_dict(orient="records")
    ]
    for place, record in enumerate(records):
        record["flag"] = place % 3 == 0
        if place > 50:
            record["home"] = {"floor": place % 7, "big": 10**20 * (place % 5)}
    text = "\n\n".join(json.dumps(record) for record in records)
    (tmp_path / "rows.jsonl").write_text(text)
    both(tmp_path, {"source": {"name": "jsonl", "options": {"path": "rows.jsonl"}}, "target": "label"}, monkeypatch)


@pytest.mark.parametrize("way", ["packed", "utf-16", "commas", "cp1252"])
def test_files_of_other_forms(way, tmp_path, monkeypatch):
    frame, options = rows(), {"path": "rows.csv"}
    text = frame.to_csv(index=False, sep=";", decimal="," if way == "commas" else ".")
    content = text.encode({"utf-16": "utf-16", "cp1252": "cp1252"}.get(way, "utf-8"))
    if way == "packed":
        content = gzip.compress(content)
    elif way == "commas":
        options["decimal"] = ","
    elif way == "cp1252":
        options["encoding"] = "cp1252"
    (tmp_path / "rows.csv").write_bytes(content)
    both(tmp_path, {"source": {"name": "csv", "options": options}, "target": "label"}, monkeypatch)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "the file is empty"),
        (b"a,y\n", "only the header"),
        (b"a,y\n1,2\n3\n", "line 3 must have 2 fields"),
        (b"a,y\n1,\xe4\n", "must be encoded as utf-8, got the byte 0xe4"),
        (b"a,y\n" + b"1,2\n" * 80_000 + b"1,\xe4\n", "after line 7.* must be encoded as utf-8, got the byte 0xe4"),
        (b"a,y\n\0\0\0,1\n", "binary data"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "compressed file is damaged"),
        (b'a,y\n1,"2\n', "not valid CSV"),
        (b"a,y\n" + b"1,x\n2,y\n" * 30 + b"word,x\n", "row 61: column 'a' holds numbers, but here 'word'"),
    ],
)
def test_what_is_wrong_is_said(content, match, tmp_path):
    (tmp_path / "rows.csv").write_bytes(content)
    source = {"name": "csv", "options": {"path": "rows.csv"}}
    with pytest.raises(DataError, match=match):
        prepare(parse({"data": {"source": source, "target": "y", "by_column": "always"}}), tmp_path / "out", tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "rows.csv"]


def test_what_is_read_whole_is_refused(tmp_path):
    texts = [f"word{place} went to town number{place % 7} today" for place in range(200)]
    pd.DataFrame({"text": texts, "y": ["a", "b"] * 100}).to_csv(tmp_path / "rows.csv", index=False)
    source = {"name": "csv", "options": {"path": "rows.csv"}}
    with pytest.raises(ParamsError, match=r"data.by_column: the reader sklearn is read whole; .* write auto"):
        prepare(parse({"data": {"by_column": "always"}}), tmp_path / "out", tmp_path)
    with pytest.raises(DataError, match=r"column 'text' is a text, .* set data.by_column to auto"):
        prepare(parse({"data": {"source": source, "target": "y", "by_column": "always"}}), tmp_path / "out", tmp_path)


@pytest.mark.parametrize("reader", ["csv", "npz"])
def test_a_graph_is_read_whole(reader, tmp_path):
    write(rows(), tmp_path / "rows.csv")
    source = {"name": "csv", "options": {"path": "rows.csv"}}
    options = {"path": "edges.csv"} if reader == "csv" else {"path": "edges.npz", "inputs": "a", "labels": "b"}
    edges = {"source": {"name": reader, "options": options}, "id": "code"}
    params = parse({"data": {"source": source, "target": "label", "edges": edges, "by_column": "always"}})
    with pytest.raises(ParamsError, match=r"data\.by_column: a graph is read whole"):
        prepare(params, tmp_path / "out", tmp_path)


def test_damaged_pages_of_parquet_are_told(tmp_path):
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=5000), "y": ["x", "z"] * 2500})
    frame.to_parquet(tmp_path / "rows.parquet", index=False, compression="zstd")
    content = bytearray((tmp_path / "rows.parquet").read_bytes())
    content[4:4000] = b"\xff" * 3996
    (tmp_path / "rows.parquet").write_bytes(bytes(content))
    source = {"name": "parquet", "options": {"path": "rows.parquet"}}
    for way in ("never", "always"):
        with pytest.raises(DataError, match=r"rows\.parquet"):
            prepare(parse({"data": {"source": source, "target": "y", "by_column": way}}), tmp_path / "out", tmp_path)


def test_the_way_is_chosen_by_free_memory(tmp_path, monkeypatch):
    write(rows(), tmp_path / "rows.csv")
    write(rows(), tmp_path / "rows.parquet")
    for name in ("csv", "parquet"):
        source = {"name": name, "options": {"path": f"rows.{name}"}}
        params = parse({"data": {"source": source, "target": "label"}})
        for free, noted in ((1 << 40, False), (100_000, True)):
            monkeypatch.setattr(module, "free_memory", lambda free=free: free)
            prepare(params, tmp_path / "out", tmp_path, pictures=False)
            assert (NOTE in read_json(tmp_path / "out" / "report.json")["notes"]) is noted
    # A text is read whole where params leave it open.
    texts = [f"word{place} went to town number{place % 7} today" for place in range(200)]
    pd.DataFrame({"text": texts, "y": ["a", "b"] * 100}).to_csv(tmp_path / "rows.csv", index=False)
    source = {"name": "csv", "options": {"path": "rows.csv"}}
    made = prepare(parse({"data": {"source": source, "target": "y"}}), tmp_path / "out", tmp_path, pictures=False)
    assert made.spec.inputs == ("text",)


def test_cells_come_back_as_they_were(tmp_path):
    cells = Cells(tmp_path / "cells", ["a", "b"])
    written = [["", "x"], ["ä€😀", " y "], ["", ""]]
    cells.append(written[:2])
    cells.append(written[2:])
    assert [cells.read(name).tolist() for name in "ab"] == [[row[place] for row in written] for place in range(2)]
    assert cells.read("a").dtype == pd.Series(["x"], dtype="str").dtype


def test_keys_tell_rows_apart():
    frame = pd.DataFrame({"a": [0.0, -0.0, 1.0, np.nan, np.nan, 1.0], "b": ["x", "x", "x", "y", None, None]})
    keys = np.zeros(len(frame), np.uint64)
    for name in frame.columns:
        row_keys.add_column(keys, frame[name])
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 5
    other = np.zeros(len(frame), np.uint64)
    for name in reversed(frame.columns):
        row_keys.add_column(other, frame[name])
    # A value counts where it stands, but for a row that holds nothing.
    assert set(other.tolist()) & set(keys.tolist()) == {int(keys[4])}


GROWTH = """
import sys
from pathlib import Path
from nnops.data import by_column, table_by_column
from nnops.data.prepare import prepare
from nnops.params import parse

by_column.CELLS, table_by_column.AT_ONCE = 4000, 1 << 15
folder = Path(sys.argv[1])

def resident(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024

for name in ("small", "rows"):
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    source = {"name": "csv", "options": {"path": f"{name}.csv"}}
    data = {"source": source, "target": "y", "by_column": "always"}
    prepare(parse({"data": data}), folder / "out", folder, pictures=False)
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tenth_of_the_table_is_enough_memory(tmp_path):
    random = np.random.default_rng(0)
    for name, count, columns in (("small", 300, 5), ("rows", 1500, 150)):
        number = random.random((count, columns))
        # So many digits a number: a large file of few numbers.
        lines = [",".join(f"{value:.260f}" for value in row) + f",{'ab'[int(row[0] > 0.5)]}" for row in number]
        head = ",".join([*(f"x{place}" for place in range(columns)), "y"])
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    # Memory that is taken ahead says nothing of a table of this size.
    own = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, "-c", GROWTH, str(tmp_path)]
    size = (tmp_path / "rows.csv").stat().st_size
    assert size > 50e6
    # What is mapped of libraries on the way counts, too, and is half a megabyte more or less: it can only add.
    grown: list[int] = []
    while len(grown) < 4 and not any(each < size / 10 for each in grown):
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=own)
        grown.append(int(done.stdout))
    assert min(grown) < size / 10, grown
