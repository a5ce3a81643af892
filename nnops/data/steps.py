"""The fitted preprocessing of a series: its clock, its variables, and the windows that a model sees.

Legend of shape suffixes: T steps, V variables, N rows, G series, L steps of a window, H steps of a horizon.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from nnops.data.clock import Clock, check_order, steps_of
from nnops.data.columns import Numeric
from nnops.data.values import as_number, as_text, column, place
from nnops.errors import DataError

#: Steps for each row of a series above which filling would make most of it up.
MOST_FILLED = 10


@dataclass(frozen=True)
class Track:
    """One series on even steps.

    Attributes:
        name: What the group column says; "" for a single series.
        first: The step of its first row, counted from the origin.
        value_TV: Float64, gaps filled.
        filled: Cells that were filled, whole steps included.
        last: The time of its last row, see :meth:`Clock.read`.
    """

    name: str
    first: int
    value_TV: np.ndarray
    filled: int
    last: float

    @property
    def end(self) -> int:
        """The step after its last one."""
        return self.first + len(self.value_TV)


@dataclass(frozen=True)
class Steps:
    """How raw rows become windows.

    Attributes:
        time: The column of times.
        group: The column that names the series of a row, or None.
        targets: The variables that are forecast.
        window: Steps of the past that a model sees.
        horizon: Steps ahead that it answers.
        gaps: Whether missing steps and values are refused, or take the last known value.
        clock: The even steps.
    """

    time: str
    group: str | None
    targets: tuple[str, ...]
    window: int
    horizon: int
    gaps: Literal["error", "fill"]
    clock: Clock

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"targets": list(self.targets), "clock": self.clock.to_json()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**{**record, "targets": tuple(record["targets"]), "clock": Clock.from_json(record["clock"])})

    @property
    def names(self) -> list[str]:
        """The columns that raw rows must have beside the variables."""
        return [self.time] if self.group is None else [self.time, self.group]

    def tracks(
        self,
        frame: pd.DataFrame,
        variables: tuple[str, ...],
        markers: tuple[str, ...],
        origin: float | None,
        where: str,
    ) -> list[Track]:
        """Rows as series on even steps, in the order of their names.

        Args:
            frame: Raw rows, at least one.
            variables: The columns of values.
            markers: Texts that mean missing.
            origin: The time of step 0; None: the first one in the frame.
            where: What to call the rows in messages.

        Raises:
            DataError: A time that is missing, doubled, out of order or between two steps; a gap that is not to be
                filled; text among values. The row is named.
        """
        code_N, names = codes(frame, self.group, where)
        times = column(frame, self.time)
        time_N = self.clock.read(times, where)
        order_N, step_M, later_M = steps_of(time_N, code_N)
        check_order(times, order_N, step_M, later_M, where)
        tick_N = self.clock.ticks(time_N, float(time_N.min()) if origin is None else origin)
        self._check_even(times, tick_N, where)
        value_NV = np.stack([_numbers(column(frame, name), markers, where) for name in variables], 1)
        tracks: list[Track] = []
        for code, name in enumerate(names):
            rows = order_N[code_N[order_N] == code]
            part, tick_T = frame.iloc[rows], tick_N[rows].astype(np.int64)
            value_TV, filled = self._filled(part, tick_T, value_NV[rows], variables, where)
            tracks.append(Track(name, int(tick_T[0]), value_TV, filled, float(time_N[rows[-1]])))
        return tracks

    def last_windows(
        self, frame: pd.DataFrame, variables: Mapping[str, Numeric], markers: tuple[str, ...]
    ) -> tuple[np.ndarray, list[tuple[str, float]]]:
        """The last window of each series, scaled, and its name and last time.

        Raises:
            DataError: Rows are wrong, or a series has fewer steps than a window.
        """
        where = "rows to predict"
        tracks = self.tracks(frame, tuple(variables), markers, None, where)
        for track in tracks:
            if len(track.value_TV) < self.window:
                which = f"series '{track.name}'" if self.group else "the series"
                raise DataError(
                    f"{where} must be at least {self.window}, one window of steps, but {which} has"
                    f" {len(track.value_TV)}; give more of its past."
                )
        series_GLV = np.stack([scale(track.value_TV[-self.window :], variables) for track in tracks])
        return series_GLV, [(track.name, track.last) for track in tracks]

    def answers(
        self, output: np.ndarray, ends: list[tuple[str, float]], variables: Mapping[str, Numeric]
    ) -> pd.DataFrame:
        """A model's raw outputs as one row a step: the series where there are several, the time, the targets.

        Args:
            output: Float [G, H * V'], scaled.
            ends: Name and last time of each series.
            variables: The fitted variables.
        """
        shift, spread = target_scale(self.targets, variables)
        value_GHV = output.reshape(len(ends), self.horizon, -1).astype(np.float64) * spread + shift
        parts: list[pd.DataFrame] = []
        for (name, last), value_HV in zip(ends, value_GHV, strict=True):
            part = pd.DataFrame(value_HV, columns=list(self.targets))
            part.insert(0, self.time, self.clock.after(last, self.horizon))
            if self.group is not None:
                part.insert(0, self.group, name)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def _check_even(self, times: pd.Series, tick_N: np.ndarray, where: str) -> None:
        aside_N = tick_N != np.round(tick_N)
        if aside_N.any():
            row = int(aside_N.argmax())
            raise DataError(
                f"{where}: {place(times, row)}: times must go in even steps of {self.clock.words} as most rows do, but"
                f" '{times.iloc[row]}' stands between two steps; correct or remove the row."
            )

    def _filled(
        self, part: pd.DataFrame, tick_T: np.ndarray, value_TV: np.ndarray, variables: tuple[str, ...], where: str
    ) -> tuple[np.ndarray, int]:
        """The values of one series on even steps, without gaps, and how many were filled."""
        times = column(part, self.time)
        gap_T, missing_TV = np.diff(tick_T) > 1, np.isnan(value_TV)
        if self.gaps == "error" and gap_T.any():
            after = int(gap_T.argmax()) + 1
            raise DataError(
                f"{where}: {place(times, after)}: steps must be {self.clock.words} each, but '{times.iloc[after]}'"
                f" follows '{times.iloc[after - 1]}'; add the rows between them, or set data.series.gaps to fill."
            )
        if self.gaps == "error" and missing_TV.any():
            step, variable = (int(each) for each in np.argwhere(missing_TV)[0])
            raise DataError(
                f"{where}: {place(times, step)}: column '{variables[variable]}' must have a value in each row of a"
                " series, but it is missing; fill it, or set data.series.gaps to fill."
            )
        if missing_TV[0].any():
            raise DataError(
                f"{where}: {place(times, 0)}: column '{variables[int(missing_TV[0].argmax())]}' must have a value in"
                " the first row of a series, where none before it can fill it; give it, or remove the row."
            )
        if tick_T[-1] - tick_T[0] > MOST_FILLED * len(tick_T):
            raise DataError(
                f"{where}: {place(times, 0)}: the series that begins here has {len(tick_T)} rows in"
                f" {int(tick_T[-1] - tick_T[0])} steps of {self.clock.words}, too few to fill; give more of them."
            )
        whole_TV = np.full((int(tick_T[-1] - tick_T[0]) + 1, value_TV.shape[1]), np.nan)
        whole_TV[tick_T - tick_T[0]] = value_TV
        missing_TV = np.isnan(whole_TV)
        if missing_TV.any():
            # The last known value: what lies after a gap is the future of the windows before it.
            known_TV = np.where(missing_TV, 0, np.arange(len(whole_TV))[:, None])
            whole_TV = np.take_along_axis(whole_TV, np.maximum.accumulate(known_TV, 0), 0)
        return whole_TV, int(missing_TV.sum())


def codes(frame: pd.DataFrame, group: str | None, where: str) -> tuple[np.ndarray, list[str]]:
    """The series of each row as a number, and the names of the series in the order of the alphabet.

    Raises:
        DataError: A row that names no series.
    """
    if group is None:
        return np.zeros(len(frame), np.int64), [""]
    text = as_text(column(frame, group))
    if text.isna().any():
        position = int(text.isna().to_numpy().argmax())
        raise DataError(
            f"{where}: {place(text, position)}: column '{group}' must say which series the row belongs to, got nothing."
        )
    code_N, names = pd.factorize(text, sort=True)
    return code_N.astype(np.int64), [str(name) for name in names]


def scale(value_TV: np.ndarray, variables: Mapping[str, Numeric]) -> np.ndarray:
    """Values as a model sees them, float32 [T, V]."""
    columns = [fitted.apply_numbers(value_TV[:, place])[:, 0] for place, fitted in enumerate(variables.values())]
    return np.stack(columns, 1)


def target_scale(targets: tuple[str, ...], variables: Mapping[str, Numeric]) -> tuple[np.ndarray, np.ndarray]:
    """Shift and spread of each target, float64 [V']."""
    return (
        np.array([variables[name].shift for name in targets]),
        np.array([variables[name].spread for name in targets]),
    )


def _numbers(values: pd.Series, markers: tuple[str, ...], where: str) -> np.ndarray:
    number_N, words_N = as_number(values, markers)
    if words_N.any():
        position = int(words_N.argmax())
        raise DataError(
            f"{where}: {place(values, position)}: column '{values.name}' of a series must hold numbers, got"
            f" '{values.iloc[position]}'; correct it, add it to data.cleaning.missing_markers, or set"
            f" data.kinds.{values.name} to ignore."
        )
    return np.where(np.isfinite(number_N), number_N, np.nan)
