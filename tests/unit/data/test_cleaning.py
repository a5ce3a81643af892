"""Cleaning and bending of columns: equal to scikit-learn, fitted on train alone, wrong rows handled as params say."""

import json

import numpy as np
import pandas as pd
import pytest

from nnops.data.columns import column_from_json, column_to_json
from nnops.data.fit import choose_warp, fit_numbers
from nnops.data.preprocess import Preprocess
from nnops.data.reader import Table
from nnops.data.table import make_table
from nnops.data.warp import fit_warp, skewness, warp
from nnops.errors import InputError
from nnops.params import overlay, parse

RANDOM = np.random.default_rng(0)
SKEWED = np.exp(RANDOM.normal(size=500)) * 1000
MIXED = SKEWED * RANDOM.choice([-1, 1], 500, p=[0.2, 0.8])


def cleaning(**options):
    return parse({"data": {"cleaning": options}}).data.cleaning


def made(frame: pd.DataFrame, **data):
    return make_table(parse({"data": {"target": "y"} | data}), Table(frame, "rows.csv"), None)


def table(rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {"a": random.normal(size=rows), "b": np.exp(2 * random.normal(size=rows)), "y": random.choice(["n", "p"], rows)}
    )


@pytest.mark.parametrize("values", [SKEWED, MIXED, np.arange(50.0), np.array([1.0, 1.0, 2.0])])
def test_yeo_johnson_is_that_of_scikit_learn(values):
    from sklearn.preprocessing import PowerTransformer

    theirs = PowerTransformer(method="yeo-johnson", standardize=True).fit_transform(values[:, None])
    ours = fit_numbers("x", values, cleaning(), "standard", "yeo_johnson").apply_numbers(values)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("lamda", [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_yeo_johnson_is_that_of_scipy_for_any_lambda(lamda):
    from scipy.stats import yeojohnson

    values = np.linspace(-3, 3, 41)
    np.testing.assert_allclose(warp(values, "yeo_johnson", (lamda,)), yeojohnson(values, lamda), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("values", [SKEWED, MIXED, np.arange(2000.0)])
def test_quantiles_are_those_of_scikit_learn(values):
    from sklearn.preprocessing import QuantileTransformer

    theirs = QuantileTransformer(n_quantiles=min(1000, len(values)), output_distribution="normal", subsample=None)
    expected = theirs.fit_transform(values[:, None])[:, 0]
    np.testing.assert_allclose(warp(values, "quantile", fit_warp(values, "quantile")), expected, rtol=1e-6, atol=1e-6)
    beyond = warp(np.array([-1e9, 1e9]), "quantile", fit_warp(values, "quantile"))
    assert beyond.tolist() == pytest.approx([-5.1993, 5.1993], abs=1e-3)


def test_the_least_value_of_many_rows_gets_the_middle_of_its_ranks():
    from scipy.stats import norm

    values = np.repeat([0.0, 1.0, 5.0], [80, 15, 5])
    scores = warp(values, "quantile", fit_warp(values, "quantile"))
    assert scores[0] == pytest.approx(norm.ppf(0.5 * 79 / 99))


def test_log_of_both_signs():
    np.testing.assert_allclose(warp(SKEWED, "log", ()), np.log1p(SKEWED))
    np.testing.assert_allclose(warp(-SKEWED, "log", ()), -np.log1p(SKEWED))


def test_skewness_is_that_of_scipy():
    from scipy.stats import skew

    assert skewness(SKEWED) == pytest.approx(skew(SKEWED))
    assert skewness(np.ones(5)) == 0


def test_columns_are_chosen_by_skew_or_by_name():
    even = RANDOM.normal(size=500)
    assert choose_warp("x", SKEWED, "yeo_johnson") == "yeo_johnson"
    assert choose_warp("x", even, "yeo_johnson") == "none"
    assert choose_warp("x", even, {"x": "log"}) == "log"
    assert choose_warp("x", SKEWED, {"z": "log"}) == "none"


@pytest.mark.parametrize("way", ["log", "quantile", "yeo_johnson"])
def test_bent_columns_stay_plain_json_and_finite(way):
    fitted = fit_numbers("x", MIXED, cleaning(), "standard", way)
    again = column_from_json(json.loads(json.dumps(column_to_json(fitted))))
    assert again == fitted
    wild = np.array([np.nan, 0.0, -1e30, 1e30])
    assert np.isfinite(fitted.apply_numbers(wild)).all()


def test_bends_are_fitted_on_train_alone():
    frame = table()
    params = parse({"data": {"target": "y", "skewed": "yeo_johnson"}})
    first = make_table(params, Table(frame, "rows.csv"), None)
    train = first.arrays["train"]["numeric"]
    names = {column.name: column for column in first.preprocess.columns}
    assert (names["a"].warp, names["b"].warp) == ("none", "yeo_johnson")  # type: ignore[union-attr]
    test = frame.sample(60, random_state=0).assign(b=1e6)
    other = make_table(params, Table(frame, "rows.csv"), Table(test, "test.csv"))
    assert [column.name for column in other.preprocess.columns] == ["a", "b"]
    given = frame.assign(s=np.repeat(["train", "val", "test"], [120, 40, 40]))
    split = {"by": "given", "column": "s"}
    before = made(given, split=split, skewed="yeo_johnson").preprocess
    given.loc[120:, "b"] *= 1e4
    assert made(given, split=split, skewed="yeo_johnson").preprocess == before
    assert abs(train.mean()) < 1e-4


def test_a_constant_for_missing_numbers():
    values = np.array([1.0, np.nan, 3.0])
    assert fit_numbers("x", values, cleaning(numeric_missing=-9), "none").apply_numbers(values)[1, 0] == -9


def test_outlier_rows_of_train_go_and_others_stay():
    frame = table().assign(s=np.repeat(["train", "val", "test"], [120, 40, 40]))
    frame.loc[[3, 50, 130, 190], "a"] = [90.0, -80.0, 70.0, 60.0]
    how = {"outliers": "zscore", "outlier_rows": "drop"}
    dropped = made(frame, split={"by": "given", "column": "s"}, kinds={"b": "ignore"}, cleaning=how)
    assert [len(dropped.arrays[split]["target"]) for split in ("train", "val", "test")] == [118, 40, 40]
    assert dropped.report["outliers"] == 2
    assert "2 rows of train hold an outlier and are left out." in dropped.report["notes"]
    # What is left is scaled by itself, and the outliers of val keep their size.
    assert dropped.arrays["train"]["numeric"].std() == pytest.approx(1, abs=1e-5)
    assert dropped.arrays["val"]["numeric"].max() > 50


def test_text_among_numbers_counts_as_missing_if_asked():
    frame = table().astype({"a": object})
    frame.loc[7, "a"] = "broken"
    with pytest.raises(InputError, match=r"row 8: column 'a' holds numbers, but here 'broken'.*wrong_types to missing"):
        made(frame)
    lenient = made(frame, cleaning={"wrong_types": "missing", "indicator": True})
    assert lenient.features == ["a", "a missing", "b"]
    again = Preprocess.from_json(json.loads(json.dumps(lenient.preprocess.to_json())))
    answer = again.transform(pd.DataFrame({"a": ["oops", "1.5"], "b": [1.0, 2.0]}))["numeric"]
    assert answer[:, 1].tolist() == [1.0, 0.0]


def test_wrong_dates_count_as_missing_if_asked():
    frame = table().assign(day=pd.date_range("2024-01-01", periods=200).astype(str))
    frame.loc[3, "day"] = "soon"
    kinds = {"day": "date"}
    with pytest.raises(InputError, match="must hold dates"):
        made(frame, kinds=kinds)
    lenient = made(frame, kinds=kinds, cleaning={"wrong_types": "missing"})
    rows = pd.DataFrame({"a": [0.0, 0.0], "b": [1.0, 1.0], "day": ["2024-02-03", "never"]})
    assert np.isfinite(lenient.preprocess.transform(rows)["numeric"]).all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"skewed": {"aa": "log"}}, r"data\.skewed: rows\.csv: .*'aa'.*did you mean 'a'"),
        ({"skewed": {"a": "logg"}}, r"data\.skewed"),
        ({"skewed": "logg"}, r"data\.skewed"),
        ({"skewed": {}}, r"data\.skewed"),
        ({"cleaning": {"numeric_missing": "meadian"}}, r"data\.cleaning\.numeric_missing"),
        (
            {"cleaning": {"outliers": "zscore", "outlier_rows": "drop", "outlier_factor": 1e-9}},
            r"dropping outliers leaves no row .*raise data\.cleaning\.outlier_factor",
        ),
    ],
)
def test_wrong_params(data, message):
    with pytest.raises(InputError, match=message) as caught:
        made(table(), **data)
    assert "\n" not in str(caught.value)


def test_a_bend_can_be_tuned():
    params = parse({"data": {"target": "y"}})
    assert overlay(params, {"data.skewed": "log"}).data.skewed == "log"
    assert overlay(params, {"data.cleaning.numeric_missing": 5}).data.cleaning.numeric_missing == 5
