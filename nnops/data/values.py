"""Values of one column as text or as numbers, with missing ones told apart; the same for files and for raw rows."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd


def as_text(values: pd.Series, markers: Collection[str] = ("",)) -> pd.Series:
    """Every value as text without surrounding blanks; whole numbers lose their ``.0``; missing ones are None.

    >>> as_text(pd.Series([1.0, 2.5, None])).tolist()
    ['1', '2.5', None]
    """
    if pd.api.types.is_bool_dtype(values):
        text = values.map({True: "True", False: "False"}).astype(object)
    elif pd.api.types.is_numeric_dtype(values):
        text = values.astype(object).map(_number_text, na_action="ignore")
    else:
        text = values.astype(object).map(_object_text, na_action="ignore")
    return text.astype(object).where(text.notna() & ~text.isin(list(markers)), None)


def as_number(values: pd.Series, markers: Collection[str] = ("",)) -> tuple[np.ndarray, np.ndarray]:
    """Every value as float64, NaN where missing, and a mask of those that are text and no number."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.astype("float64").to_numpy(na_value=np.nan), np.zeros(len(values), bool)
    text = as_text(values, markers)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    words = text.str.lower().isin(["nan", "inf", "-inf", "+inf", "infinity", "-infinity"]).to_numpy()
    return numbers, np.isnan(numbers) & text.notna().to_numpy() & ~words


def place(values: pd.Series, position: int) -> str:
    """Name one row for a message, counted from 1: ``row 17``."""
    label: Any = values.index[position]
    return f"row {int(label) + 1}" if isinstance(label, int | np.integer) else f"row '{label}'"


def _number_text(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _object_text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return _number_text(value)
    return str(value).strip()
