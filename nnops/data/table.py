"""A table prepared: kinds judged, rows dropped and split, columns fitted on the train split, everything coded."""

from typing import Any, cast

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.catalog import nearest, unknown
from nnops.data.by_column import ByColumn
from nnops.data.columns import Column, numbers_of
from nnops.data.coordinates import check_coordinates
from nnops.data.dates import find_format, parse_dates
from nnops.data.fit import fit_categorical, fit_date, fit_numeric, outlier_bounds
from nnops.data.folds import kin_of
from nnops.data.graph import Links, make_links, report_links
from nnops.data.groups import TASKS, check_groups, make_groups, refuse_groups
from nnops.data.kinds import MOST_MISTAKES, Kind, judge_kinds
from nnops.data.labels import join_targets
from nnops.data.leakage import check_leaks, find_leaks
from nnops.data.made import Made
from nnops.data.nodes import check_nodes
from nnops.data.passages import describe_text, encode_texts, fit_texts, note_text, text_column, with_words
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import count_duplicates, describe_columns, describe_target, write_notes
from nnops.data.reader import Table
from nnops.data.rewrite import rewritten
from nnops.data.split import split_rows
from nnops.data.target import Target, judge
from nnops.data.values import as_text, column
from nnops.errors import DataError, ParamsError
from nnops.params import Data, Params

Frame = pd.DataFrame | ByColumn


def make_table(params: Params, source: Table, test: Table | None, edges: Table | None = None) -> Made:
    """Make prepared data of a table, whose rows may be the nodes of a graph.

    Raises:
        DataError: Columns, rows, target or splits are wrong.
        ParamsError: Params name a column that does not exist.
    """
    data = params.data
    source, test = join_targets(source, data), None if test is None else join_targets(test, data)
    check_target(source, data)
    if test is not None:
        check_same_columns(source, test)
    kinds = judge_kinds(source.frame, data, source.where)
    check_nodes(kinds, data)
    check_skewed(kinds, data, source.where)
    check_coordinates(data, kinds, source.where)
    check_groups(data, [str(name) for name in source.frame.columns], source.where)
    frame = _kept_rows(_typed(source, kinds, data), kinds, data, source.where)
    target = judge(column(frame, data.answer), data, source.where)
    if target.task not in TASKS:
        refuse_groups(data, f"a {target.task} target")
    rows = split_rows(
        data.split,
        len(frame),
        classes=target.strata(column(frame, data.answer), source.where),
        column=split_column(frame, data, source.where),
        seed=params.seed,
        separate_test=test is not None,
        where=source.where,
    )
    parts: dict[SplitName, tuple[pd.DataFrame, str]] = {name: (frame.iloc[rows[name]], source.where) for name in SPLITS}
    if test is not None:
        parts["test"] = (_kept_rows(_typed(test, kinds, data), kinds, data, test.where), test.where)
    passage = text_column(kinds)
    inside = rows_inside(parts["train"][0], kinds, data, target, source.where)
    train, outliers = parts["train"][0].loc[inside], int((~inside).sum())
    parts["train"] = (train, source.where)
    classified = target.task in ("binary", "multiclass")
    classes = target.labels(column(train, data.answer), source.where) if classified else None
    leaks = find_leaks(parts, kinds, data, classes)
    check_leaks(leaks, data, source.where)
    nodes, links = make_links(data, edges, [source] if test is None else [source, test], parts)
    if target.task == "regression" and data.target_scaling == "standard":
        target = target.scaled(column(train, data.answer), source.where)
    preprocess = Preprocess(
        target=target,
        columns=tuple(
            fit(column(train, kind.name), kind, data, source.where)
            for kind in kinds
            if kind.kind not in ("ignore", "text")
        ),
        ignored=(
            *(kind.name for kind in kinds if kind.kind == "ignore"),
            *(() if isinstance(data.target, str) else data.target),
        ),
        categories=data.categories,
        markers=data.cleaning.missing_markers,
        text=fit_texts(train, passage, data, source.where) if passage else None,
        nodes=nodes,
    )
    arrays: dict[SplitName, dict[str, np.ndarray]] = {}
    for name, (part, where) in parts.items():
        try:
            inputs = encode_texts(part, preprocess.text, name, where) if preprocess.text else preprocess.transform(part)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        arrays[name] = inputs | {"target": target.encode(column(part, data.answer), where)}
    added, copied = 0, np.empty(0, np.int64)
    if preprocess.text and data.text.rewrite:
        others = [arrays[name]["text"] for name in SPLITS if name != "train"]
        texts = column(train, preprocess.text.name)
        row_RT, place_R = rewritten(texts, data.text.rewrite, preprocess.text, others, params.seed)
        made, added, copied = arrays["train"], len(row_RT), place_R
        made["text"] = np.concatenate([made["text"], row_RT])
        made["target"] = np.concatenate([made["target"], made["target"][place_R]])
    shown: dict[SplitName, pd.DataFrame] = {name: part for name, (part, _) in parts.items()}
    report: dict[str, Any] = {
        "source": source.where,
        "rows": {"read": len(source.frame) + (len(test.frame) if test else 0)}
        | {name: len(part) for name, (part, _) in parts.items()},
        "target": describe_target(target, arrays),
        "columns": describe_columns(shown, [kind for kind in kinds if kind.kind != "text"], preprocess.markers),
        "outliers": outliers,
        "duplicates": count_duplicates(arrays),
        "leakage": [leak.to_json() for leak in leaks],
    }
    report["notes"] = write_notes(report)
    if preprocess.text:
        entry = describe_text(shown, next(kind for kind in kinds if kind.kind == "text"), preprocess.text)
        report["columns"].insert(0, entry)
        report["notes"] += note_text(entry)
    if data.text.rewrite:
        report["notes"].append(f"{added} rows of train are texts in other words, by {data.text.rewrite.path}.")
    extra: dict[str, Any] = {"ordered": True} if data.split.by == "time" else {}
    if data.groups:
        groupings, codes = make_groups(parts, kinds, data, source.where)
        extra["groups"] = [grouping.to_json() for grouping in groupings]
        for name, code_NG in codes.items():
            arrays[name]["groups"] = np.concatenate([code_NG, code_NG[copied]]) if name == "train" else code_NG
    arrays["train"] |= kin_of(train, data.split, copied)
    report_links(report, links, arrays["train"], target)
    return Made(
        spec=spec_of(preprocess, data, links),
        preprocess=preprocess,
        arrays=arrays,
        columns=[{"name": kind.name, "kind": kind.kind, "reason": kind.reason} for kind in kinds],
        features=preprocess.features,
        report=report,
        extra=extra,
        graph=links.arrays if links else {},
    )


