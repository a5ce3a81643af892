"""The clock of a series: its times as whole numbers of even steps, and the way back to times."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from nnops.data.dates import find_format, parse_dates
from nnops.data.values import as_number, as_text, place
from nnops.errors import DataError

_MINUTE, _HOUR, _DAY = 60_000_000, 3_600_000_000, 86_400_000_000
_ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")
#: Steps are compared at this precision where times are plain numbers.
_CLOSE = 1e-6


@dataclass(frozen=True)
class Clock:
    """Even steps of time.

    Attributes:
        kind: ``number`` (times are numbers), ``time`` (steps of so many microseconds) or ``month`` (steps of so many
            months, always on one day, or always on the last one).
        step: Length of a step in numbers, microseconds or months.
        form: ``ISO8601`` or a strptime format; "" for numbers.
        zone: Whether times name their distance from UTC; they are told in UTC then.
        last_day: Of kind ``month``: times are the last days of months.
    """

    kind: Literal["number", "time", "month"]
    step: float
    form: str
    zone: bool = False
    last_day: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**record)

    def read(self, values: pd.Series, where: str) -> np.ndarray:
        """Times as float64 numbers, or as int64 microseconds since 1970.

        Raises:
            DataError: A time that is missing or of another form, with its row.
        """
        return read_times(values, self.form, where)

    def ticks(self, time_N: np.ndarray, origin: float) -> np.ndarray:
        """Steps since ``origin`` as float64; a time between two steps is no whole number."""
        if self.kind == "month":
            months_N, rest_N, last_N = _months(time_N)
            first, rest, _ = _months(np.array([origin]))
            aside_N = ~last_N if self.last_day else rest_N != rest[0]
            return (months_N - first[0]) / self.step + np.where(aside_N, 0.5, 0.0)
        tick_N = (time_N - origin) / self.step
        return np.where(np.abs(tick_N - np.round(tick_N)) < _CLOSE, np.round(tick_N), tick_N)

    def after(self, time: float, steps: int) -> list[str]:
        """The next times after ``time``, as text of the source's form."""
        return [self.show(self._move(time, place)) for place in range(1, steps + 1)]

    def show(self, time: float) -> str:
        """A time as text of the source's form."""
        if self.kind == "number":
            return f"{time:.10g}"
        moment = pd.Timestamp(int(time), unit="us")
        if self.form != "ISO8601":
            return moment.strftime(self.form)
        whole = self.kind == "month" or self.step % _DAY == 0
        text = str(moment)
        if whole:
            text = text.removesuffix(" 00:00:00")
        return f"{text}+00:00" if self.zone else text

    @property
    def words(self) -> str:
        """The step in words, such as ``1 hour``."""
        if self.kind == "number":
            return f"{self.step:g}"
        if self.kind == "month":
            return _counted(self.step / 12, "year") if self.step % 12 == 0 else _counted(self.step, "month")
        for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
            if self.step % size == 0:
                return _counted(self.step / size, name)
        return _counted(self.step / 1_000_000, "second")

    def _move(self, time: float, steps: int) -> float:
        if self.kind != "month":
            return time + steps * self.step
        moment = pd.Timestamp(int(time), unit="us")
        moved = moment + pd.DateOffset(months=int(self.step) * steps)
        if self.last_day:
            moved += pd.offsets.MonthEnd(0)
        return float(moved.value // 1000)


def read_times(values: pd.Series, form: str | None, where: str) -> np.ndarray:
    """Times as float64 numbers (form ""), or as int64 microseconds since 1970.

    Raises:
        DataError: A time that is missing or of another form, with its row.
    """
    if form == "":
        number_N, words_N = as_number(values)
        wrong_N = words_N | ~np.isfinite(number_N)
        if wrong_N.any():
            raise _no_time(values, int(wrong_N.argmax()), "numbers", where)
        return number_N
    moments = parse_dates(values, form)
    if moments is None:
        raise _no_time(values, 0, "numbers or dates of one format such as 2024-12-31 23:00", where)
    if moments.isna().any():
        wanted = f"dates written as {form}" if form else "dates of one format"
        raise _no_time(values, int(moments.isna().to_numpy().argmax()), wanted, where)
    return moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)


