"""A series prepared: put on even steps, split by time, scaled by its train part; windows are made where it is read."""

import math
from typing import Any

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.catalog import unknown
from nnops.data.clock import Clock, find_clock
from nnops.data.columns import Numeric
from nnops.data.fit import fit_numbers
from nnops.data.kinds import Kind
from nnops.data.made import Made
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import describe_columns, describe_target
from nnops.data.reader import Table
from nnops.data.steps import Steps, Track, codes, scale, target_scale
from nnops.data.target import Target
from nnops.data.values import column
from nnops.data.windows import Shape
from nnops.errors import DataError, ParamsError
from nnops.params import Cleaning, Data, Params, Series

Bounds = dict[SplitName, tuple[int, int]]


def make_series(params: Params, source: Table, series: Series) -> Made:
    """Make prepared data of a table whose rows are steps of one or several series.

    Raises:
        DataError: Times or values are wrong, or a split is too short for a window and its horizon.
        ParamsError: Params name a column or a border that does not exist.
    """
    data, where = params.data, source.where
    frame = source.frame.set_axis([str(name) for name in source.frame.columns], axis=1)
    names = _variables(frame, data, series, where)
    targets = series.targets or names
    code_N, _ = codes(frame, series.group, where)
    clock, origin = find_clock(column(frame, series.time), code_N, where)
    steps = Steps(series.time, series.group, targets, series.window, series.horizon, series.gaps, clock)
    tracks = steps.tracks(frame, names, data.cleaning.missing_markers, origin, where)
    bounds = split_steps(data, series, clock, origin, max(track.end for track in tracks), where)
    fitted = _fit(tracks, names, bounds["train"], data, where)
    shape = Shape(series.window, series.horizon, series.stride)
    shift, spread = target_scale(targets, fitted)
    places = tuple(names.index(name) for name in targets)
    arrays: dict[SplitName, dict[str, np.ndarray]] = {}
    spans: dict[SplitName, list[tuple[int, int]]] = {}
    for split in SPLITS:
        parts = _parts(tracks, bounds[split], shape)
        _check_length(split, parts, tracks, bounds[split], shape, series, where)
        value_TV = np.concatenate(parts)
        ends = np.cumsum([len(part) for part in parts]).tolist()
        spans[split] = list(zip([0, *ends[:-1]], ends, strict=True))
        target_TV = ((value_TV[:, places] - shift) / spread).astype(np.float32, order="C")
        arrays[split] = {"series": scale(value_TV, fitted), "target": target_TV}
    rows: dict[SplitName, int] = {split: sum(shape.count(b - a) for a, b in spans[split]) for split in SPLITS}
    target = Target(_label(targets), "forecasting")
    kinds = [Kind(name, "numeric", "a variable") for name in names]
    report = _report(frame, tracks, kinds, bounds, target, fitted, steps, rows, shape, where)
    ignored = [name for name in frame.columns if name not in (*names, *steps.names)]
    return Made(
        spec=Spec(
            task="forecasting",
            inputs=("series",),
            shapes=((series.window, len(names)),),
            cardinalities=(),
            outputs=series.horizon * len(targets),
            targets=places,
        ),
        preprocess=Preprocess(
            target=target,
            columns=tuple(fitted.values()),
            ignored=tuple(map(str, ignored)),
            markers=data.cleaning.missing_markers,
            steps=steps,
        ),
        arrays=arrays,
        columns=[{"name": kind.name, "kind": kind.kind, "reason": kind.reason} for kind in kinds],
        features=list(names),
        report=report,
        rows=rows,
        extra={
            "target_mean": shift.tolist(),
            "target_std": spread.tolist(),
            "series": {"stride": series.stride, "step": clock.words, "targets": list(targets)}
            | {"spans": {split: [list(span) for span in spans[split]] for split in SPLITS}},
        },
    )


def split_steps(data: Data, series: Series, clock: Clock, origin: float, steps: int, where: str) -> Bounds:
    """First and last-plus-one step that each split owns: by the given borders, else by ``split``'s shares.

    Args:
        data: The section; its ``split`` says shares.
        series: Its borders are rows (steps from the first one) or times.
        clock: Of the series.
        origin: The time of step 0.
        steps: Steps from the first to the last row of all series.
        where: What to call the source in messages.

    Raises:
        ParamsError: Borders that do not rise, or lie outside.
    """
    if not series.borders:
        val, test = round(steps * data.split.val), round(steps * data.split.test)
        train = steps - val - test
        return {"train": (0, train), "val": (train, train + val), "test": (train + val, steps)}
    place = "params.yaml: data.series.borders"
    ticks = [_border(border, clock, origin, place) for border in series.borders]
    if len(ticks) == 2:
        ticks.append(steps)
    if not 0 < ticks[0] < ticks[1] < ticks[2] <= steps:
        raise ParamsError(
            f"{place} must rise and lie within the {steps} steps of {where}, got"
            f" {', '.join(str(border) for border in series.borders)}, which are the steps"
            f" {', '.join(map(str, ticks[: len(series.borders)]))}."
        )
    return {"train": (0, ticks[0]), "val": (ticks[0], ticks[1]), "test": (ticks[1], ticks[2])}


def _border(border: int | str, clock: Clock, origin: float, place: str) -> int:
    if isinstance(border, int):
        return border
    try:
        time_N = clock.read(pd.Series([border], name="borders", dtype="str"), place)
    except DataError as error:
        form = "a number" if clock.kind == "number" else f"a time written as {clock.form}"
        raise ParamsError(
            f"{place} must hold rows, or times as the source has them ({form}), got '{border}'."
        ) from error
    return math.ceil(clock.ticks(time_N, origin)[0])


