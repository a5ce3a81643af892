"""Preprocessing: equal to a reference, fitted on train alone, plain JSON, and strict with raw rows."""

import json

import numpy as np
import pandas as pd
import pytest
from people import PEOPLE

from nnops.data.columns import Numeric
from nnops.data.dates import date_parts, parse_dates
from nnops.data.fit import fit_categorical, fit_date, fit_numbers
from nnops.data.preprocess import Preprocess
from nnops.data.rows import read_rows, row_names
from nnops.errors import DataError
from nnops.files import read_json
from nnops.params import parse

VALUES = np.array([3.0, np.nan, 1.0, 2.0, 2.0, np.nan, 40.0, 5.0])
KNOWN = VALUES[~np.isnan(VALUES)]


def cleaning(**options):
    return parse({"data": {"cleaning": options}}).data.cleaning


def opened(prepared) -> Preprocess:
    return Preprocess.from_json(json.loads(json.dumps(read_json(prepared.folder / "preprocess.json"))))


@pytest.mark.parametrize(
    ("way", "fill"), [("median", 2.5), ("mean", KNOWN.mean()), ("mode", 2.0), ("zero", 0.0), ("drop", 2.5)]
)
def test_missing_numbers(way, fill):
    fitted = fit_numbers("x", VALUES, cleaning(numeric_missing=way), "none")
    np.testing.assert_allclose(fitted.apply_numbers(VALUES)[[1, 5], 0], fill, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust"])
def test_scaling_is_that_of_scikit_learn(scaling):
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    scaler = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}[scaling]()
    filled = SimpleImputer(strategy="median").fit_transform(VALUES[:, None])
    ours = fit_numbers("x", VALUES, cleaning(), scaling).apply_numbers(VALUES)
    np.testing.assert_allclose(ours, scaler.fit_transform(filled), rtol=1e-6, atol=1e-7)


def test_large_numbers_with_little_spread_keep_their_digits():
    values = 1e9 + np.arange(10.0)
    scaled = fit_numbers("x", values, cleaning(), "standard").apply_numbers(values)[:, 0]
    np.testing.assert_allclose(scaled, (values - values.mean()) / values.std(), rtol=1e-6)


def test_outliers_are_clipped_to_bounds_of_the_train_split():
    iqr = fit_numbers("x", VALUES, cleaning(outliers="iqr", outlier_factor=1.5), "none")
    first, third = np.quantile(KNOWN, [0.25, 0.75])
    assert iqr.apply_numbers(np.array([1e9, -1e9]))[:, 0].tolist() == pytest.approx(
        [third + 1.5 * (third - first), first - 1.5 * (third - first)]
    )
    zscore = fit_numbers("x", VALUES, cleaning(outliers="zscore", outlier_factor=2.0), "none")
    assert zscore.apply_numbers(np.array([1e9]))[0, 0] == pytest.approx(KNOWN.mean() + 2 * KNOWN.std())
    # Nine in ten are zero: bounds of no width would delete the tenth.
    rare = np.array([0.0] * 90 + [7.0] * 10)
    assert fit_numbers("x", rare, cleaning(outliers="iqr"), "none").apply_numbers(rare).max() == 7.0


def test_indicator_only_where_train_misses_values():
    fitted = fit_numbers("x", VALUES, cleaning(indicator=True), "standard")
    assert fitted.features == ["x", "x missing"]
    assert fitted.apply_numbers(VALUES)[:, 1].tolist() == np.isnan(VALUES).astype(float).tolist()
    assert fit_numbers("x", KNOWN, cleaning(indicator=True), "standard").features == ["x"]


def test_constant_in_train_gives_zeros_not_infinity():
    fitted = fit_numbers("x", np.full(5, 3.0), cleaning(), "standard")
    assert fitted.apply_numbers(np.array([3.0, 4.0])).tolist() == [[0.0], [1.0]]


def test_categories_missing_and_never_seen():
    values = pd.Series([" b", "a", "?", "b", 1.0], name="x")
    fitted = fit_categorical(values, cleaning(), one_hot=True)
    assert fitted.categories == ("1", "a", "b")
    raw = pd.Series(["b", "zebra", None, "a ", 1], name="x")
    codes = fitted.apply(raw, cleaning().missing_markers)
    assert codes.tolist() == [3, 0, 0, 2, 1]
    assert fitted.one_hot(codes).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0]]
    mode = fit_categorical(values, cleaning(categorical_missing="mode"), one_hot=True)
    assert mode.apply(raw, cleaning().missing_markers).tolist() == [3, 0, 3, 2, 1]


