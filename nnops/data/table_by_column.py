"""A table larger than memory prepared: the same arrays as :mod:`nnops.data.table` makes, one column at a time.

Every statistic is computed from a whole column, so it has the very bits of a table that was read at once. What needs
whole rows goes by a hash of 64 bits for each: rows that are there twice, and rows of val and test that train holds.
Rows that are the same but for rounding are not looked for, and a text is not taken.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.data.by_column import ByColumn
from nnops.data.columns import Categorical
from nnops.data.coordinates import check_coordinates
from nnops.data.folds import kin_of
from nnops.data.groups import TASKS, check_groups, make_groups, refuse_groups
from nnops.data.kinds import Kind, judge_kinds
from nnops.data.labels import join_targets
from nnops.data.leakage import Leak, check_leaks, tell_leaks
from nnops.data.made import Made
from nnops.data.passages import text_column
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import describe_columns, describe_target, write_notes
from nnops.data.reader import Table
from nnops.data.row_keys import add_column, count_duplicates, find_twins
from nnops.data.split import split_rows
from nnops.data.table import (
    check_same_columns,
    check_skewed,
    check_target,
    complete_rows,
    fit,
    rows_inside,
    spec_of,
    split_column,
    typed,
)
from nnops.data.target import Target, judge
from nnops.data.tell import Teller, find_tellers
from nnops.data.values import column
from nnops.errors import DataError
from nnops.params import Data, Params

#: Numbers that are put together at a time.
AT_ONCE = 1 << 20

NOTE = (
    "The table was read one column at a time (data.by_column): rows of val and test that train holds but for rounding"
    " were not looked for."
)

Shelved = tuple[ByColumn, str]


def make_by_column(params: Params, source: Shelved, test: Shelved | None, folder: Path, scratch: Path) -> Made | None:
    """Make prepared data of a table.

    Args:
        params: As :func:`nnops.data.table.make_table` takes them.
        source: The rows, and what to call them.
        test: Those of a test source.
        folder: Where the arrays are written, ``SPLIT/NAME.npy``.
        scratch: A folder for what is needed on the way; the caller deletes it.

    Returns:
        None where a column is a text, and params leave it open how to read.

    Raises:
        DataError: Columns, rows, target or splits are wrong, or a column is a text.
        ParamsError: Params name a column that does not exist.
    """
    data, where = params.data, source[1]
    frame, tested = _joined(source, data), None if test is None else _joined(test, data)
    check_target(_as_table(frame, where), data)
    if tested is not None and test is not None:
        check_same_columns(_as_table(frame, where), _as_table(tested, test[1]))
    kinds = judge_kinds(cast(pd.DataFrame, frame), data, where)
    if passage := text_column(kinds):
        if data.by_column == "auto":
            return None
        raise DataError(
            f"{where}: column '{passage}' is a text, whose words are counted over all rows at once; set data.by_column"
            f" to auto, or data.kinds.{passage} to ignore."
        )
    check_skewed(kinds, data, where)
    check_coordinates(data, kinds, where)
    check_groups(data, frame.columns, where)
    read = len(frame) + (0 if tested is None else len(tested))
    frame = _kept(_typed(frame, kinds, data, where, scratch / "numbers of source"), kinds, data, where)
    answer = column(frame, data.answer)
    target = judge(answer, data, where)
    if target.task not in TASKS:
        refuse_groups(data, f"a {target.task} target")
    rows = split_rows(
        data.split,
        len(frame),
        classes=target.strata(answer, where),
        column=split_column(frame, data, where),
        seed=params.seed,
        separate_test=test is not None,
        where=where,
    )
    parts: dict[SplitName, Shelved] = {name: (frame.take(rows[name]), where) for name in SPLITS}
    if tested is not None and test is not None:
        parts["test"] = (
            _kept(_typed(tested, kinds, data, test[1], scratch / "numbers of test"), kinds, data, test[1]),
            test[1],
        )
    inside = rows_inside(parts["train"][0], kinds, data, target, where)
    outliers = int((~inside).sum())
    if outliers:
        parts["train"] = (parts["train"][0].take(np.flatnonzero(inside)), where)
    train = parts["train"][0]
    leaks = _find_leaks(parts, kinds, data, target)
    check_leaks(leaks, data, where)
    if target.task == "regression" and data.target_scaling == "standard":
        target = target.scaled(column(train, data.answer), where)
    used = [kind for kind in kinds if kind.kind != "ignore"]
    preprocess = Preprocess(
        target=target,
        columns=tuple(fit(column(train, kind.name), kind, data, where) for kind in used),
        ignored=(
            *(kind.name for kind in kinds if kind.kind == "ignore"),
            *(() if isinstance(data.target, str) else data.target),
        ),
        categories=data.categories,
        markers=data.cleaning.missing_markers,
    )
    spec = spec_of(preprocess, data)
    arrays: dict[SplitName, dict[str, np.ndarray]] = {}
    for name, part in parts.items():
        _apply(preprocess, part, scratch / name)
        arrays[name] = _put_together(preprocess, spec, part, scratch / name, folder / name)
    shown: dict[SplitName, Any] = {name: part for name, (part, _) in parts.items()}
    report: dict[str, Any] = {
        "source": where,
        "rows": {"read": read} | {name: len(part) for name, (part, _) in parts.items()},
        "target": describe_target(target, arrays),
        "columns": describe_columns(shown, kinds, preprocess.markers),
        "outliers": outliers,
        "duplicates": count_duplicates(arrays, AT_ONCE),
        "leakage": [leak.to_json() for leak in leaks],
    }
    report["notes"] = [*write_notes(report), NOTE]
    extra: dict[str, Any] = {"ordered": True} if data.split.by == "time" else {}
    if data.groups:
        groupings, codes = make_groups(cast(Any, parts), kinds, data, where)
        extra["groups"] = [grouping.to_json() for grouping in groupings]
        for name, code_NG in codes.items():
            arrays[name]["groups"] = code_NG
    arrays["train"] |= kin_of(cast(pd.DataFrame, train), data.split, np.empty(0, np.int64))
    return Made(
        spec=spec,
        preprocess=preprocess,
        arrays=arrays,
        columns=[{"name": kind.name, "kind": kind.kind, "reason": kind.reason} for kind in kinds],
        features=preprocess.features,
        report=report,
        extra=extra,
    )


def _as_table(frame: ByColumn, where: str) -> Table:
    """For checks that look at the columns' names alone."""
    return Table(cast(pd.DataFrame, frame), where)