def _variables(frame: pd.DataFrame, data: Data, series: Series, where: str) -> tuple[str, ...]:
    """The columns of values: all but time, group and what is ignored."""
    names = list(frame.columns)
    for key, name in (("time", series.time), ("group", series.group)):
        if name is not None and name not in names:
            raise ParamsError(f"params.yaml: data.series.{key}: {where}: {unknown('column', name, names)}")
    for name, kind in data.kinds.items():
        if name not in names:
            raise ParamsError(f"params.yaml: data.kinds: {where}: {unknown('column', name, names)}")
        if kind not in ("numeric", "ignore") and name not in (series.time, series.group):
            raise ParamsError(
                f"params.yaml: data.kinds.{name}: a series has numbers; write numeric or ignore, got {kind}."
            )
    variables = tuple(
        name for name in names if name not in (series.time, series.group) and data.kinds.get(name) != "ignore"
    )
    if not variables:
        raise DataError(f"{where}: a series must have a column of values beside '{series.time}', got none.")
    for name in series.targets:
        if name not in variables:
            raise ParamsError(f"params.yaml: data.series.targets: {where}: {unknown('variable', name, variables)}")
    if len(set(series.targets)) < len(series.targets):
        raise ParamsError("params.yaml: data.series.targets must name each variable once.")
    return variables


def _fit(
    tracks: list[Track], names: tuple[str, ...], train: tuple[int, int], data: Data, where: str
) -> dict[str, Numeric]:
    """Shift and spread of each variable, on the train steps of all series alone."""
    parts = [track.value_TV[: max(0, train[1] - track.first)] for track in tracks]
    value_TV = np.concatenate(parts)
    if not len(value_TV):
        raise DataError(f"{where}: the train part must hold steps, got none; set other data.series.borders.")
    # Nothing is missing any more, and a clipped value could not be told in its own unit.
    return {name: fit_numbers(name, value_TV[:, place], Cleaning(), data.scaling) for place, name in enumerate(names)}


def _parts(tracks: list[Track], bounds: tuple[int, int], shape: Shape) -> list[np.ndarray]:
    """The steps of each series that a split may use, where they hold a window and its horizon."""
    parts: list[np.ndarray] = []
    for track in tracks:
        low, high = shape.span(track.first, track.end, *bounds)
        if shape.count(high - low):
            parts.append(track.value_TV[low - track.first : high - track.first])
    return parts


def _check_length(
    split: SplitName,
    parts: list[np.ndarray],
    tracks: list[Track],
    bounds: tuple[int, int],
    shape: Shape,
    series: Series,
    where: str,
) -> None:
    if parts:
        return
    longest = max(max(0, high - low) for low, high in (shape.span(t.first, t.end, *bounds) for t in tracks))
    past = "" if split == "train" else " with the past before it"
    several = "the longest series of " if series.group else ""
    raise DataError(
        f"{where}: {several}the {split} part has {longest} steps{past}, but a window of {shape.window} and a horizon of"
        f" {shape.horizon} need {shape.window + shape.horizon}; write a smaller data.series.window or horizon, give"
        " more rows, or split otherwise."
    )


def _label(targets: tuple[str, ...]) -> str:
    return ", ".join(targets) if len(targets) <= 3 else f"{', '.join(targets[:2])} and {len(targets) - 2} more"


def _report(
    frame: pd.DataFrame,
    tracks: list[Track],
    kinds: list[Kind],
    bounds: Bounds,
    target: Target,
    fitted: dict[str, Numeric],
    steps: Steps,
    rows: dict[SplitName, int],
    shape: Shape,
    where: str,
) -> dict[str, Any]:
    """What the steps that each split owns look like, the past before them left out."""
    owned = {
        split: np.concatenate([t.value_TV[max(0, a - t.first) : max(0, b - t.first)] for t in tracks])
        for split, (a, b) in bounds.items()
    }
    names = [kind.name for kind in kinds]
    places = [names.index(name) for name in steps.targets]
    shift, spread = target_scale(steps.targets, fitted)
    scaled: dict[SplitName, dict[str, np.ndarray]] = {
        split: {"target": (owned[split][:, places] - shift) / spread} for split in SPLITS
    }
    parts: dict[SplitName, pd.DataFrame] = {split: pd.DataFrame(owned[split], columns=names) for split in SPLITS}
    filled = sum(track.filled for track in tracks)
    short = [track.name for track in tracks if not shape.count(len(track.value_TV))]
    notes: list[str] = []
    if filled:
        cells = sum(track.value_TV.size for track in tracks)
        notes.append(
            f"{filled} of {cells} values were missing and have the last known value; errors count them as true."
        )
    if short:
        some = ", ".join(f"'{name}'" for name in short[:3]) + (", ..." if len(short) > 3 else "")
        notes.append(f"{len(short)} series are too short for a window and its horizon and are left out: {some}.")
    return {
        "source": where,
        "rows": {"read": len(frame)} | rows,
        "target": describe_target(target, scaled),
        "columns": describe_columns(parts, kinds, ("",)),
        "series": {
            "count": len(tracks),
            "step": steps.clock.words,
            "steps": {split: b - a for split, (a, b) in bounds.items()},
            "filled": filled,
        },
        "notes": notes,
    }
