"""A target of several labels a row: read, coded, decoded, found by itself, refused where it is none."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nnops.cli.app import app
from nnops.data.infer import infer_file
from nnops.data.prepare import prepare
from nnops.data.preprocess import Preprocess
from nnops.data.target import Target, find_separator
from nnops.errors import DataError, ParamsError
from nnops.files import read_json
from nnops.params import load, parse

TAGS = ["sport|news", "news", "", "art | news", "art", "sport|art|news", "sport", "art"]


def table(folder, tags=TAGS, times=8):
    rows = len(tags) * times
    frame = pd.DataFrame({"size": np.arange(rows) * 1.5 + 0.25, "tags": list(tags) * times})
    frame.to_csv(folder / "tags.csv", index=False)
    return parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": str(folder / "tags.csv")}},
                "target": "tags",
                "task": "multilabel",
            }
        }
    )


def test_labels_become_a_column_each(tmp_path):
    data = prepare(table(tmp_path), tmp_path / "out")
    assert data.classes == ["art", "news", "sport"]
    assert (data.spec.task, data.spec.outputs) == ("multilabel", 3)
    target = np.concatenate([data.arrays(split)["target"] for split in ("train", "val", "test")])
    assert target.dtype == np.float32
    assert target.sum(0).tolist() == [32, 32, 24]
    assert (target.sum(1) == 0).sum() == 8  # rows without a label are rows


def test_answers_are_the_labels_above_one_half():
    target = Target("tags", "multilabel", ("art", "news", "sport"), separator="|")
    answers = target.decode(np.array([[2.0, -1.0, 0.5], [-1.0, -2.0, -3.0]]))
    assert answers["labels"].tolist() == ["art|sport", ""]
    np.testing.assert_allclose(answers["probability"], 1 / (1 + np.exp([[-2.0, 1.0, -0.5], [1.0, 2.0, 3.0]])))
    again = target.encode(pd.Series(answers["labels"]), "rows.csv")
    assert again.tolist() == [[1, 0, 1], [0, 0, 0]]
    assert Target.from_json(target.to_json()) == target


def test_a_label_that_train_never_showed_is_refused():
    target = Target("tags", "multilabel", ("art", "news"), separator="|")
    with pytest.raises(DataError, match=r"test.csv: .*'nevs' is no label of target 'tags'; the labels are art, news"):
        target.encode(pd.Series(["art", "art|nevs"]), "test.csv")


@pytest.mark.parametrize("tags", [["news", "", "news", ""], ["a;b", "a;b", "a;b", "a;b"]])
def test_one_label_only_is_refused(tmp_path, tags):
    with pytest.raises(DataError, match=r"at least two labels, got .*; write what stands between the labels"):
        prepare(table(tmp_path, tags), tmp_path / "out")


def test_a_stratified_split_is_refused(tmp_path):
    params = table(tmp_path)
    split = params.data.split.model_copy(update={"by": "stratified"})
    with pytest.raises(DataError, match="stratified, but a row of the target has not just one class; write random"):
        prepare(params.model_copy(update={"data": params.data.model_copy(update={"split": split})}), tmp_path / "out")


def test_a_new_project_finds_the_separator(tmp_path):
    table(tmp_path)
    found = infer_file(tmp_path / "tags.csv", "tags")
    assert found.data["task"] == found.task == "multilabel"
    assert found.data["separator"] == "|"
    assert found.comments["task"] == "3 labels, a row may have several: art, news, sport"


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["a;b", "a", "b", "b;c", "c", "a;c"], ";"),
        (["Smith, John", "Doe, Jane", "Smith, John"], None),  # names of classes
        (["a|b", "c|d", "a|b", "c|d"], None),
        (["a", "b", "a", "b"], None),
        (["1,5", "2,5", "3,1", "1,5"], None),
    ],
)
def test_a_separator_makes_fewer_labels_of_more_values(values, separator):
    assert find_separator(pd.Series(values)) == separator


def columns(folder, target=("art", "news", "sport"), **changes):
    rows = 64
    there = {name: [int(row % step == 0) for row in range(rows)] for name, step in (("art", 2), ("news", 3))}
    frame = pd.DataFrame(
        {"size": np.arange(rows) * 1.5 + 0.25, **there, "sport": [row % 4 == 1 for row in range(rows)]}
    )
    frame.assign(**changes).to_csv(folder / "wide.csv", index=False)
    source = {"name": "csv", "options": {"path": str(folder / "wide.csv")}}
    return parse({"data": {"source": source, "target": list(target)}})


def test_columns_of_0_and_1_are_labels(tmp_path):
    data = prepare(columns(tmp_path), tmp_path / "out")
    assert (data.spec.task, data.classes) == ("multilabel", ["art", "news", "sport"])
    assert data.spec.shapes == ((1,),)
    target = np.concatenate([data.arrays(split)["target"] for split in ("train", "val", "test")])
    assert target.sum(0).tolist() == [32, 22, 16]
    fitted = Preprocess.from_json(read_json(tmp_path / "out" / "preprocess.json"))
    # Raw rows may hold the target's columns or not.
    raw = pd.read_csv(tmp_path / "wide.csv")
    both = fitted.transform(raw)["numeric"], fitted.transform(raw[["size"]])["numeric"]
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize(
    ("target", "changes", "message"),
    [
        (("art", "size"), {}, r"wide.csv: row 1: target 'size' must be 0 or 1, as one of several, got '0.25'"),
        (("art", "nevs"), {}, r"wide.csv: data.target: unknown column 'nevs'; did you mean 'news'"),
        (("art", "news"), {"news": 0}, r"wide.csv: target 'news' is 0 in every row"),
        (("art", "news"), {"news": None}, r"wide.csv: row 1: target 'news' must be 0 or 1"),
    ],
)
def test_columns_that_are_no_labels_are_refused(tmp_path, target, changes, message):
    with pytest.raises(DataError, match=message):
        prepare(columns(tmp_path, target, **changes), tmp_path / "out")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"target": ["art"]}, r"data.target: a list must name at least two columns, each once, got \['art'\]"),
        ({"target": 3}, r"data.target: must be the name of a column, or a list of names, got 3"),
        ({"target": ["a", "b"], "task": "binary"}, r"several target columns are labels: task must be auto or multi"),
        ({"target": ["a|b", "c"]}, r"separator must not be part of a label, got '\|' in 'a\|b'"),
    ],
)
def test_lists_of_targets_are_judged(data, message):
    with pytest.raises(ParamsError, match=message):
        parse({"data": data})


def test_init_keeps_listed_targets_and_dropped_columns(tmp_path):
    columns(tmp_path, day="monday", width=np.arange(64) % 7)
    done = CliRunner().invoke(
        app, ["init", str(tmp_path / "new"), "--data", str(tmp_path / "wide.csv"), "--target", "art,news,sport",
              "--drop", "width"]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "target 'art and news and sport'" in done.output
    params = load(tmp_path / "new" / "params.yaml")
    assert params.data.target == ("art", "news", "sport")
    assert params.data.kinds == {"size": "numeric", "day": "ignore", "width": "ignore"}
    assert "width: ignore" in (tmp_path / "new" / "params.yaml").read_text()
    lost = CliRunner().invoke(app, ["init", str(tmp_path / "b"), "--data", str(tmp_path / "wide.csv"), "--target",
                                    "art", "--drop", "widht"])  # fmt: skip
    assert "did you mean 'width'" in str(lost.exception)
