"""Splits of any data: disjoint, complete, reproducible; no group leaks, time goes forward, classes keep shares."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nnops.data.prepared import SPLITS
from nnops.data.split import split_rows
from nnops.errors import DataError
from nnops.params import Split

FRACTIONS = st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4))
SEEDS = st.integers(0, 2**62)


def deal(split: Split, rows: int, seed: int, **given_: object):
    arguments = {"classes": None, "column": None, "separate_test": False, "where": "file.csv", **given_}
    try:
        return split_rows(split, rows, seed=seed, **arguments)  # pyright: ignore[reportArgumentType]
    except DataError:
        assume(False)
        raise


def check(dealt: dict, rows: int) -> None:
    together = np.concatenate([dealt[name] for name in SPLITS])
    assert sorted(together.tolist()) == list(range(rows))
    for name in SPLITS:
        assert (np.diff(dealt[name]) > 0).all()


@given(st.integers(5, 300), FRACTIONS, SEEDS, st.booleans())
def test_random(rows, fractions, seed, separate_test):
    split = Split(val=fractions[0], test=fractions[1], by="random", column=None)
    dealt = deal(split, rows, seed, separate_test=separate_test)
    check(dealt, rows)
    assert len(dealt["val"]) == round(rows * fractions[0])
    assert len(dealt["test"]) == (0 if separate_test else round(rows * fractions[1]))
    again = deal(split, rows, seed, separate_test=separate_test)
    assert all((dealt[name] == again[name]).all() for name in SPLITS)


def test_fewer_train_rows_than_classes_are_refused():
    classes = pd.Series([f"c{index}" for index in range(8)] * 2)
    split = Split(val=0.4, test=0.4, by="stratified", column=None)
    with pytest.raises(DataError, match=r"a row of each of the 8 classes, but gets 4 of 16 rows; give more rows"):
        split_rows(split, 16, classes=classes, column=None, seed=0, separate_test=False, where="file.csv")


@given(st.lists(st.integers(2, 60), min_size=2, max_size=8), FRACTIONS, SEEDS)
@example([2] * 8, (0.25, 0.25), 0)  # as few train rows as may be: one of each class
@example([2, 2, 2, 2, 9], (0.375, 0.375), 0)  # the small classes take all of train but one row
def test_stratified(counts, fractions, seed):
    classes = pd.Series(np.repeat([f"c{index}" for index in range(len(counts))], counts))
    classes = classes.sample(frac=1.0, random_state=seed % 1000).reset_index(drop=True)
    split = Split(val=fractions[0], test=fractions[1], by="stratified", column=None)
    dealt = deal(split, len(classes), seed, classes=classes)
    check(dealt, len(classes))
    assert len(dealt["val"]) == round(len(classes) * fractions[0])
    # Every class has its share of every split, up to the rounding that whole rows force.
    for index, count in enumerate(counts):
        inside = {name: int((classes.iloc[dealt[name]] == f"c{index}").sum()) for name in SPLITS}
        assert inside["train"] >= 1
        for name, share in (("val", fractions[0]), ("test", fractions[1])):
            assert abs(inside[name] - count * share) <= 2.5, (inside, counts)


@given(st.lists(st.integers(0, 12), min_size=6, max_size=120), FRACTIONS, SEEDS)
def test_groups_stay_whole(groups, fractions, seed):
    column = pd.Series([f"g{group}" for group in groups], name="group")
    split = Split(val=fractions[0], test=fractions[1], by="grouped", column="group")
    assume(column.nunique() >= 3)
    try:
        dealt = split_rows(
            split, len(groups), classes=None, column=column, seed=seed, separate_test=False, where="file.csv"
        )
    except DataError:
        # With three groups or more, only a fraction that rounds to no rows at all may leave a split empty.
        assert min(round(len(groups) * fraction) for fraction in fractions) == 0
        return
    check(dealt, len(groups))
    owners = [set(column.iloc[dealt[name]]) for name in SPLITS]
    assert sum(map(len, owners)) == column.nunique()


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=5, max_size=150), FRACTIONS, SEEDS, st.booleans())
@settings(deadline=None)
def test_time_goes_forward(moments, fractions, seed, as_dates):
    values = np.asarray(moments)
    column = pd.Series(values, name="when")
    if as_dates:
        column = pd.Series(pd.to_datetime(np.round(values) * 3600, unit="s").strftime("%Y-%m-%d %H:%M:%S"), name="when")
        values = np.round(values)
    dealt = deal(
        Split(val=fractions[0], test=fractions[1], by="time", column="when"), len(moments), seed, column=column
    )
    check(dealt, len(moments))
    assert values[dealt["train"]].max() <= values[dealt["val"]].min()
    assert values[dealt["val"]].max() <= values[dealt["test"]].min()


@given(st.lists(st.sampled_from(["train", "Val", "validation", "TEST", " dev"]), min_size=5, max_size=60), SEEDS)
def test_given_by_the_user(names, seed):
    dealt = deal(Split(by="given", column="part"), len(names), seed, column=pd.Series(names, name="part"))
    check(dealt, len(names))
    assert [names[row].strip().lower()[0] for row in dealt["test"]] == ["t"] * len(dealt["test"])
    assert all(names[row] == "train" for row in dealt["train"])


@given(SEEDS, SEEDS)
def test_another_seed_is_another_split(one, two):
    assume(one != two)
    split = Split(by="random", column=None)
    assert (deal(split, 200, one)["test"] != deal(split, 200, two)["test"]).any()
