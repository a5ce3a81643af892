"""Values of one column as text or as numbers, with missing ones told apart; the same for files and for raw rows."""

from collections.abc import Collection
from typing import Any, cast

import numpy as np
import pandas as pd

_NO_NUMBERS = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")


def as_text(values: pd.Series, markers: Collection[str] = ("",)) -> pd.Series:
    """Every value as text without surrounding blanks; whole numbers lose their ``.0``; missing ones are NaN.

    >>> as_text(pd.Series([1.0, 2.5, None])).tolist()
    ['1', '2.5', nan]
    """
    if isinstance(values.dtype, pd.StringDtype):
        text = values.str.strip()
    else:
        text = values.astype(object).map(_text, na_action="ignore").astype("str")
    return text.mask(text.isin(list(markers)))


def as_number(values: pd.Series, markers: Collection[str] = ("",)) -> tuple[np.ndarray, np.ndarray]:
    """Every value as float64, NaN where missing, and a mask of those that are text and no number."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return _floats(values), np.zeros(len(values), bool)
    text = as_text(values, markers)
    numbers = _floats(pd.to_numeric(text, errors="coerce"))
    doubtful = np.isnan(numbers) & text.notna().to_numpy()
    if doubtful.any():
        doubtful &= ~text.str.lower().isin(_NO_NUMBERS).to_numpy()
    return numbers, doubtful


def place(values: pd.Series, position: int) -> str:
    """Name one row for a message, counted from 1: ``row 17``."""
    label: Any = values.index[position]
    return f"row {int(label) + 1}" if isinstance(label, int | np.integer) else f"row '{label}'"


def column(frame: Any, name: str) -> pd.Series:
    """The column ``name``."""
    return cast(pd.Series, frame[name])


def _floats(values: Any) -> np.ndarray:
    return pd.Series(values).astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value).strip()