def test_dates_become_parts_that_vary():
    values = pd.Series(["2024-01-31", "2023-12-24", "", "2024-02-29"], name="day")
    fitted = fit_date(values, cleaning(), "none")
    assert fitted.features == ["day.year", "day.month", "day.day", "day.weekday"]
    assert fitted.apply(values, ("",))[[0, 1, 3]].tolist() == [[2024, 1, 31, 2], [2023, 12, 24, 6], [2024, 2, 29, 3]]
    with pytest.raises(DataError, match=r"row 2: column 'day' must hold dates written as ISO8601, got '31\.12"):
        fitted.apply(pd.Series(["2024-01-01", "31.12.2024"], name="day"), ("",))


def test_hours_of_typed_dates():
    moments = parse_dates(pd.Series(pd.to_datetime(["2024-01-01 13:45", None])), None)
    assert moments is not None
    hours = date_parts(moments)["hour"]
    assert hours[0] == 13
    assert np.isnan(hours[1])


@pytest.mark.parametrize("categories", ["one_hot", "embedding"])
def test_raw_rows_give_the_prepared_arrays(categories, write, make):
    write("people.csv", PEOPLE)
    prepared = make("people.csv", target="income", categories=categories, split={"val": 0.25, "test": 0.25})
    preprocess = opened(prepared)
    frame = pd.read_csv(write("people.csv", PEOPLE))
    inputs = preprocess.transform(frame[["town", "age"]])
    stored = {
        name: np.concatenate([prepared.arrays(split)[name] for split in ("train", "val", "test")]) for name in inputs
    }
    assert set(inputs) == set(prepared.spec.inputs)
    for name, array in inputs.items():
        assert array.dtype == stored[name].dtype
        assert sorted(array.tolist()) == sorted(stored[name].tolist())
    assert prepared.schema["features"] == preprocess.features
    if categories == "embedding":
        assert prepared.spec.cardinalities == (4,)
        assert prepared.spec.shapes == ((1,), (1,))
    else:
        assert preprocess.features == ["age", "town=Bern", "town=Oslo", "town=Rome"]


ROWS = {
    "column missing": (lambda frame: frame.drop(columns="town"), r"must have the column 'town'; add it"),
    "column misspelt": (lambda frame: frame.rename(columns={"town": "twon"}), r"'town'; is it 'twon'\? Rename it"),
    "column extra": (lambda frame: frame.assign(more=1), r"the extra column 'more', unknown to the model; remove it"),
    "text in a number": (lambda frame: frame.assign(age="old"), r"row 1: column 'age' must hold numbers, got 'old'"),
    "no rows": (lambda frame: frame.iloc[:0], r"must be at least one, got none"),
    "same column twice": (lambda frame: pd.concat([frame, frame["age"]], axis=1), r"got 'age' twice"),
}


@pytest.mark.parametrize("case", ROWS)
def test_raw_rows_are_judged(case, write, make):
    change, pattern = ROWS[case]
    path = write("people.csv", PEOPLE)
    preprocess = opened(make("people.csv", target="income"))
    frame = pd.read_csv(path)
    assert preprocess.transform(frame)["numeric"].shape == (12, 4)
    with pytest.raises(DataError, match=pattern):
        preprocess.transform(change(frame))


def test_ignored_columns_may_come_or_not(write, make):
    path = write("people.csv", PEOPLE)
    preprocess = opened(make("people.csv", target="income", kinds={"town": "ignore"}))
    frame = pd.read_csv(path)
    both = (preprocess.transform(frame)["numeric"], preprocess.transform(frame[["age"]])["numeric"])
    assert (both[0] == both[1]).all()


def test_images_scaled_as_tensors_are(make):
    prepared = make(source={"name": "sklearn", "options": {"set": "digits"}})
    preprocess = opened(prepared)
    raw = prepared.arrays("val")["image"]
    scaled = preprocess.transform_images(np.array(raw))["image"]
    assert (scaled == prepared.tensors("val").inputs[0].numpy()).all()
    assert (preprocess.transform_images(np.array(raw).reshape(len(raw), -1).astype(float))["image"] == scaled).all()
    frame = pd.DataFrame(np.array(raw).reshape(len(raw), -1), columns=preprocess.names)
    assert (preprocess.transform(frame[frame.columns[::-1]])["image"] == scaled).all()
    for wrong, pattern in (
        (np.zeros((2, 1, 9, 8)), "images must be 1 x 8 x 8 .* got 1 x 9 x 8"),
        (np.full((2, 64), 0.5), "row 1: pixels must be whole numbers from 0 to 255, got 0.5"),
    ):
        with pytest.raises(DataError, match=pattern):
            preprocess.transform_images(wrong)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "none"])
