"""Fitting one column of a table on the train split's raw values; what is fitted is in nnops.data.columns."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nnops.data.columns import LARGEST, Categorical, Date, Numeric, moments_of, numbers_of
from nnops.data.dates import date_parts, find_format
from nnops.data.values import as_text
from nnops.data.warp import SKEWED, fit_warp, skewness, warp
from nnops.errors import DataError
from nnops.params import Cleaning, Data, Warp

#: More one-hot columns than this from one column would be a mistake.
MOST_ONE_HOT = 1000


def fit_numeric(values: pd.Series, data: Data) -> Numeric:
    """Fit on the train split's raw values."""
    cleaning, name = data.cleaning, str(values.name)
    numbers = numbers_of(values, cleaning.missing_markers, lenient=cleaning.wrong_types == "missing")
    return fit_numbers(name, numbers, cleaning, data.scaling, choose_warp(name, numbers, data.skewed))


def choose_warp(name: str, numbers: np.ndarray, skewed: Warp | dict[str, Warp]) -> Warp:
    """How a column is bent: as params say of it, or as they say of all columns whose known values are skewed."""
    if isinstance(skewed, dict):
        return skewed.get(name, "none")
    known = numbers[~np.isnan(numbers)]
    return skewed if skewed != "none" and len(known) and abs(skewness(known)) > SKEWED else "none"


def fit_numbers(name: str, numbers: np.ndarray, cleaning: Cleaning, scaling: str, way: Warp = "none") -> Numeric:
    """Fit on the train split's numbers (float64, NaN where missing), bent in this way."""
    known = np.clip(numbers[~np.isnan(numbers)], -LARGEST, LARGEST)
    if len(known) == 0:
        raise DataError(
            f"column '{name}' has no value in the train split; fill it, remove it, or set data.kinds.{name} to ignore."
        )
    low, high = outlier_bounds(known, cleaning) if cleaning.outlier_rows == "clip" else (None, None)
    unscaled = Numeric(name, _fill(known, cleaning), low, high, 0.0, 1.0, indicator=False)
    # Statistics are those of the values that a model will see: filled, clipped and bent.
    cleaned = unscaled.clean(numbers)
    fitted = fit_warp(cleaned, way)
    bent = warp(cleaned, way, fitted)
    if not np.isfinite(bent).all():
        raise DataError(f"column '{name}' holds numbers too large for {way}; set data.skewed.{name} to log.")
    shift, spread = _shift_and_spread(bent, scaling)
    indicator = cleaning.indicator and len(known) < len(numbers)
    return replace(
        unscaled,
        shift=shift,
        spread=spread,
        indicator=indicator,
        warp=way,
        fitted=fitted,
        lenient=cleaning.wrong_types == "missing",
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
    markers, lenient = cleaning.missing_markers, cleaning.wrong_types == "missing"
    form = "ISO8601"
    if not pd.api.types.is_datetime64_any_dtype(values):
        form = find_format(as_text(values, markers))
        if form is None:
            raise DataError(
                f"column '{values.name}' must hold dates of one format such as 2024-12-31 or 31.12.2024, "
                f"got '{values.iloc[0]}'; set data.kinds.{values.name} to categorical or ignore."
            )
    parts = date_parts(moments_of(values, form, markers, lenient=lenient))
    varied = {part: numbers for part, numbers in parts.items() if len(np.unique(numbers[~np.isnan(numbers)])) > 1}
    fitted = [fit_numbers(f"{values.name}.{part}", numbers, cleaning, scaling) for part, numbers in varied.items()]
    if not fitted:
        raise DataError(
            f"column '{values.name}' holds one date only in the train split; set data.kinds.{values.name} to ignore."
        )
    return Date(str(values.name), form, tuple(fitted), lenient)


def _fill(known: np.ndarray, cleaning: Cleaning) -> float:
    way = cleaning.numeric_missing
    if isinstance(way, float):
        return way
    if way == "mean":
        return float(known.mean())
    if way == "mode":
        different, counts = np.unique(known, return_counts=True)
        return float(different[counts.argmax()])
    # Rows with missing values are dropped in training with "drop"; raw rows to predict still need an answer.
    return 0.0 if way == "zero" else float(np.median(known))


def outlier_bounds(known: np.ndarray, cleaning: Cleaning) -> tuple[float | None, float | None]:
    """The least and the greatest number that is no outlier; None where there is no such bound."""
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
