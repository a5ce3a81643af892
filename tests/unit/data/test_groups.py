"""Groups of rows: kept beside the inputs, cut where they are numbers, and refused where there is nothing to compare."""

import numpy as np
import pytest

from nnops.data.groups import Grouping
from nnops.data.prepare import prepare
from nnops.errors import ParamsError
from nnops.params import parse

ROWS = "age,town,sex,only,name,day,buys\n" + "".join(
    f"{20 + row},{('Rome', 'Oslo', '')[row % 3]},{'fm'[row % 2]},x,n{row},2024-01-{1 + row % 28:02},{'yn'[row % 2]}\n"
    for row in range(80)
)


def settings(tmp_path, groups, **data):
    (tmp_path / "rows.csv").write_text(ROWS)
    source = {"name": "csv", "options": {"path": "rows.csv"}}
    return parse({"data": {"source": source, "target": "buys", "groups": groups, **data}})


def test_each_row_keeps_its_groups_whether_it_is_learned_from_or_not(tmp_path):
    data = prepare(settings(tmp_path, ["town", "sex"], kinds={"sex": "ignore"}), tmp_path / "out", tmp_path)
    assert [grouping.groups for grouping in data.groupings] == [("Oslo", "Rome", "missing"), ("f", "m")]
    for split in ("train", "val", "test"):
        code_NG = data.groups(split)
        assert code_NG.shape == (data.rows(split), 2)
        # The target and the sex take turns.
        assert (code_NG[:, 1] == 1 - data.arrays(split)["target"]).all()
    assert set(np.concatenate([data.groups(split)[:, 0] for split in ("train", "val", "test")])) == {0, 1, 2}
    assert not any("sex" in feature for feature in data.schema["features"])


def test_numbers_are_cut_at_quartiles_of_train(tmp_path):
    data = prepare(settings(tmp_path, ["age"]), tmp_path / "out", tmp_path)
    (grouping,) = data.groupings
    assert len(grouping.groups) == 4
    assert grouping.groups[0] == f"up to {grouping.edges[0]:.6g}"
    counts = np.bincount(data.groups("train")[:, 0])
    assert counts.max() - counts.min() <= 1


def test_without_groups_nothing_is_other(tmp_path):
    params = settings(tmp_path, [])
    plain = prepare(params, tmp_path / "plain", tmp_path)
    grouped = prepare(settings(tmp_path, ["sex"]), tmp_path / "grouped", tmp_path)
    assert "groups" not in plain.schema
    assert not (plain.folder / "train" / "groups.npy").exists()
    assert "groups" not in params.record("data")["data"]
    for split in ("train", "val", "test"):
        assert (plain.arrays(split)["numeric"] == grouped.arrays(split)["numeric"]).all()
    assert (plain.folder / "report.json").read_bytes() == (grouped.folder / "report.json").read_bytes()


def test_codes_of_raw_rows_that_training_never_showed():
    import pandas as pd

    words = Grouping("town", ("Oslo", "Rome", "missing"))
    assert words.codes(pd.Series(["Rome", "Bern", "?", " Oslo"]), ("?",)).tolist() == [1, -1, 2, 0]
    numbers = Grouping("age", ("up to 30", "above 30"), (30.0,))
    assert numbers.codes(pd.Series(["30", "31", ""]), ("",)).tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["sexx"], "unknown column 'sexx'; did you mean 'sex'"),
        (["buys"], "'buys' is the target"),
        (["only"], "must have at least two groups to compare, but every row holds 'x'"),
        (["name"], "has 80 different values, and at most 50 groups are compared"),
        (["day"], "column 'day' is a date"),
    ],
)
def test_columns_that_tell_no_groups(tmp_path, groups, message):
    with pytest.raises(ParamsError, match=r"params\.yaml: data\.groups: ") as caught:
        prepare(settings(tmp_path, groups), tmp_path / "out", tmp_path)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_data_without_columns_have_no_groups(tmp_path):
    with pytest.raises(ParamsError, match=r"told by columns of a table .*, got images; leave it out"):
        prepare(parse({"data": {"groups": ["sex"]}}), tmp_path / "out", tmp_path)
    with pytest.raises(ParamsError, match=r"data\.groups: must be a list of columns such as \[sex, race\], got 'sex'"):
        parse({"data": {"groups": "sex"}})
    with pytest.raises(ParamsError, match=r"data\.groups: names 'a_b' twice"):
        parse({"data": {"groups": ["a b", "a_b"]}})