def _joined(source: Shelved, data: Data) -> ByColumn:
    """The rows with the columns that ``data.target`` lists as one."""
    frame, where = source
    if isinstance(data.target, str):
        return frame
    there = [name for name in frame.columns if name in data.target]
    labels = join_targets(Table(pd.DataFrame({name: frame[name] for name in there}), where), data)
    return frame.with_column(data.answer, column(labels.frame, data.answer), without=data.target)


def _typed(frame: ByColumn, kinds: list[Kind], data: Data, where: str, scratch: Path) -> ByColumn:
    """Numbers as float64, from files of their own, and words as clean text."""
    scratch.mkdir(parents=True, exist_ok=True)
    kind_of = {kind.name: kind for kind in kinds}
    files: dict[str, Path] = {}
    for place, name in enumerate(frame.columns):
        if name in kind_of and kind_of[name].kind == "numeric":
            files[name] = scratch / f"number {place}.npy"
            np.save(files[name], typed(frame[name], kind_of[name], data, where).to_numpy())

    def read(name: str) -> pd.Series:
        if name in files:
            return pd.Series(np.load(files[name], allow_pickle=False), name=name)
        values = frame[name]
        return typed(values, kind_of[name], data, where) if name in kind_of else values

    return ByColumn(frame.columns, len(frame), read)


def _kept(frame: ByColumn, kinds: list[Kind], data: Data, where: str) -> ByColumn:
    """Without duplicates and without rows that miss values, where params say so."""
    if data.cleaning.duplicates == "drop":
        keys = np.zeros(len(frame), np.uint64)
        for name in frame.columns:
            add_column(keys, column(frame, name))
        frame = frame.take(np.flatnonzero(~pd.Series(keys).duplicated().to_numpy()))
    complete = complete_rows(frame, kinds, data, where)
    return frame if complete.all() else frame.take(np.flatnonzero(complete))


def _find_leaks(parts: Mapping[SplitName, Shelved], kinds: list[Kind], data: Data, target: Target) -> list[Leak]:
    train, where = parts["train"]
    used = [kind for kind in kinds if kind.kind != "ignore"]
    answer = column(train, data.answer)
    classes = target.labels(answer, where) if target.task in ("binary", "multiclass") else None
    tellers: list[Teller] = []
    for kind in used:
        pair = pd.DataFrame({kind.name: column(train, kind.name), data.answer: answer})
        tellers += find_tellers(pair, [kind], data, classes)
    twins = find_twins({name: part for name, (part, _) in parts.items()}, used, data.cleaning.missing_markers)
    return tell_leaks(tellers, twins, parts, kinds, data)


def _apply(preprocess: Preprocess, part: Shelved, scratch: Path) -> None:
    """What each fitted column makes of its values, in a file of its own."""
    frame, where = part
    scratch.mkdir(parents=True)
    for place, fitted in enumerate(preprocess.columns):
        try:
            values = fitted.apply(column(frame, fitted.name), preprocess.markers)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        values.tofile(scratch / f"feature {place}")


def _put_together(
    preprocess: Preprocess, spec: Spec, part: Shelved, scratch: Path, folder: Path
) -> dict[str, np.ndarray]:
    """Write the inputs and the target of a split, some rows at a time; give them as maps."""
    frame, where = part
    folder.mkdir(parents=True)
    rows = len(frame)
    place_of = {fitted.name: place for place, fitted in enumerate(preprocess.columns)}
    files = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", "w+", np.int64 if name == "categories" else np.float32, (rows, *shape)
        )
        for name, shape in zip(spec.inputs, spec.shapes, strict=True)
    }
    offsets = {name: array.offset for name, array in files.items()}
    del files
    step = max(1, AT_ONCE // sum(shape[0] for shape in spec.shapes))
    streams = {name: (folder / f"{name}.npy").open("r+b") for name in spec.inputs}
    try:
        for name, stream in streams.items():
            stream.seek(offsets[name])
        for start in range(0, rows, step):
            count = min(step, rows - start)
            inputs = preprocess.join(
                lambda fitted, start=start, count=count: _slice(
                    scratch / f"feature {place_of[fitted.name]}", fitted, start, count
                )
            )
            for name, array in inputs.items():
                stream = streams[name]
                stream.write(np.ascontiguousarray(array).data)
    finally:
        for stream in streams.values():
            stream.close()
    np.save(folder / "target.npy", preprocess.target.encode(column(frame, preprocess.target.name), where))
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in (*spec.inputs, "target")}


def _slice(path: Path, fitted: Any, start: int, count: int) -> np.ndarray:
    if isinstance(fitted, Categorical):
        return np.fromfile(path, np.int64, count, offset=8 * start)
    width = len(fitted.features)
    return np.fromfile(path, np.float32, count * width, offset=4 * start * width).reshape(count, width)
