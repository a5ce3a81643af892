"""Folds: every row is tested once, classes and groups as the split says, and a mean that is the mean of all folds."""

import json
from statistics import fmean, stdev

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from nnops.data.folds import kin_of
from nnops.data.split import split_rows
from nnops.errors import InputError
from nnops.evaluation.folds import cross_validate
from nnops.params import Split, overlay, parse

CLASSES = pd.Series(["a"] * 61 + ["b"] * 30 + ["c"] * 12)
GROUPS = pd.Series([f"g{row * row % 23}" for row in range(103)], name="who")


def deal(fold: int, folds: int = 5, rows: int = 103, separate: bool = False, seed: int = 7, **split):
    by = split.get("by", "auto")
    return split_rows(
        Split(folds=folds, fold=fold, **({"column": "who"} if by == "grouped" else {}), **split),
        rows,
        classes=None if by in ("random", "grouped") else CLASSES,
        column=GROUPS if by == "grouped" else None,
        seed=seed,
        separate_test=separate,
        where="rows.csv",
    )


@pytest.mark.parametrize("by", ["random", "stratified", "grouped", "auto"])
@pytest.mark.parametrize("separate", [False, True])
def test_every_row_is_held_out_once(by, separate):
    dealt = [deal(fold, by=by, separate=separate) for fold in range(5)]
    held = "val" if separate else "test"
    np.testing.assert_array_equal(np.sort(np.concatenate([one[held] for one in dealt])), np.arange(103))
    for one in dealt:
        np.testing.assert_array_equal(np.sort(np.concatenate(list(one.values()))), np.arange(103))
        assert separate or len(one["val"]) > 5
    if by != "grouped":
        assert {len(one[held]) for one in dealt} == {20, 21}


def test_classes_are_dealt_as_scikit_learn_deals_them():
    ours = [CLASSES[deal(fold, by="stratified")["test"]].value_counts().to_dict() for fold in range(5)]
    theirs = [CLASSES[test].value_counts().to_dict() for _, test in StratifiedKFold(5).split(CLASSES, CLASSES)]
    for label in "abc":
        assert sorted(one[label] for one in ours) == sorted(one[label] for one in theirs)
    assert all(set(CLASSES[deal(fold, by="stratified")["train"]]) == set("abc") for fold in range(5))


def test_groups_stay_whole():
    for fold in range(5):
        dealt = deal(fold, by="grouped")
        groups = [set(GROUPS[rows]) for rows in dealt.values()]
        assert sum(len(group) for group in groups) == len(set(GROUPS))


def test_folds_are_a_function_of_the_seed():
    assert all((deal(1)[split] == deal(1)[split]).all() for split in ("train", "val", "test"))
    assert not np.array_equal(deal(1)["test"], deal(1, seed=8)["test"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deal(0, folds=13, by="stratified"), "need at least 13 rows of each class, but class 'c' has 12"),
        (lambda: deal(0, folds=30, by="grouped"), "30 grouped folds need at least 30 groups in column 'who', got 1"),
        (lambda: deal(0, folds=104, by="random"), "folds must be at most the number of rows, 103, got 104"),
        (lambda: parse({"data": {"split": {"folds": 1}}}), r"data\.split\.folds"),
        (lambda: parse({"data": {"split": {"folds": 4, "fold": 4}}}), "fold must be below folds: 4, got 4"),
        (lambda: parse({"data": {"split": {"fold": 1}}}), "fold must be below folds: not set, got 1"),
        (
            lambda: parse({"data": {"split": {"folds": 4, "by": "time", "column": "day"}}}),
            "folds need by: stratified, random or grouped, got time",
        ),
    ],
)
def test_wrong_folds(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_fold_can_be_tuned():
    assert overlay(parse({}), {"data.split.folds": 5, "data.split.fold": 3}).data.split.fold == 3


def test_the_mean_over_folds(tmp_path, monkeypatch, capsys):
    params = parse(
        {
            "data": {"source": {"name": "sklearn", "options": {"set": "iris"}}},
            "model": {"name": "mlp", "options": {"hidden": [4]}},
            "train": {"epochs": 3},
        }
    )
    told: list[tuple[int, float]] = []
    found = cross_validate(params, 2, tmp_path, lambda fold, value: told.append((fold, value)))
    assert (found.split, found.primary, found.rows) == ("test", "accuracy", [75, 75])
    assert told == list(enumerate(found.values["accuracy"]))
    assert found.spread["accuracy"] == (fmean(found.values["accuracy"]), stdev(found.values["accuracy"]))

    from nnops.cli.folds import folds

    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(json.dumps(params.record()))
    folds(2, None, as_json=True)
    assert json.loads(capsys.readouterr().out) == found.to_json()


def test_copies_stay_with_their_row_and_rows_with_their_group():
    train = pd.DataFrame({"who": ["a", "b", "a", None]})
    copied = np.array([1, 1, 3])
    free, grouped = Split(), Split(by="grouped", column="who")
    assert kin_of(train, free, np.empty(0, np.int64)) == {}
    assert kin_of(train, free, copied)["kin"].tolist() == [0, 1, 2, 3, 1, 1, 3]
    assert kin_of(train, grouped, copied)["kin"].tolist() == [1, 2, 1, 0, 2, 2, 0]
