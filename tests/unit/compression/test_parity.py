import numpy as np
import pytest

from nnops.compression.parity import check_export, measure_parity
from nnops.errors import CompressionError
from nnops.metrics.predictions import Predictions

TARGET = np.array([0, 1, 2])
OUTPUT = np.array([[9.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 1.5]], np.float32)
EXACT = Predictions("multiclass", OUTPUT, TARGET)


def test_differences_of_outputs_and_labels() -> None:
    other = OUTPUT.copy()
    other[2] = [0.0, 1.8, 1.5]
    parity = measure_parity(EXACT, Predictions("multiclass", other, TARGET))
    assert parity.max_abs_diff == pytest.approx(0.8)
    assert parity.mean_abs_diff == pytest.approx(0.8 / 9)
    assert parity.relative == pytest.approx(0.8 / 9.0)
    assert parity.label_agreement == pytest.approx(2 / 3)


def test_a_regression_has_no_labels() -> None:
    value = Predictions("regression", OUTPUT[:, :1], TARGET.astype(np.float32))
    parity = measure_parity(value, value)
    assert parity.label_agreement is None
    assert "label_agreement" not in parity.numbers()


@pytest.mark.parametrize("change", [0.01, np.nan])
def test_an_export_that_differs_is_refused(change: float) -> None:
    parity = measure_parity(EXACT, Predictions("multiclass", OUTPUT + np.float32(change), TARGET))
    with pytest.raises(CompressionError, match="all 3 test rows"):
        check_export(parity, rows=3)


def test_rounding_is_no_difference() -> None:
    check_export(measure_parity(EXACT, Predictions("multiclass", OUTPUT + np.float32(1e-5), TARGET)), rows=3)
