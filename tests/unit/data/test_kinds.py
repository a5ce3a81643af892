"""Kinds of columns by their values, and the answer that a target asks for."""

import numpy as np
import pandas as pd
import pytest

from nnops.data.infer import infer_file
from nnops.data.kinds import infer_kind
from nnops.data.prepare import prepare
from nnops.data.target import Target, judge
from nnops.files import read_json
from nnops.params import parse

MARKERS = parse({}).data.cleaning.missing_markers

COLUMNS = {
    "numbers": (["1", "2.5", "1e3", "-4"] * 5, "numeric"),
    "numbers with gaps": (["1", "?", "", "3", "NA"] * 5, "numeric"),
    "typed numbers": ([0.5, 1.5, None, 2.5], "numeric"),
    "words": (["a", "b", "a", "c"] * 5, "categorical"),
    "yes and no": ([True, False, True, True], "categorical"),
    "numbers with a common word": (["1", "2", "3", "4+"] * 30, "categorical"),
    "dates": (["2024-01-31", "2024-02-01", "2023-12-24", ""] * 3, "date"),
    "moments": (["2024-01-31 10:15:00", "2024-02-01T08:00:00", "2023-12-24 23:59:59"] * 3, "date"),
    "German dates": (["31.01.2024", "01.02.2024", "24.12.2023"] * 3, "date"),
    "American dates": (["01/31/2024", "02/01/2024", "12/24/2023"] * 3, "date"),
    "typed dates": (pd.to_datetime(["2024-01-31", "2024-02-01", None]), "date"),
    "versions, not dates": (["1.2.3", "1.2.4", "2.0.0"] * 5, "categorical"),
    "row numbers": ([str(row) for row in range(1, 20)], "ignore"),
    "names": ([f"person {row}" for row in range(30)], "ignore"),
    "one value": (["x"] * 9 + [""], "ignore"),
    "nearly all different": ([f"ticket {row % 70}" for row in range(100)], "ignore"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_kind(case):
    values, kind = COLUMNS[case]
    found = infer_kind(pd.Series(values, name="x"), MARKERS, "file.csv")
    assert found.kind == kind, found.reason


TARGETS = {
    "words": (["no", "yes", "no"], "binary", ("no", "yes")),
    "words against the alphabet": (["attack", "normal", "attack"], "binary", ("normal", "attack")),
    "income": ([">50K", "<=50K", "<=50K"], "binary", ("<=50K", ">50K")),
    "truth": ([True, False, True], "binary", ("False", "True")),
    "signs": ([1, -1, 1], "binary", ("-1", "1")),
    "few whole numbers": (["10", "9", "2"] * 3, "multiclass", ("2", "9", "10")),
    "floats that are whole": ([0.0, 1.0, 2.0] * 3, "multiclass", ("0", "1", "2")),
    "many whole numbers": (list(range(30)), "regression", ()),
    "fractions": ([0.5, 1.5, 0.5], "regression", ()),
}


@pytest.mark.parametrize("case", TARGETS)
def test_task_and_classes(case):
    values, task, classes = TARGETS[case]
    target = judge(pd.Series(values, name="y"), parse({"data": {"target": "y"}}).data, "file.csv")
    assert (target.task, target.classes) == (task, classes)


def test_two_classes_may_be_called_multiclass():
    data = parse({"data": {"target": "y", "task": "multiclass"}}).data
    assert judge(pd.Series(["a", "b"], name="y"), data, "file.csv").task == "multiclass"


def test_answers_of_classes():
    target = Target("y", "multiclass", ("a", "b", "c"))
    logits = np.array([[0.0, 1.0, -1.0], [1000.0, 0.0, 999.0]])
    answers = target.decode(logits)
    assert answers["label"].tolist() == ["b", "a"]
    expected = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(answers["probability"], expected / expected.sum(1, keepdims=True), rtol=1e-12)


def test_answers_of_two_classes():
    answers = Target("y", "binary", ("no", "yes")).decode(np.array([[0.0], [2.0], [-800.0]]))
    assert answers["label"].tolist() == ["no", "yes", "no"]
    np.testing.assert_allclose(answers["probability"][:, 1], [0.5, 1 / (1 + np.exp(-2.0)), 0.0], atol=1e-12)


def test_answers_of_a_regression_undo_the_scaling():
    values = pd.Series([10.0, 20.0, 60.0], name="y")
    target = Target("y", "regression").scaled(values, "file.csv")
    answers = target.decode(target.encode(values, "file.csv")[:, None])
    np.testing.assert_allclose(answers["value"], values, rtol=1e-6)


def test_first_look_at_a_table(write):
    rows = "".join(
        f"{row};{row * 1.5:.1f};{('red', 'blue')[row % 2]};{2 - row % 3 % 2}\n".replace(".", ",")
        for row in range(1, 31)
    )
    path = write("shop.csv", ("id;price;colour;stars\n" + rows).encode("cp1252"))
    suggestion = infer_file(path, "stars")
    assert suggestion.data == {
        "source": {"name": "csv", "options": {"path": str(path), "delimiter": ";", "decimal": ","}},
        "target": "stars",
        "task": "binary",
        "kinds": {"id": "ignore", "price": "numeric", "colour": "categorical"},
    }
    assert suggestion.comments["kinds.id"] == "counts the rows"
    assert suggestion.classes == ("1", "2")
    assert not suggestion.image


def test_first_look_names_another_encoding(write):
    path = write("towns.csv", b"town,size\n" + "Malmö,1\nÅbo,2\nMalmö,2\n".encode("cp1252") * 2)
    assert infer_file(path, "size").data["source"]["options"]["encoding"] == "cp1252"


def test_first_look_sees_labels_that_end_with_a_stop(write):
    path = write("a.data", "x,y\n" + "1,no\n2,yes\n3,no\n5,yes\n")
    test = write("a.test", "x,y\n" + "1,no.\n2,yes.\n")
    data = infer_file(path, "y", test).data
    assert data["cleaning"] == {"strip_target": "."}
    assert data["test"]["options"]["path"] == str(test)


def test_first_look_at_images(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 4, 4), np.uint8), y=np.array([0, 1, 2] * 2))
    suggestion = infer_file(tmp_path / "a.npz")
    assert suggestion.image
    assert (suggestion.task, suggestion.rows) == ("multiclass", 6)
    assert "kinds" not in suggestion.data


@pytest.mark.parametrize("step", [0, 1, 1000])
def test_numbers_that_lie_closer_than_bars_are_described(tmp_path, step):
    """Long ids: at 1e18 two neighbours of float64 are 128 apart."""
    rows = "".join(f"{10**18 + step * row},{row % 7},{'ab'[row % 2]}\n" for row in range(60))
    (tmp_path / "ids.csv").write_text("code,size,y\n" + rows)
    source = {"name": "csv", "options": {"path": "ids.csv"}}
    params = parse({"data": {"source": source, "target": "y", "kinds": {"code": "numeric"}}})
    prepared = prepare(params, tmp_path / "out", tmp_path)
    code = next(entry for entry in read_json(prepared.folder / "report.json")["columns"] if entry["name"] == "code")
    assert sum(code["counts"]) == prepared.rows("train")
    assert code["edges"][0] <= 10**18 <= code["edges"][-1]
    assert np.isfinite(prepared.arrays("train")["numeric"]).all()