def find_clock(values: pd.Series, code_N: np.ndarray, where: str) -> tuple[Clock, float]:
    """The clock that most steps of a source keep, and its earliest time.

    Args:
        values: The column of times.
        code_N: The series that each row belongs to; rows of one series stand in the order of time.
        where: What to call the source in messages.

    Raises:
        DataError: A time is missing, doubled, out of order, or stands between two steps; the row is named.
    """
    form, zone = _find_form(values, where)
    time_N = read_times(values, form, where)
    order_N, step_M, later_M = steps_of(time_N, code_N)
    if not len(step_M):
        raise DataError(f"{where}: a series needs at least two rows, to see how long a step is.")
    check_order(values, order_N, step_M, later_M, where)
    if form == "":
        clock = Clock("number", float(_most_common(step_M)), form)
    else:
        clock = Clock("time", float(_most_common(step_M)), form, zone)
        if (step_M % clock.step).any():
            clock = _monthly(time_N, order_N, later_M, clock) or clock
    return clock, float(time_N.min())


def steps_of(time_N: np.ndarray, code_N: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows one series after the other, kept in order; the steps between rows of a series; places of their later rows.

    Returns:
        ``order_N`` of rows, ``step_M`` of times, ``later_M`` as places in ``order_N``.
    """
    order_N = np.argsort(code_N, kind="stable")
    later_M = 1 + np.flatnonzero(np.diff(code_N[order_N]) == 0)
    sorted_N = time_N[order_N]
    return order_N, sorted_N[later_M] - sorted_N[later_M - 1], later_M


def check_order(values: pd.Series, order_N: np.ndarray, step_M: np.ndarray, later_M: np.ndarray, where: str) -> None:
    """Check that times rise within each series.

    Raises:
        DataError: A time is doubled or goes back; its row is named.
    """
    if not (step_M <= 0).any():
        return
    bad = int((step_M <= 0).argmax())
    row, before = int(order_N[later_M[bad]]), int(order_N[later_M[bad] - 1])
    start = f"{where}: {place(values, row)}: column '{values.name}' must rise from row to row of a series, but"
    now, then = values.iloc[row], values.iloc[before]
    if step_M[bad] == 0:
        raise DataError(
            f"{start} '{now}' is there twice; remove one of the two rows, or name the column that tells several series"
            " apart in data.series.group."
        )
    raise DataError(f"{start} '{now}' comes after '{then}'; sort the file by time.")


def _find_form(values: pd.Series, where: str) -> tuple[str, bool]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "ISO8601", getattr(values.dtype, "tz", None) is not None
    _, words_N = as_number(values)
    if not words_N.any():
        return "", False
    text = as_text(values)
    form = find_format(text)
    if form is None:
        # Most rows may be dates, and one of them none: that one is named.
        first = find_format(text.iloc[:1])
        wrong = 0
        if first is not None:
            moments = parse_dates(values, first)
            assert moments is not None
            wrong = int(moments.isna().to_numpy().argmax())
        raise _no_time(values, wrong, "numbers or dates of one format such as 2024-12-31 23:00", where)
    if text.isna().any():
        raise _no_time(values, int(text.isna().to_numpy().argmax()), "dates", where)
    return form, bool(_ZONE.search(str(text.iloc[0])))


def _monthly(time_N: np.ndarray, order_N: np.ndarray, later_M: np.ndarray, clock: Clock) -> Clock | None:
    """The clock of months, where every time is on one day of the month, or on the last one."""
    months_N, rest_N, last_N = _months(time_N[order_N])
    same, last = bool((rest_N == rest_N[0]).all()), bool(last_N.all())
    if not same and not last:
        return None
    step_M = months_N[later_M] - months_N[later_M - 1]
    return Clock("month", float(_most_common(step_M)), clock.form, clock.zone, last_day=not same)


def _months(time_N: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Months since 1970, microseconds since the month began, and whether it is the month's last day."""
    moment_N = np.asarray(time_N).astype(np.int64).astype("datetime64[us]")
    month_N = moment_N.astype("datetime64[M]")
    rest_N = (moment_N - month_N).astype(np.int64)
    next_day_N = moment_N.astype("datetime64[D]") + 1
    return month_N.astype(np.int64), rest_N, next_day_N.astype("datetime64[M]") > month_N


def _most_common(step_M: np.ndarray) -> Any:
    sizes, counts = np.unique(step_M, return_counts=True)
    return sizes[counts.argmax()]


def _counted(count: float, name: str) -> str:
    return f"{count:g} {name}" + ("" if count == 1 else "s")


def _no_time(values: pd.Series, position: int, wanted: str, where: str) -> DataError:
    return DataError(
        f"{where}: {place(values, position)}: the time column '{values.name}' must hold {wanted}, got"
        f" '{values.iloc[position]}'."
    )
