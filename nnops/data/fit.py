"""Fitting one column of a table on the train split's raw values; what is fitted is in nnops.data.columns."""

import numpy as np
import pandas as pd

from nnops.data.columns import LARGEST, Categorical, Date, Numeric, moments_of, numbers_of
from nnops.data.dates import date_parts, find_format
from nnops.data.values import as_text
from nnops.errors import DataError
from nnops.params import Cleaning

#: More one-hot columns than this from one column would be a mistake.
MOST_ONE_HOT = 1000


def fit_numeric(values: pd.Series, cleaning: Cleaning, scaling: str) -> Numeric:
    """Fit on the train split's raw values."""
    return fit_numbers(str(values.name), numbers_of(values, cleaning.missing_markers), cleaning, scaling)


def fit_numbers(name: str, numbers: np.ndarray, cleaning: Cleaning, scaling: str) -> Numeric:
    """Fit on the train split's numbers (float64, NaN where missing)."""
    known = np.clip(numbers[~np.isnan(numbers)], -LARGEST, LARGEST)
    if len(known) == 0:
        raise DataError(
            f"column '{name}' has no value in the train split; fill it, remove it, or set data.kinds.{name} to ignore."
        )
    low, high = _bounds(known, cleaning)
    unscaled = Numeric(name, _fill(known, cleaning), low, high, 0.0, 1.0, indicator=False)
    # Statistics are those of the values that a model will see: filled and clipped.
    shift, spread = _shift_and_spread(unscaled.clean(numbers), scaling)
    return Numeric(
        name, unscaled.fill, low, high, shift, spread, indicator=cleaning.indicator and len(known) < len(numbers)
    )


def fit_categorical(values: pd.Series, cleaning: Cleaning, *, one_hot: bool) -> Categorical:
    """Fit on the train split's raw values."""
    known = as_text(values, cleaning.missing_markers).dropna()
    if known.empty:
        raise DataError(
            f"column '{values.name}' has no value in the train split; fill it, remove it, or set "
            f"data.kinds.{values.name} to ignore."
        )
    counts = known.value_counts()
    if one_hot and len(counts) > MOST_ONE_HOT:
        raise DataError(
            f"column '{values.name}' has {len(counts)} different values, one-hot coding takes at most {MOST_ONE_HOT}; "
            f"set data.categories to embedding, or data.kinds.{values.name} to ignore."
        )
    categories = tuple(sorted(counts.index))
    most = min(counts.index[counts == counts.max()]) if cleaning.categorical_missing == "mode" else None
    return Categorical(str(values.name), categories, most)


def fit_date(values: pd.Series, cleaning: Cleaning, scaling: str) -> Date:
    """Fit on the train split's raw values.

    Raises:
        DataError: The values have no common format.
    """
    markers = cleaning.missing_markers
    form = "ISO8601"
    if not pd.api.types.is_datetime64_any_dtype(values):
        form = find_format(as_text(values, markers))
        if form is None:
            raise DataError(
                f"column '{values.name}' must hold dates of one format such as 2024-12-31 or 31.12.2024, "
                f"got '{values.iloc[0]}'; set data.kinds.{values.name} to categorical or ignore."
            )
    parts = date_parts(moments_of(values, form, markers))
    varied = {part: numbers for part, numbers in parts.items() if len(np.unique(numbers[~np.isnan(numbers)])) > 1}
    fitted = [fit_numbers(f"{values.name}.{part}", numbers, cleaning, scaling) for part, numbers in varied.items()]
    if not fitted:
        raise DataError(
            f"column '{values.name}' holds one date only in the train split; set data.kinds.{values.name} to ignore."
        )
    return Date(str(values.name), form, tuple(fitted))


def _fill(known: np.ndarray, cleaning: Cleaning) -> float:
    way = cleaning.numeric_missing
    if way == "mean":
        return float(known.mean())
    if way == "mode":
        different, counts = np.unique(known, return_counts=True)
        return float(different[counts.argmax()])
    # Rows with missing values are dropped in training with "drop"; raw rows to predict still need an answer.
    return 0.0 if way == "zero" else float(np.median(known))


def _bounds(known: np.ndarray, cleaning: Cleaning) -> tuple[float | None, float | None]:
    if cleaning.outliers == "none":
        return None, None
    if cleaning.outliers == "iqr":
        first, third = np.quantile(known, [0.25, 0.75])
        low, high, spread = first, third, third - first
    else:
        low = high = known.mean()
        spread = known.std()
    if spread == 0:
        # Most values are equal: clipping would leave nothing of the others.
        return None, None
    return float(low - cleaning.outlier_factor * spread), float(high + cleaning.outlier_factor * spread)


def _shift_and_spread(values: np.ndarray, scaling: str) -> tuple[float, float]:
    if scaling == "none":
        return 0.0, 1.0
    if scaling == "minmax":
        shift, spread = values.min(), values.max() - values.min()
    elif scaling == "robust":
        first, shift, third = np.quantile(values, [0.25, 0.5, 0.75])
        spread = third - first if third > first else values.std()
    else:
        shift, spread = values.mean(), values.std()
    # A spread that float32 cannot hold is none.
    return float(shift), float(spread) if spread > np.finfo(np.float32).tiny else 1.0
