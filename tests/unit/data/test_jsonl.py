"""JSON lines: what stands in the file is what comes out, nested keys joined; broken lines are named."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnops.data.infer import infer_file
from nnops.data.readers.jsonl import Jsonl
from nnops.data.rows import read_rows
from nnops.errors import DataError
from nnops.files import read_json

PEOPLE = [
    {"age": 20 + row, "home": {"city": ("Oslo", "Rome")[row % 2], "floor": row % 4}, "member": row % 3 == 0}
    | ({"pay": 1.5 * row} if row % 5 else {})
    | {"rich": ("no", "yes")[row % 2]}
    for row in range(40)
]


def lines(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_columns_types_and_missing_values(write):
    frame = Jsonl(path="a").frame(write("people.jsonl", lines(PEOPLE) + "\n"))
    assert list(frame.columns) == ["age", "home.city", "home.floor", "member", "rich", "pay"]
    assert frame["pay"].isna().tolist() == [row % 5 == 0 for row in range(40)]
    assert frame["age"].tolist() == [20 + row for row in range(40)]
    assert frame["home.city"].iloc[1] == "Rome"


def test_same_arrays_as_csv_plain_and_compressed(write, make):
    text = lines(PEOPLE)
    flat = pd.json_normalize(PEOPLE)[["age", "home.city", "home.floor", "member", "rich", "pay"]]
    write("people.csv", flat.to_csv(index=False))
    write("people.jsonl", text)
    write("people.jsonl.gz", gzip.compress(text.encode(), mtime=0))
    expected = make("people.csv", target="rich", kinds={"home.floor": "categorical"}).arrays("train")
    for name in ("people.jsonl", "people.jsonl.gz"):
        source = {"name": "jsonl", "options": {"path": name}}
        found = make(out="json", source=source, target="rich", kinds={"home.floor": "categorical"}).arrays("train")
        for array in expected:
            np.testing.assert_array_equal(found[array], expected[array])


def test_found_by_its_name_and_read_to_predict(write, make):
    path = write("people.jsonl", lines(PEOPLE))
    suggestion = infer_file(path, "rich")
    assert suggestion.data["source"]["name"] == "jsonl"
    assert suggestion.data["kinds"]["home.city"] == "categorical"
    prepared = make(source={"name": "jsonl", "options": {"path": "people.jsonl"}}, target="rich")
    rows = read_rows(path, read_json(prepared.folder / "schema.json"))
    assert isinstance(rows, pd.DataFrame)
    assert len(rows) == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "one JSON object a line"),
        ("{}\n{}\n", "one JSON object a line"),
        ('{"a": 1}\n{"a": 2\n', r"line 2: not valid JSON .*'\{\"a\": 2'"),
        ('{"a": 1} {"a": 2}\n', r"line 1: not valid JSON \(one line must hold one object alone\)"),
        ("[1, 2]\n", r"line 1: must hold one JSON object .*a list"),
        ('\n\n"word"\n', r"line 3: must hold one JSON object .*a single value"),
        ('{"a": [1, 2]}\n', r"line 1: 'a' must hold a single value, got the list '\[1, 2\]'"),
        ('{"a": 1, "a": 2}\n', r"line 1: the key 'a' is there twice; remove one"),
        ('{"a": {"b": 1}, "a.b": 2}\n', r"line 1: the key 'a\.b' is there twice, once joined by a dot"),
        ('{"a": "\\ud83d"}\n', "line 1: half of a pair of escapes"),
        ('{"a":' * 30 + "1" + "}" * 30, "line 1: objects must be at most 20 deep"),
        ('{"a":' * 100_000, "line 1: "),
    ],
)
def test_broken_lines(content, message, write):
    with pytest.raises(DataError, match=message) as caught:
        Jsonl(path="a").frame(write("a.jsonl", content))
    assert str(caught.value).startswith("a.jsonl")
    assert "\n" not in str(caught.value)


def test_numbers_that_no_float_holds_are_missing(write, make):
    rows = [{"x": row / 3, "y": ("a", "b")[row % 2]} for row in range(20)]
    text = lines(rows) + '{"x": 1' + "0" * 400 + ', "y": "a"}\n{"x": NaN, "y": "b"}\n'
    write("a.jsonl", text)
    prepared = make(source={"name": "jsonl", "options": {"path": "a.jsonl"}}, target="y")
    assert all(np.isfinite(prepared.arrays(split)["numeric"]).all() for split in ("train", "val", "test"))


def test_other_separators_within_a_line(write):
    frame = Jsonl(path="a").frame(write("a.jsonl", '{"a": "x\u2028y"}\r\n{"a": "z"}\r\n'))
    assert frame["a"].tolist() == ["x\u2028y", "z"]


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"rows\.jsonl: no such file"):
        Jsonl(path="rows.jsonl").read(tmp_path, "y")