def check_target(source: Table, data: Data) -> None:
    """Check that the target column is there.

    Raises:
        DataError: It is not; the nearest column is named.
    """
    names = [str(name) for name in source.frame.columns]
    if data.answer not in names:
        guess = nearest(data.answer, names)
        hint = f"did you mean '{guess}'?" if guess else f"the columns are {', '.join(names[:12])}."
        raise DataError(f"{source.where}: the target column '{data.answer}' does not exist; {hint}")


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
    columns: dict[str, Any] = {str(name): table.frame[name] for name in table.frame.columns}
    for kind in kinds:
        columns[kind.name] = typed(columns[kind.name], kind, data, table.where)
    return pd.DataFrame(columns, index=table.frame.index)


def typed(values: pd.Series, kind: Kind, data: Data, where: str) -> pd.Series:
    """A column of numbers as float64, one of words as clean text; others as they are.

    Raises:
        DataError: Text among numbers, with its row.
    """
    markers, lenient = data.cleaning.missing_markers, data.cleaning.wrong_types == "missing"
    if kind.kind == "numeric":
        try:
            return pd.Series(numbers_of(values, markers, lenient=lenient), values.index, name=values.name)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
    if kind.kind == "categorical":
        return as_text(values, markers).astype("str")
    if kind.kind != "date" or not lenient:
        return values
    text = as_text(values, markers)
    moments = parse_dates(text, find_format(text, share=1 - MOST_MISTAKES))
    return text if moments is None else text.mask(moments.isna())


def _kept_rows(frame: pd.DataFrame, kinds: list[Kind], data: Data, where: str) -> pd.DataFrame:
    """Without duplicates and without rows that miss values, where params say so."""
    cleaning = data.cleaning
    if passage := text_column(kinds):
        frame = with_words(frame, passage, data, where)
    if cleaning.duplicates == "drop":
        frame = cast(pd.DataFrame, frame.loc[~frame.duplicated()])
    return frame.loc[complete_rows(frame, kinds, data, where)]


