"""Dates: one format for a whole column, found once and kept, and the parts of a date that a model can use."""

import re

import numpy as np
import pandas as pd

from nnops.data.values import as_text

#: Month before day where both would do, as pandas has it; a column of its own kind can be rewritten as ISO 8601.
FORMATS = tuple(
    day + clock
    for day in ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%b %d, %Y")
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
)
_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}.*)?")
_LIKE = re.compile(r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2} [A-Za-z]{3} \d{4}|[A-Za-z]{3} \d{1,2}, \d{4}).*")


def find_format(text: pd.Series, share: float = 1.0) -> str | None:
    """The one format that every value has: ``ISO8601``, one of FORMATS, or None.

    Args:
        text: Values as text, missing ones NaN (see :func:`nnops.data.values.as_text`).
        share: How many of the values must have it, the rest being mistakes.
    """
    known = text.dropna()
    dated = [value for value in known.iloc[:100] if _LIKE.fullmatch(value)]
    if not dated or len(dated) < share * len(known.iloc[:100]):
        return None
    candidates = ("ISO8601",) if _ISO.fullmatch(dated[0]) else FORMATS
    for candidate in candidates:
        if pd.to_datetime(known, format=candidate, errors="coerce", utc=True).notna().mean() >= share:
            return candidate
    return None


def parse_dates(values: pd.Series, form: str | None, markers: tuple[str, ...] = ("",)) -> pd.Series | None:
    """A column as moments (UTC, NaT where missing or not of that format); None where no format fits.

    Args:
        values: Dates, or text.
        form: As :func:`find_format` gave it, or None to find it here.
        markers: Texts that mean missing.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.Series(pd.to_datetime(values, utc=True))
    text = as_text(values, markers)
    form = form or find_format(text)
    return None if form is None else pd.Series(pd.to_datetime(text, format=form, errors="coerce", utc=True))


def date_parts(moments: pd.Series) -> dict[str, np.ndarray]:
    """Year, month, day, weekday (0 is Monday) and hour as float64, NaN where missing."""
    stamp = moments.dt
    parts = {
        "year": stamp.year,
        "month": stamp.month,
        "day": stamp.day,
        "weekday": stamp.day_of_week,
        "hour": stamp.hour,
    }
    return {name: values.to_numpy(dtype=np.float64, na_value=np.nan) for name, values in parts.items()}
