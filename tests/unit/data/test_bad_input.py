"""Bad input is answered with one sentence that names the place and the remedy, and nothing is written."""

import re

import pytest
from people import PEOPLE

from nnops.data.infer import infer_file
from nnops.errors import InputError

MANY = "age,town,income\n" + "".join(f"{20 + row / 7:.3f},{'RO'[row % 2]},{'ab'[row % 2]}\n" for row in range(40))

CASES = {
    "no such file": ("peopel.csv", None, {}, r"peopel\.csv: no such file; did you mean 'people\.csv'\?"),
    "empty": ("people.csv", "", {}, r"people\.csv: must hold a header and rows, but the file is empty"),
    "blank lines only": ("people.csv", "\n\n  \n", {}, r"the file is empty"),
    "header only": ("people.csv", "age,income\n", {}, r"must hold rows, but there is only the header 'age,income'"),
    "no header": (
        "people.csv",
        "1,2\n3,4\n5,6\n",
        {},
        r"the first line must name the columns, got '1, 2'.*options\.columns",
    ),
    "same name twice": ("people.csv", "age,age,income\n1,2,a\n", {}, r"'age' is there twice"),
    "odd delimiter": ("people.csv", "age^income\n1^a\n2^b\n", {}, r"one column 'age\^income'.*'\^' separates"),
    "target missing": ("people.csv", PEOPLE, {"target": "incme"}, r"target column 'incme' does not exist.*'income'\?"),
    "one class": ("people.csv", PEOPLE.replace("high", "low"), {}, r"at least two classes, but every row holds 'low'"),
    "class of one row": (
        "people.csv",
        PEOPLE + "80,Rome,rich\n",
        {},
        r"at least two rows of each class, but class 'rich' has one.*data\.split\.by to random",
    ),
    "text among numbers": (
        "people.csv",
        MANY.replace("21.429", "old"),
        {},
        r"row 11: column 'age' holds numbers, but here 'old'; correct it.*missing_markers.*data\.kinds\.age",
    ),
    "text among few numbers": (
        "people.csv",
        PEOPLE.replace("26,", "old,"),
        {},
        r"row 3: column 'age' holds numbers.*'old'",
    ),
    "text in a column said to be numeric": (
        "people.csv",
        PEOPLE,
        {"kinds": {"town": "numeric"}},
        r"people\.csv: row 1: column 'town' must hold numbers, got 'Rome'",
    ),
    "no date in a column said to be dates": (
        "people.csv",
        PEOPLE,
        {"kinds": {"town": "date"}},
        r"column 'town' must hold dates of one format.*got '",
    ),
    "all missing": (
        "people.csv",
        re.sub(r"(?m)^\d+,", "?,", PEOPLE),
        {},
        r"column 'age' must hold values, but all 12 are missing; remove it, or set data\.kinds\.age to ignore",
    ),
    "nothing to learn from": (
        "people.csv",
        "a,b\n1,x\n1,y\n1,x\n1,y\n",
        {"target": "b"},
        r"'a' is ignored \(always '1'\)",
    ),
    "target missing in a row": (
        "people.csv",
        PEOPLE.replace("Oslo,high", "Oslo,", 1),
        {},
        r"row 2: target 'income' must not be missing.*remove the one row",
    ),
    "target not a number": (
        "people.csv",
        PEOPLE,
        {"task": "regression"},
        r"row 1: target 'income' must be a number in a regression, got 'low'.*data\.task to multiclass",
    ),
    "target NaN": (
        "people.csv",
        MANY.replace("20.429", "nan"),
        {"target": "age"},
        r"row 4: target 'age' must be a finite number, got 'nan'",
    ),
    "target infinite": (
        "people.csv",
        MANY.replace("20.429", "inf"),
        {"target": "age"},
        r"row 4: target 'age' must be a finite number, got 'inf'",
    ),
    "target without variation": (
        "people.csv",
        "x,y\n" + "".join(f"{row / 3},5.5\n" for row in range(12)),
        {"target": "y", "task": "regression"},
        r"target 'y' must vary, but every row holds 5\.5",
    ),
    "binary with three classes": (
        "people.csv",
        PEOPLE,
        {"target": "town", "task": "binary"},
        r"has 3 classes.*multiclass",
    ),
    "stratified regression": (
        "people.csv",
        MANY,
        {"target": "age", "split": {"by": "stratified"}},
        r"a row of the target has not just one class; write random",
    ),
    "wrong encoding": (
        "people.csv",
        PEOPLE.replace("Oslo", "Malmö").encode("cp1252"),
        {},
        r"people\.csv: line 3: must be encoded as utf-8, got the byte 0xf6; it looks like cp1252",
    ),
    "encoding unknown": (
        "people.csv",
        PEOPLE,
        {"options": {"encoding": "utf-9"}},
        r"options\.encoding must be an encoding such as utf-8 or cp1252, got 'utf-9'",
    ),
    "binary file": ("people.csv", b"\x00\x01\x02" * 100, {}, r"must be a text file, but it holds binary data"),
    "damaged gz": ("people.csv", b"\x1f\x8b\x08" + b"\x00" * 30, {}, r"the compressed file is damaged"),
    "too few fields": (
        "people.csv",
        PEOPLE.replace("Oslo,high", "high", 1),
        {},
        r"people\.csv: line 3 must have 3 fields separated by ',' as the header has, got 2",
    ),
    "too many fields": ("people.csv", PEOPLE.replace("Oslo,", "Oslo,x,", 1), {}, r"line 3 must have 3 fields.*got 4"),
    "open quote": ("people.csv", PEOPLE.replace("Oslo", '"Oslo', 1), {}, r"not valid CSV.*quote that is not closed"),
    "kind of no column": (
        "people.csv",
        PEOPLE,
        {"kinds": {"twon": "ignore"}},
        r"unknown column 'twon'; did you mean 'town'\?",
    ),
    "kind of the target": (
        "people.csv",
        PEOPLE,
        {"kinds": {"income": "numeric"}},
        r"'income' is the target; say data\.task",
    ),
    "split column missing": (
        "people.csv",
        PEOPLE,
        {"split": {"by": "grouped", "column": "twon"}},
        r"data\.split\.column: people\.csv has no column 'twon'; did you mean 'town'\?",
    ),
    "split name unknown": (
        "people.csv",
        PEOPLE,
        {"split": {"by": "given", "column": "town"}},
        r"row 1: column 'town' must say train, val or test, got 'Rome'",
    ),
    "time is no time": (
        "people.csv",
        PEOPLE,
        {"split": {"by": "time", "column": "town"}},
        r"row 1: column 'town' must hold numbers or dates for a split by time, got 'Rome'",
    ),
    "too few groups": (
        "people.csv",
        PEOPLE.replace("Bern", "Oslo"),
        {"split": {"by": "grouped", "column": "town"}},
        r"split must hold at least one of the 12 rows \(by grouped\); three groups",
    ),
    "no validation rows": (
        "people.csv",
        PEOPLE,
        {"split": {"val": 0.0}},
        r"the val split must hold at least one of the 12 rows \(by stratified\)",
    ),
    "reader unknown": (None, PEOPLE, {"source": {"name": "cvs"}}, r"data\.source\.name: unknown reader 'cvs'.*'csv'"),
    "option unknown": (
        "people.csv",
        PEOPLE,
        {"options": {"delimeter": ";"}},
        r"data\.source\.options\.delimeter: unknown key 'delimeter'; did you mean 'delimiter'\?",
    ),
    "a positive class that is none": (
        "people.csv",
        PEOPLE,
        {"positive": "rich"},
        r"data\.positive must be a class of a binary target, got 'rich'.*\(?high, low|low, high",
    ),
    "every row dropped": (
        "people.csv",
        "age,size,income\n"
        + "".join(f"{row if row % 2 else ''},{'' if row % 2 else row},{'ab'[row % 3 == 0]}\n" for row in range(12)),
        {"cleaning": {"numeric_missing": "drop"}},
        r"every row misses a value",
    ),
    "too many one-hot columns": (
        "people.csv",
        "word,y\n" + "".join(f"w{row % 1100},{'ab'[row % 2]}\n" for row in range(2300)),
        {"target": "y"},
        r"column 'word' has 1\d\d\d different values, one-hot coding takes at most 1000",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_nothing_written(case, write, make, tmp_path):
    path, content, data, pattern = CASES[case]
    write("people.csv", PEOPLE if content is None else content)
    with pytest.raises(InputError, match=pattern) as caught:
        make(path, **{"target": "income", **data})
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "?", ")"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["people.csv"]


TESTS = {
    "column missing": (
        PEOPLE.replace("town", "twon"),
        r"test\.csv: must have the columns of people\.csv, but 'town'.*'twon'",
    ),
    "column extra": (
        "".join(f"{line},{place or 'more'}\n" for place, line in enumerate(PEOPLE.splitlines())),
        r"test\.csv: .*'more' is extra",
    ),
    "class unknown": (
        PEOPLE.replace("low", "none"),
        r"test\.csv: row 1: 'none' is no class of target 'income'.*high, low",
    ),
    "text in a numeric column": (
        PEOPLE.replace("23,", "old,"),
        r"test\.csv: row 2: column 'age' must hold numbers, got 'old'",
    ),
}


@pytest.mark.parametrize("case", TESTS)
def test_a_test_source_must_be_alike(case, write, make):
    content, pattern = TESTS[case]
    write("people.csv", PEOPLE)
    write("test.csv", content)
    with pytest.raises(InputError, match=pattern):
        make("people.csv", target="income", test={"name": "csv", "options": {"path": "test.csv"}})


def test_a_test_source_of_images_for_a_table(write, make):
    write("people.csv", PEOPLE)
    with pytest.raises(InputError, match=r"both be tables, both images .* or both sounds, got a table and images"):
        make("people.csv", target="income", test={"name": "sklearn", "options": {"set": "digits"}})


@pytest.mark.parametrize(
    ("content", "target", "pattern"),
    [
        (PEOPLE, None, r"say which column to predict with --target; there is age, town, income"),
        (PEOPLE, "incme", r"did you mean 'income'"),
        (PEOPLE.replace("26,", "old,"), "income", r"row 3: column 'age' holds numbers"),
        ("", "income", r"the file is empty"),
    ],
)
def test_a_first_look_finds_the_same_faults(content, target, pattern, write):
    with pytest.raises(InputError, match=pattern):
        infer_file(write("people.csv", content), target)