def complete_rows(frame: Frame, kinds: list[Kind], data: Data, where: str) -> np.ndarray:
    """Which rows are left, bool [N]: those that miss no value, where params drop others.

    Raises:
        DataError: None is.
    """
    cleaning = data.cleaning
    complete = np.ones(len(frame), bool)
    for kind in kinds:
        way = cleaning.categorical_missing if kind.kind == "categorical" else cleaning.numeric_missing
        if kind.kind not in ("ignore", "text") and way == "drop":
            complete &= as_text(column(frame, kind.name), cleaning.missing_markers).notna().to_numpy()
    if not complete.any():
        raise DataError(
            f"{where}: every row misses a value, so dropping them leaves none; fill them instead of 'drop'."
        )
    return complete


def rows_inside(train: Frame, kinds: list[Kind], data: Data, target: Target, where: str) -> np.ndarray:
    """Which train rows are left, bool [N]: those without an outlier, where params drop others.

    Raises:
        DataError: None is, or none of a class.
    """
    inside = np.ones(len(train), bool)
    if data.cleaning.outliers == "none" or data.cleaning.outlier_rows == "clip":
        return inside
    for kind in kinds:
        if kind.kind != "numeric":
            continue
        numbers = column(train, kind.name).to_numpy(np.float64)
        known = numbers[~np.isnan(numbers)]
        low, high = outlier_bounds(known, data.cleaning) if len(known) else (None, None)
        if low is not None:
            inside &= np.isnan(numbers) | ((numbers >= low) & (numbers <= high))
    lost = set[str]()
    if target.classes:
        lost = set(target.classes) - set(target.labels(column(train, data.answer).loc[inside], where).unique())
    if not inside.any() or lost:
        what = f"row of class '{min(lost)}'" if lost else "row"
        raise DataError(
            f"{where}: dropping outliers leaves no {what} in train; raise data.cleaning.outlier_factor (now "
            f"{data.cleaning.outlier_factor:g}), or set data.cleaning.outlier_rows to clip."
        )
    return inside


def check_skewed(kinds: list[Kind], data: Data, where: str) -> None:
    """Check that the columns of ``data.skewed`` are there.

    Raises:
        ParamsError: One is no numeric column, the nearest one named.
    """
    if not isinstance(data.skewed, dict):
        return
    numeric = [kind.name for kind in kinds if kind.kind == "numeric"]
    for name in data.skewed:
        if name not in numeric:
            raise ParamsError(f"params.yaml: data.skewed: {where}: {unknown('numeric column', name, numeric)}")


def split_column(frame: Frame, data: Data, where: str) -> pd.Series | None:
    """The column that says the split, where params name one.

    Raises:
        DataError: It does not exist.
    """
    name = data.split.column
    if name is None or data.split.by not in ("grouped", "time", "given"):
        return None
    if name not in frame.columns:
        guess = nearest(name, map(str, frame.columns))
        hint = f"did you mean '{guess}'?" if guess else "it must be a column of the source."
        raise DataError(f"params.yaml: data.split.column: {where} has no column '{name}'; {hint}")
    return column(frame, name)


def fit(values: pd.Series, kind: Kind, data: Data, where: str) -> Column:
    """Fit a column on the train split's values.

    Raises:
        DataError: There is nothing to fit, or the values do not suit the kind.
    """
    try:
        if kind.kind == "numeric":
            return fit_numeric(values, data)
        if kind.kind == "categorical":
            return fit_categorical(values, data.cleaning, one_hot=data.categories == "one_hot")
        return fit_date(values, data.cleaning, data.scaling)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def spec_of(preprocess: Preprocess, data: Data, links: Links | None = None) -> Spec:
    """What a model is told."""
    inputs: list[str] = []
    shapes: list[tuple[int, ...]] = []
    if preprocess.features:
        inputs.append("numeric")
        shapes.append((len(preprocess.features),))
    if preprocess.coded:
        inputs.append("categories")
        shapes.append((len(preprocess.coded),))
    if preprocess.text:
        inputs.append("text")
        shapes.append((preprocess.text.length,))
    if links:
        inputs.append("node")
        shapes.append(())
    target = preprocess.target
    return Spec(
        task=target.task,
        inputs=tuple(inputs),
        shapes=tuple(shapes),
        cardinalities=tuple(len(fitted.categories) + 1 for fitted in preprocess.coded),
        outputs=len(target.classes) if target.task in ("multiclass", "multilabel") else 1,
        vocabulary=preprocess.text.vocabulary if preprocess.text else 0,
        coordinates=tuple(preprocess.features.index(name) for name in data.coordinates),
        nodes=links.told["nodes"] if links else 0,
        links=len(links.arrays["row"]) if links else 0,
    )
