"""Leaks that are planted are found, with their rows; sound sets are not accused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnops.data import READERS
from nnops.data.reader import Table
from nnops.data.table import make_table
from nnops.errors import DataError
from nnops.files import read_json
from nnops.params import parse

ROWS = 600


def sound(seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(ROWS, 5)), columns=list("abcde")).assign(
        town=random.choice(["Oslo", "Rome", "Lima"], ROWS),
        day=pd.date_range("2024-01-01", periods=ROWS, freq="h").astype(str),
    )
    frame["y"] = np.where(frame["a"] + random.normal(size=ROWS) > 0, "yes", "no")
    return frame


def leaks(frame: pd.DataFrame, test: pd.DataFrame | None = None, **data):
    params = parse({"data": {"target": "y"} | data})
    tables = [None if one is None else Table(one.reset_index(drop=True), "rows.csv") for one in (frame, test)]
    assert tables[0] is not None
    return make_table(params, tables[0], tables[1]).report["leakage"]


def test_a_sound_table_is_not_accused():
    assert leaks(sound()) == []
    assert leaks(sound(), target="b", kinds={"y": "categorical"}) == []


@pytest.mark.parametrize("rounded", [False, True])
def test_duplicates_across_splits(rounded):
    frame = sound()
    frame["split"] = np.repeat(["train", "val", "test"], [400, 100, 100])
    copies = frame.iloc[:8].assign(split="test")
    if rounded:
        copies = copies.round(2)
    frame = pd.concat([frame, copies], ignore_index=True)
    (leak,) = leaks(frame, split={"by": "given", "column": "split"}, kinds={"day": "ignore"})
    assert (leak["kind"], leak["count"]) == ("duplicates", 8)
    assert leak["rows"] == {"test": list(range(601, 609)), "train": list(range(1, 9))}
    assert ("8 of them but for rounding" in leak["sentence"]) == rounded


def test_two_alike_rows_and_tables_of_words_are_no_leak():
    frame = sound()
    frame["split"] = np.repeat(["train", "val", "test"], [400, 100, 100])
    two = pd.concat([frame, frame.iloc[:2].assign(split="test")], ignore_index=True)
    given = {"by": "given", "column": "split"}
    assert leaks(two, split=given, kinds={"day": "ignore"}) == []
    words = frame[["town", "split", "y"]].assign(size=np.arange(ROWS) % 4)
    assert leaks(words, split=given) == []


TELLERS = {
    "copy": (lambda y: y, "is a copy of the target"),
    "code": (lambda y: np.where(y == "yes", "Q7", "Z3"), "each one of its values goes with one class"),
    "many codes": (
        lambda y: np.where(y == "yes", "A", "B") + pd.Series(np.arange(ROWS) % 10).astype(str).to_numpy(),
        "each of its 20 values goes with one class",
    ),
    "number": (
        lambda y: np.where(y == "yes", 5.0, 3.0) + np.random.default_rng(1).random(ROWS),
        "1 bounds on it part the classes",
    ),
    "missing": (
        lambda y: np.where(y == "yes", np.random.default_rng(1).random(ROWS), np.nan),
        "is missing in all rows of some classes",
    ),
}


@pytest.mark.parametrize("planted", TELLERS)
def test_columns_that_tell_the_class(planted):
    column, words = TELLERS[planted]
    frame = sound()
    (leak,) = leaks(frame.assign(told=column(frame["y"].to_numpy())))
    assert leak["kind"] == "target"
    assert words in leak["sentence"]
    assert "column 'told'" in leak["sentence"]
    assert "data.kinds.told to ignore" in leak["sentence"]
    assert leaks(frame.assign(told=column(frame["y"].to_numpy())), kinds={"told": "ignore"}) == []


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (lambda y: y, "is a copy of the target"),
        (lambda y: np.exp(y), "it rises as the target rises"),
        (lambda y: -(y**3), "it falls as the target rises"),
        (lambda y: y + 0.01 * np.random.default_rng(1).normal(size=ROWS), "it rises"),
    ],
)
def test_columns_that_tell_the_value(column, words):
    frame = sound()
    (leak,) = leaks(frame.assign(told=column(frame["b"].to_numpy())), target="b")
    assert words in leak["sentence"]


def test_words_that_each_go_with_one_value():
    frame = sound()
    frame["b"] = np.arange(ROWS) * 7 % 30 + 0.5
    (leak,) = leaks(frame.assign(band=[f"band {value * 13 % 30}" for value in frame["b"]]), target="b")
    assert "each of its values goes with one" in leak["sentence"]


def test_a_strong_but_fallible_column_is_not_accused():
    frame = sound()
    wrong = np.random.default_rng(2).random(ROWS) < 0.03
    assert leaks(frame.assign(told=np.where(wrong, "no", frame["y"]))) == []


def test_time_that_overlaps():
    frame = sound()
    frame["split"] = np.repeat(["train", "val", "test"], [400, 100, 100])
    given = {"by": "given", "column": "split"}
    assert leaks(frame, split=given) == []
    frame.loc[[399, 598], "day"] = frame.loc[[598, 399], "day"].to_numpy()
    found = leaks(frame, split=given)
    assert {leak["kind"] for leak in found} == {"time"}
    last = next(leak for leak in found if set(leak["rows"]) == {"test", "train"})
    assert 599 in last["rows"]["test"]
    assert last["rows"]["train"] == [400]
    assert "lie before the end of train by 'day'" in last["sentence"]


def test_a_random_split_of_dated_rows_is_not_accused():
    frame = sound().sample(frac=1, random_state=1)
    frame["split"] = np.repeat(["train", "val", "test"], [400, 100, 100])
    assert leaks(frame, split={"by": "given", "column": "split"}) == []


def test_time_of_a_test_file():
    frame = sound()
    rest = pd.concat([frame.iloc[:300], frame.iloc[400:]])
    found = leaks(rest, frame.iloc[300:400], split={"by": "time", "column": "day", "val": 0.1})
    assert {tuple(sorted(leak["rows"])) for leak in found} == {("test", "train"), ("test", "val")}
    assert found[0]["count"] == 100


def test_groups_of_a_test_file():
    frame = sound().assign(who=[f"p{row // 10}" for row in range(ROWS)])
    split = {"by": "grouped", "column": "who", "val": 0.2}
    (leak,) = leaks(frame.iloc[:495], frame.iloc[495:], split=split)
    assert (leak["kind"], leak["count"]) == ("groups", 5)
    assert "such as 'p49' (row 1," in leak["sentence"]


def test_copies_of_images(make, tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (300, 6, 6), np.uint8)
    images[250:] = images[:50]
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(300) % 2)
    source = {"name": "npz", "options": {"path": "a.npz"}}
    found = read_json(make(source=source, split={"by": "random"}).folder / "report.json")["leakage"]
    assert {leak["kind"] for leak in found} == {"duplicates"}
    leak = found[-1]
    twin, row = leak["rows"]["train"][0], leak["rows"]["test"][0]
    assert abs(twin - row) == 250


def test_strict_ends_the_stage_and_writes_nothing():
    frame = sound()
    frame["told"] = frame["y"]
    with pytest.raises(DataError, match=r"rows\.csv: leakage: column 'told' is a copy of the target \(row \d+: '"):
        leaks(frame, leakage="error")
    assert leaks(sound(), leakage="error") == []


def test_notes_begin_with_leaks(make, tmp_path):
    frame = sound()
    frame["told"] = frame["y"]
    frame.to_csv(tmp_path / "rows.csv", index=False)
    notes = read_json(make("rows.csv", target="y").folder / "report.json")["notes"]
    assert notes[0].startswith("Leakage: column 'told' is a copy of the target")


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "iris", "wine"])
def test_bundled_sets_are_not_accused(name):
    table = READERS.build("sklearn", {"set": name}).read(Path(), "y")
    assert isinstance(table, Table)
    assert leaks(table.frame) == []
