"""A look at a file as a series before there are params: its step, its variables, a window and horizon to begin with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnops.catalog import unknown
from nnops.data import READERS
from nnops.data.clock import find_clock
from nnops.data.infer import DROPPED, Suggestion, find_source
from nnops.data.kinds import Kind, before_params, infer_kind
from nnops.data.reader import Table
from nnops.data.steps import codes
from nnops.data.values import column
from nnops.errors import DataError
from nnops.params import parse

#: Steps ahead to start with, the share of a short series that they are at most, and windows as horizons.
HORIZON, SHARE, PAST = 24, 30, 4


def infer_series(
    path: Path, time: str, group: str | None = None, targets: Sequence[str] = (), drop: Sequence[str] = ()
) -> Suggestion:
    """Suggest the ``data`` section for a table whose rows are steps of a series.

    Args:
        path: CSV or Parquet.
        time: The column of times.
        group: The column that names the series of a row.
        targets: What is forecast; empty: every variable.
        drop: Columns that are not to be seen.

    Raises:
        DataError: No such file or column, times that are doubled or out of order, text among numbers.
    """
    source = find_source(path)
    read = READERS.build(source.name, source.options, "data.source").read(Path(), time)
    if not isinstance(read, Table):
        raise DataError(f"{read.where}: a series is a table with a time column (CSV or Parquet), got images.")
    frame, where = read.frame.set_axis([str(name) for name in read.frame.columns], axis=1), read.where
    roles = [name for name in (time, group) if name is not None]
    for name in (*roles, *targets, *drop):
        if name not in frame.columns:
            raise DataError(f"{where}: {unknown('column', name, frame.columns)}")
        if name in drop and name in (*roles, *targets):
            raise DataError(f"{where}: column '{name}' is to be dropped and used at once; say one of the two.")
    code_N, names = codes(frame, group, where)
    clock, _ = find_clock(column(frame, time), code_N, where)
    markers = parse({}).data.cleaning.missing_markers
    with before_params():
        found = [
            Kind(name, "ignore", DROPPED) if name in drop else infer_kind(column(frame, name), markers, where)
            for name in frame.columns
            if name not in roles
        ]
    left_out = [kind for kind in found if kind.kind != "numeric" and kind.name not in targets]
    variables = [kind.name for kind in found if kind not in left_out]
    if not variables:
        raise DataError(f"{where}: a series must have a column of numbers beside '{time}', got none.")
    steps = int(np.bincount(code_N).max())
    horizon = min(HORIZON, max(1, steps // SHARE))
    series: dict[str, Any] = {"time": time}
    series |= {"group": group} if group else {}
    series |= {"targets": list(targets)} if targets else {}
    series |= {"window": PAST * horizon, "horizon": horizon}
    data: dict[str, Any] = {"source": source.model_dump(mode="json"), "task": "forecasting", "series": series}
    if left_out:
        data["kinds"] = {kind.name: "ignore" for kind in left_out}
    several = f"{len(names)} series, " if group else ""
    counted = f"{len(variables)} variable" + ("" if len(variables) == 1 else "s")
    return Suggestion(
        data=data,
        comments={
            "source": f"{len(frame)} rows, {len(frame.columns)} columns",
            "task": f"{several}steps of {clock.words}, {counted}",
            "series": "targets: what is forecast; nothing said: every variable",
        }
        | {f"kinds.{kind.name}": kind.reason for kind in left_out},
        task="forecasting",
        image=False,
        rows=len(frame),
        classes=(),
    )
