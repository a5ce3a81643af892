"""What may be wrong with a series is said in one sentence that names the file and the row, and nothing is written."""

import re

import pandas as pd
import pytest

from nnops.__main__ import main
from nnops.data.infer_series import infer_series
from nnops.errors import InputError

SERIES = {"time": "when", "window": 6, "horizon": 2}
WHEN = pd.date_range("2024-01-01", periods=60, freq="D").strftime("%Y-%m-%d")
GOOD = "when,site,load\n" + "".join(f"{day},x,{place % 7}\n" for place, day in enumerate(WHEN))


def without(day):
    return re.sub(rf"{day},.*\n", "", GOOD)


FILES = {
    "a gap": (
        without("2024-01-05"),
        r"s\.csv: row 5: steps must be 1 day each, but '2024-01-06' follows '2024-01-04'.*data\.series\.gaps to fill",
    ),
    "out of order": (
        GOOD + "2024-01-07,x,3\n",
        r"s\.csv: row 61: column 'when' must rise .* '2024-01-07' comes after '2024-02-29'; sort the file",
    ),
    "doubled": (
        GOOD.replace("2024-01-05", "2024-01-04"),
        r"s\.csv: row 5: .* '2024-01-04' is there twice; .* data\.series\.group",
    ),
    "between two steps": (
        GOOD.replace("2024-01-05,", "2024-01-05 07:00,"),
        r"s\.csv: row 5: times must go in even steps of 1 day .* '2024-01-05 07:00' stands between two steps",
    ),
    "text in a variable": (
        GOOD.replace("2024-01-08,x,0", "2024-01-08,x,many"),
        r"s\.csv: row 8: column 'load' of a series must hold numbers, got 'many'.*data\.kinds\.load to ignore",
    ),
    "a value missing": (
        GOOD.replace("2024-01-08,x,0", "2024-01-08,x,"),
        r"s\.csv: row 8: column 'load' must have a value .* data\.series\.gaps to fill",
    ),
    "no time": (GOOD.replace("2024-01-05", ""), r"s\.csv: row 5: the time column 'when' must hold dates, got ''"),
    "no date": (
        GOOD.replace("2024-01-05", "soon"),
        r"s\.csv: row 5: the time column 'when' must hold numbers or dates of one format .* got 'soon'",
    ),
    "one row": ("when,site,load\n2024-01-01,x,3\n", r"s\.csv: a series needs at least two rows"),
    "too short for a window": (
        GOOD[: GOOD.index("2024-01-08")],
        r"s\.csv: the train part has 5 steps, but a window of 6 and a horizon of 2 need 8; .*data\.series\.window",
    ),
}
KEYS = {
    "window longer than the series": ({"window": 80}, r"train part has 42 steps, .* window of 80 .* need 82"),
    "horizon longer than val": ({"horizon": 12}, r"val part has 15 steps with the past before it, .* need 18"),
    "no such time": ({"time": "wen"}, r"data\.series\.time: s\.csv: unknown column 'wen'; did you mean 'when'\?"),
    "no such group": ({"group": "town"}, r"data\.series\.group: s\.csv: unknown column 'town'"),
    "no such target": ({"targets": ["lod"]}, r"data\.series\.targets: .*unknown variable 'lod'; did you mean 'load'\?"),
    "borders that fall": ({"borders": [40, 30]}, r"data\.series\.borders must rise .* 60 steps of s\.csv, got 40, 30"),
    "borders outside": ({"borders": ["2024-02-01", "2025-01-01"]}, r"borders must rise and lie within the 60 steps"),
    "a border that is no time": ({"borders": ["soon", 50]}, r"borders must hold rows, or times .* got 'soon'"),
    "filled from nothing": ({"gaps": "fill"}, r"row 1: column 'load' must have a value in the first row"),
    "filled out of thin air": ({"gaps": "fill"}, r"60 rows in 53\d+ steps of 1 day, too few to fill"),
}
PARAMS = {
    "no horizon": ({"horizon": 0}, {}, r"data\.series\.horizon .*greater than or equal to 1, got 0"),
    "no window": ({"window": 0}, {}, r"data\.series\.window .*greater than or equal to 1, got 0"),
    "one border": ({"borders": [5]}, {}, r"data\.series\.borders: must hold where val and test begin"),
    "a target beside": ({}, {"target": "load"}, r"series\.targets: write \[load\] there"),
    "another task": ({}, {"task": "binary"}, r"task must be auto or forecasting, got binary"),
    "a random split": ({}, {"split": {"by": "random"}}, r"split\.by must be auto or time, got random"),
    "a file of test rows": ({}, {"test": {"name": "csv"}}, r"split by time, so data\.test must be left out"),
}


@pytest.mark.parametrize("case", sorted(FILES))
def test_files(write, make, tmp_path, case):
    content, words = FILES[case]
    write("s.csv", content)
    with pytest.raises(InputError, match=words):
        make("s.csv", series=SERIES, kinds={"site": "ignore"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("case", sorted(KEYS))
def test_keys(write, make, case):
    changed, words = KEYS[case]
    content = GOOD.replace("2024-01-01,x,0", "2024-01-01,x,") if case == "filled from nothing" else GOOD
    if case == "filled out of thin air":
        content = GOOD.replace("2024-02-29", "3500-01-01")
    write("s.csv", content)
    with pytest.raises(InputError, match=words):
        make("s.csv", series=SERIES | changed, kinds={"site": "ignore"})


@pytest.mark.parametrize("case", sorted(PARAMS))
def test_params(make, case):
    series, data, words = PARAMS[case]
    with pytest.raises(InputError, match=words):
        make("s.csv", series=SERIES | series, **data)


def test_a_series_of_images_is_refused(make):
    with pytest.raises(InputError, match="a series is a table with a time column"):
        make(source={"name": "sklearn", "options": {"set": "digits"}}, series=SERIES)


def test_kinds_that_are_no_numbers_are_refused(write, make):
    write("s.csv", GOOD)
    with pytest.raises(InputError, match=r"data\.kinds\.site: a series has numbers; write numeric or ignore"):
        make("s.csv", series=SERIES, kinds={"site": "categorical"})


@pytest.mark.parametrize("case", ["out of order", "doubled", "no date", "one row"])
def test_init_says_the_same(write, case):
    content, words = FILES[case]
    with pytest.raises(InputError, match=words):
        infer_series(write("s.csv", content), "when")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--time", "wen"], "did you mean 'when'"),
        (["--time", "when", "--target", "lod"], "did you mean 'load'"),
        (["--time", "when", "--test", "s.csv"], "a series is split by time"),
        (["--group", "site"], "--time COLUMN"),
    ],
)
def test_init_ends_with_2_and_one_sentence(tmp_path, monkeypatch, capfd, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.csv").write_text(GOOD)
    monkeypatch.setattr("sys.argv", ["nnops", "init", "new", "--data", "s.csv", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    err = capfd.readouterr().err
    assert stop.value.code == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()
