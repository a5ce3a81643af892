"""Preprocessing of any values: a round trip through JSON answers alike, and what comes out is finite."""

import json

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnops.data.columns import column_from_json, column_to_json
from nnops.data.fit import fit_categorical, fit_numbers
from nnops.data.values import as_number, as_text
from nnops.params import parse

NUMBERS = st.lists(
    st.one_of(st.floats(-1e9, 1e9), st.sampled_from([float("nan"), 1e300, -1e300])), min_size=1, max_size=40
)
WORDS = st.lists(st.one_of(st.text(max_size=8), st.none(), st.integers(-5, 5), st.booleans()), min_size=1, max_size=40)
OPTIONS = st.fixed_dictionaries(
    {
        "numeric_missing": st.sampled_from(["median", "mean", "mode", "zero", "drop"]),
        "categorical_missing": st.sampled_from(["token", "mode", "drop"]),
        "indicator": st.booleans(),
        "outliers": st.sampled_from(["none", "iqr", "zscore"]),
    }
)


def cleaning(options: dict):
    return parse({"data": {"cleaning": options}}).data.cleaning


@given(NUMBERS, NUMBERS, OPTIONS, st.sampled_from(["standard", "minmax", "robust", "none"]))
@settings(deadline=None)
def test_numbers(train, other, options, scaling):
    values = np.asarray(train)
    assume(not np.isnan(values).all())
    fitted = fit_numbers("x", values, cleaning(options), scaling)
    again = column_from_json(json.loads(json.dumps(column_to_json(fitted))))
    assert again == fitted
    for numbers in (values, np.asarray(other)):
        features = fitted.apply_numbers(numbers)
        assert features.shape == (len(numbers), len(fitted.features))
        assert features.dtype == np.float32
        assert np.isfinite(features).all()
    if scaling == "minmax":
        inside = fitted.apply_numbers(values)[:, 0]
        assert inside.min() >= -1e-6
        assert inside.max() <= 1 + 1e-6


@given(WORDS, WORDS, OPTIONS)
@settings(deadline=None)
def test_words(train, other, options):
    values = pd.Series(train, name="x", dtype=object)
    markers = cleaning(options).missing_markers
    assume(as_text(values, markers).notna().any())
    fitted = fit_categorical(values, cleaning(options), one_hot=True)
    assert column_from_json(json.loads(json.dumps(column_to_json(fitted)))) == fitted
    codes = fitted.apply(values, markers)
    known = as_text(values, markers)
    for code, word in zip(codes, known, strict=True):
        if isinstance(word, str):
            assert fitted.categories[code - 1] == word
        else:
            assert code == (0 if fitted.fill is None else fitted.categories.index(fitted.fill) + 1)
    others = fitted.apply(pd.Series(other, name="x", dtype=object), markers)
    assert others.min() >= 0
    assert others.max() <= len(fitted.categories)
    assert fitted.one_hot(others).sum(axis=1).tolist() == (others > 0).astype(float).tolist()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=20))
@settings(deadline=None)
def test_numbers_written_as_text_are_the_same_numbers(values):
    typed, _ = as_number(pd.Series(values))
    written, words = as_number(pd.Series([repr(value) for value in values], dtype="str"))
    assert not words.any()
    np.testing.assert_allclose(written, typed, rtol=1e-15, atol=5e-324)
