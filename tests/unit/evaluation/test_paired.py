"""Two models on the same rows."""

import numpy as np
import pytest
from scipy.stats import binomtest

from nnops.errors import InputError
from nnops.evaluation.paired import mcnemar, pair
from nnops.reproduce.contrast import paired_sheet


def classes(right, truth=None):
    truth = truth or ["a" if row % 3 else "b" for row in range(len(right))]
    other = {"a": "b", "b": "a"}
    lines = [
        f"{row},{true},{true if ok else other[true]},0.9"
        for row, (true, ok) in enumerate(zip(truth, right, strict=True))
    ]
    return "\n".join(["row,actual,predicted,confidence", *lines])


def test_a_small_lead_on_the_same_rows_is_told_from_chance():
    """Both are right on most rows; unpaired, a lead of 12 rows in 400 would be lost in the spread of each."""
    first = [row >= 80 for row in range(400)]
    second = [row >= 68 for row in range(400)]
    (found,) = pair(classes(first), classes(second))
    assert (found.metric, found.rows, found.alone) == ("accuracy", 400, (0, 12))
    assert found.gap == pytest.approx(0.03)
    assert 0 < found.low < found.gap < found.high
    assert found.verdict == "second is better"
    assert found.p == pytest.approx(2 / 2**12)
    (turned,) = pair(classes(second), classes(first))
    assert turned.verdict == "second is worse"
    assert turned.gap == pytest.approx(-0.03)


def test_as_many_each_way_is_level():
    first, second = ([begin <= row < begin + 240 for row in range(300)] for begin in (0, 30))
    (found,) = pair(classes(first), classes(second))
    assert found.alone == (30, 30)
    assert found.verdict == "level"
    assert found.low < 0 < found.high


def test_mcnemar_is_the_sign_test():
    for first, second in ((0, 5), (3, 9), (7, 7), (20, 41)):
        assert mcnemar(first, second) == pytest.approx(binomtest(first, first + second).pvalue)


def test_quantities():
    rng = np.random.default_rng(1)
    error = rng.normal(size=200)

    def text(scale):
        rows = (f"{row},{row},{row + scale * off},{scale * off}" for row, off in enumerate(error))
        return "\n".join(["row,actual,predicted,residual", *rows])

    mae, rmse = pair(text(1.0), text(0.5))
    assert mae.values == pytest.approx((np.abs(error).mean(), np.abs(error).mean() / 2))
    assert rmse.values == pytest.approx((np.sqrt((error**2).mean()), np.sqrt((error**2).mean()) / 2))
    assert mae.verdict == rmse.verdict == "second is better"
    assert mae.high < 0
    sheet = paired_sheet([mae, rmse], ["old", "new"])
    assert [row[0] for row in sheet.rows] == ["mae", "rmse"]
    assert all(row[4] == "new is better" for row in sheet.rows)
    with pytest.raises(InputError, match="compare models of one task"):
        pair(text(1.0), classes([True] * 200))


def test_other_rows_are_not_paired_and_windows_are_left_out():
    with pytest.raises(InputError, match="different rows of test"):
        pair(classes([True] * 4), classes([True] * 5))
    windows = "row,scaled_mse,scaled_mae\n0,1,1"
    assert pair(windows, windows) == []