def test_scaling_of_images_is_that_of_numpy(scaling, make):
    prepared = make(source={"name": "sklearn", "options": {"set": "digits"}}, scaling=scaling)
    pixels = prepared.arrays("train")["image"] / 255.0
    low, median, high = np.quantile(pixels, [0.25, 0.5, 0.75], method="inverted_cdf")
    expected = {
        "standard": (pixels.mean(), pixels.std()),
        "minmax": (pixels.min(), np.ptp(pixels)),
        "robust": (median, high - low),
        "none": (0.0, 1.0),
    }[scaling]
    assert (*prepared.schema["image_mean"], *prepared.schema["image_std"]) == pytest.approx(expected, rel=1e-9)


def test_rows_from_files_of_every_kind(write, make, tmp_path):
    prepared = make(source={"name": "sklearn", "options": {"set": "digits"}})
    preprocess, raw = opened(prepared), np.array(prepared.arrays("test")["image"][:5])
    expected = preprocess.transform_images(raw)["image"]
    frame = pd.DataFrame(raw.reshape(5, 64), columns=preprocess.names)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    np.savez(tmp_path / "rows.npz", raw)
    np.savez(tmp_path / "flat.npz", x=raw.reshape(5, 64))
    write("rows-idx3-ubyte", bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 8]) + raw.tobytes())
    from PIL import Image

    for row in range(5):
        (tmp_path / "rows").mkdir(exist_ok=True)
        Image.fromarray(raw[row, 0]).save(tmp_path / "rows" / f"{row}.png")
    for name in ("rows.csv", "rows.parquet", "rows.npz", "flat.npz", "rows-idx3-ubyte", "rows"):
        rows = read_rows(tmp_path / name, prepared.schema)
        inputs = preprocess.transform(rows) if isinstance(rows, pd.DataFrame) else preprocess.transform_images(rows)
        assert (inputs["image"] == expected).all(), name
    assert row_names(tmp_path / "rows", prepared.schema) == [f"{row}.png" for row in range(5)]
    assert row_names(tmp_path / "rows.csv", prepared.schema) is None
    rows = read_rows(tmp_path / "rows" / "3.png", prepared.schema)
    assert not isinstance(rows, pd.DataFrame)
    assert (preprocess.transform_images(rows)["image"] == expected[3:4]).all()
    with pytest.raises(DataError, match=r"no such file; did you mean 'rows\.csv'"):
        read_rows(tmp_path / "row.csv", prepared.schema)


def test_images_for_a_table(write, make, tmp_path):
    write("people.csv", PEOPLE)
    prepared = make("people.csv", target="income")
    np.savez(tmp_path / "rows.npz", np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(DataError, match="rows with the columns age, town are wanted"):
        read_rows(tmp_path / "rows.npz", prepared.schema)


def test_numeric_is_plain_numbers():
    fitted = fit_numbers("x", VALUES, cleaning(outliers="zscore"), "robust")
    assert all(type(value) in (float, str, bool) or value == () for value in vars(fitted).values())
    assert isinstance(fitted, Numeric)


def test_words_are_the_same_in_any_encoding_and_new_ones_are_named(make, tmp_path):
    text = "town,size,y\n" + "".join(f"{('Köln', 'Ulm')[row % 2]},{row},{'ab'[row % 2]}\n" for row in range(60))
    (tmp_path / "old.csv").write_bytes(text.encode("cp1252"))
    prepared = make("old.csv", target="y", options={"encoding": "cp1252"})
    preprocess = opened(prepared)
    rows = "town,size\nKöln,3\nUlm,4\nHürth,5\n"
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "rows.csv").write_bytes(rows.encode(encoding))
        frame = read_rows(tmp_path / "rows.csv", prepared.schema)
        assert isinstance(frame, pd.DataFrame)
        assert frame["town"].tolist() == ["Köln", "Ulm", "Hürth"], encoding
        assert preprocess.unseen(frame) == {"town": {2: "Hürth"}}
