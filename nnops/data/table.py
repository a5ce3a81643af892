"""A table prepared: kinds judged, rows dropped and split, columns fitted on the train split, everything coded."""

from typing import Any, cast

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.catalog import nearest
from nnops.data.columns import Column, numbers_of
from nnops.data.fit import fit_categorical, fit_date, fit_numeric
from nnops.data.kinds import Kind, judge_kinds
from nnops.data.made import Made
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import count_duplicates, describe_columns, describe_target, write_notes
from nnops.data.reader import Table
from nnops.data.split import split_rows
from nnops.data.target import judge
from nnops.data.values import as_text, column
from nnops.errors import DataError
from nnops.params import Data, Params


def make_table(params: Params, source: Table, test: Table | None) -> Made:
    """Make prepared data of a table.

    Raises:
        DataError: Columns, rows, target or splits are wrong.
        ParamsError: Params name a column that does not exist.
    """
    data = params.data
    check_target(source, data)
    if test is not None:
        check_same_columns(source, test)
    kinds = judge_kinds(source.frame, data, source.where)
    frame = _kept_rows(_typed(source, kinds, data), kinds, data, source.where)
    target = judge(column(frame, data.target), data, source.where)
    rows = split_rows(
        data.split,
        len(frame),
        classes=None if target.task == "regression" else target.labels(column(frame, data.target), source.where),
        column=_split_column(frame, data, source.where),
        seed=params.seed,
        separate_test=test is not None,
        where=source.where,
    )
    parts: dict[SplitName, tuple[pd.DataFrame, str]] = {name: (frame.iloc[rows[name]], source.where) for name in SPLITS}
    if test is not None:
        parts["test"] = (_kept_rows(_typed(test, kinds, data), kinds, data, test.where), test.where)
    train = parts["train"][0]
    if target.task == "regression" and data.target_scaling == "standard":
        target = target.scaled(column(train, data.target), source.where)
    preprocess = Preprocess(
        target=target,
        columns=tuple(_fit(train, kind, data, source.where) for kind in kinds if kind.kind != "ignore"),
        ignored=tuple(kind.name for kind in kinds if kind.kind == "ignore"),
        categories=data.categories,
        markers=data.cleaning.missing_markers,
    )
    arrays: dict[SplitName, dict[str, np.ndarray]] = {}
    for name, (part, where) in parts.items():
        try:
            inputs = preprocess.transform(part)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        arrays[name] = inputs | {"target": target.encode(column(part, data.target), where)}
    report: dict[str, Any] = {
        "source": source.where,
        "rows": {"read": len(source.frame) + (len(test.frame) if test else 0)}
        | {name: len(part) for name, (part, _) in parts.items()},
        "target": describe_target(target, arrays),
        "columns": describe_columns({name: part for name, (part, _) in parts.items()}, kinds, preprocess.markers),
        "duplicates": count_duplicates(arrays),
    }
    report["notes"] = write_notes(report)
    return Made(
        spec=_spec(preprocess),
        preprocess=preprocess,
        arrays=arrays,
        columns=[{"name": kind.name, "kind": kind.kind, "reason": kind.reason} for kind in kinds],
        features=preprocess.features,
        report=report,
    )


def check_target(source: Table, data: Data) -> None:
    """Check that the target column is there.

    Raises:
        DataError: It is not; the nearest column is named.
    """
    names = [str(name) for name in source.frame.columns]
    if data.target not in names:
        guess = nearest(data.target, names)
        hint = f"did you mean '{guess}'?" if guess else f"the columns are {', '.join(names[:12])}."
        raise DataError(f"{source.where}: the target column '{data.target}' does not exist; {hint}")


def check_same_columns(source: Table, test: Table) -> None:
    """Check that a test source has the source's columns, in any order.

    Raises:
        DataError: One is missing (the nearest is named) or extra.
    """
    ours, theirs = list(map(str, source.frame.columns)), list(map(str, test.frame.columns))
    for name in ours:
        if name not in theirs:
            guess = nearest(name, [other for other in theirs if other not in ours])
            hint = f"is it '{guess}'?" if guess else "add it."
            raise DataError(f"{test.where}: must have the columns of {source.where}, but '{name}' is missing; {hint}")
    for name in theirs:
        if name not in ours:
            raise DataError(f"{test.where}: must have the columns of {source.where}, but '{name}' is extra; remove it.")


def _typed(table: Table, kinds: list[Kind], data: Data) -> pd.DataFrame:
    """Numbers as float64 and words as clean text, once and for all that follows."""
    markers = data.cleaning.missing_markers
    columns: dict[str, Any] = {str(name): table.frame[name] for name in table.frame.columns}
    for kind in kinds:
        if kind.kind == "numeric":
            try:
                columns[kind.name] = numbers_of(columns[kind.name], markers)
            except DataError as error:
                raise DataError(f"{table.where}: {error}") from error
        elif kind.kind == "categorical":
            columns[kind.name] = as_text(columns[kind.name], markers).astype("str")
    return pd.DataFrame(columns, index=table.frame.index)


def _kept_rows(frame: pd.DataFrame, kinds: list[Kind], data: Data, where: str) -> pd.DataFrame:
    """Without duplicates and without rows that miss values, where params say so."""
    cleaning = data.cleaning
    if cleaning.duplicates == "drop":
        frame = cast(pd.DataFrame, frame.loc[~frame.duplicated()])
    complete = np.ones(len(frame), bool)
    for kind in kinds:
        way = cleaning.categorical_missing if kind.kind == "categorical" else cleaning.numeric_missing
        if kind.kind != "ignore" and way == "drop":
            complete &= as_text(column(frame, kind.name), cleaning.missing_markers).notna().to_numpy()
    if not complete.any():
        raise DataError(
            f"{where}: every row misses a value, so dropping them leaves none; fill them instead of 'drop'."
        )
    return frame.loc[complete]


def _split_column(frame: pd.DataFrame, data: Data, where: str) -> pd.Series | None:
    name = data.split.column
    if name is None or data.split.by not in ("grouped", "time", "given"):
        return None
    if name not in frame.columns:
        guess = nearest(name, map(str, frame.columns))
        hint = f"did you mean '{guess}'?" if guess else "it must be a column of the source."
        raise DataError(f"params.yaml: data.split.column: {where} has no column '{name}'; {hint}")
    return column(frame, name)


def _fit(train: pd.DataFrame, kind: Kind, data: Data, where: str) -> Column:
    values = column(train, kind.name)
    try:
        if kind.kind == "numeric":
            return fit_numeric(values, data.cleaning, data.scaling)
        if kind.kind == "categorical":
            return fit_categorical(values, data.cleaning, one_hot=data.categories == "one_hot")
        return fit_date(values, data.cleaning, data.scaling)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _spec(preprocess: Preprocess) -> Spec:
    inputs: list[str] = []
    shapes: list[tuple[int, ...]] = []
    if preprocess.features:
        inputs.append("numeric")
        shapes.append((len(preprocess.features),))
    if preprocess.coded:
        inputs.append("categories")
        shapes.append((len(preprocess.coded),))
    target = preprocess.target
    return Spec(
        task=target.task,
        inputs=tuple(inputs),
        shapes=tuple(shapes),
        cardinalities=tuple(len(fitted.categories) + 1 for fitted in preprocess.coded),
        outputs=len(target.classes) if target.task == "multiclass" else 1,
    )
