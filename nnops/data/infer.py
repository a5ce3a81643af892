"""A look at a file before there are params: what reads it, what its columns are, what could be learned from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nnops.batch import Task
from nnops.data import READERS
from nnops.data.kinds import Kind, judge_kinds
from nnops.data.reader import Images, Table, existing
from nnops.data.readers.csv import Csv
from nnops.data.readers.images import find_images
from nnops.data.table import check_same_columns, check_target
from nnops.data.target import Target, judge
from nnops.data.text import decode_text, find_delimiter, find_encoding, read_packed
from nnops.data.values import as_text, column
from nnops.errors import DataError
from nnops.params import Data, Named, parse

_COMMA_NUMBER = r"[-+]?\d+(,\d+)?"


@dataclass(frozen=True)
class Suggestion:
    """What a new project's params could say of its data.

    Attributes:
        data: The ``data`` section as plain values: ``source``, ``test`` where there is one, ``target``, ``task``,
            ``kinds`` of a table's columns, ``cleaning`` where the data calls for it.
        comments: What was seen, by key: ``source``, ``task``, ``kinds.NAME``.
        task: binary, multiclass or regression.
        image: Whether the inputs are images.
        rows: Rows of the source.
        classes: Labels in the order of their codes.
    """

    data: dict[str, Any]
    comments: dict[str, str]
    task: Task
    image: bool
    rows: int
    classes: tuple[str, ...]


def infer_file(
    path: Path, target: str | None = None, test: Path | None = None, kinds: Mapping[str, str] | None = None
) -> Suggestion:
    """Suggest the ``data`` section for a file or a folder of images.

    Args:
        path: CSV, Parquet, NPZ, one file of an IDX pair (the other is found), or a folder with one sub-folder of images
            for each class.
        target: The target column; a table needs it, labels of images are called ``target`` without it.
        test: A separate source of test rows.
        kinds: Kinds of columns that the user has said already.

    Raises:
        DataError: No such file, no such target, or one of the faults that the prepare stage would find.
    """
    source = find_source(path)
    read = READERS.build(source.name, source.options, "data.source").read(Path(), target or "target")
    if isinstance(read, Table) and target is None:
        names = ", ".join(map(str, read.frame.columns[:20]))
        raise DataError(f"{read.where}: say which column to predict with --target; there is {names}.")
    record: dict[str, Any] = {"source": source.model_dump(mode="json"), "target": target or "target"}
    data = parse({"data": record | {"kinds": dict(kinds or {})}}).data
    if isinstance(read, Table):
        check_target(read, data)
    if test is not None:
        other = find_source(test)
        record["test"] = other.model_dump(mode="json")
        strip = _strip(read, READERS.build(other.name, other.options, "data.test").read(Path(), data.target), data)
        if strip:
            record["cleaning"] = {"strip_target": strip}
            data = parse({"data": record | {"kinds": dict(kinds or {})}}).data
    found = judge_kinds(read.frame, data, read.where) if isinstance(read, Table) else []
    labels = read.labels if isinstance(read, Images) else column(read.frame, data.target)
    answer = judge(labels, data, read.where)
    record["task"] = answer.task
    if isinstance(read, Table):
        record["kinds"] = {kind.name: kind.kind for kind in found}
    order = ("source", "test", "target", "task", "kinds", "cleaning")
    return Suggestion(
        data={key: record[key] for key in order if key in record},
        comments=_comments(read, found, answer, data),
        task=answer.task,
        image=isinstance(read, Images),
        rows=len(labels),
        classes=answer.classes,
    )


def find_source(path: Path) -> Named:
    """The reader of a file or folder, with its options.

    Raises:
        DataError: No such file, or a folder without images of classes.
    """
    path = existing(Path(), str(path))
    if path.is_dir():
        if not find_images(path, "*/*"):
            raise DataError(
                f"{path}: a folder must have one sub-folder of images for each class, found no image in any."
            )
        return Named(name="images", options={"path": str(path)})
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return Named(name="parquet", options={"path": str(path)})
    if suffix == ".npz":
        return Named(name="npz", options={"path": str(path)})
    if "idx" in path.name and "ubyte" in path.name:
        images = path.with_name(path.name.replace("labels", "images").replace("idx1", "idx3"))
        labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1"))
        pair = {"images": str(images), "labels": str(labels)}
        return Named(name="idx", options={key: str(existing(Path(), name)) for key, name in pair.items()})
    return Named(name="csv", options={"path": str(path), **_csv_options(path)})


def _csv_options(path: Path) -> dict[str, Any]:
    """The options that detection alone would not find, or that a reader of params.yaml should see."""
    content = read_packed(path)
    options: dict[str, Any] = {}
    encoding = find_encoding(content)
    if encoding == "cp1252":
        options["encoding"] = encoding
    delimiter = find_delimiter(decode_text(content, encoding or "auto", path.name))
    if delimiter != ",":
        options["delimiter"] = delimiter
        frame = Csv.model_validate({"path": str(path), **options}).frame(path)
        if any(_has_decimal_commas(column(frame, name)) for name in frame.columns):
            options["decimal"] = ","
    return options


def _has_decimal_commas(values: pd.Series) -> bool:
    known = as_text(values, parse({}).data.cleaning.missing_markers).dropna()
    return len(known) > 0 and bool(known.str.fullmatch(_COMMA_NUMBER).all() and known.str.contains(",").any())


def _strip(read: Table | Images, test: Table | Images, data: Data) -> str:
    """What the labels of the test source end with more than the others: '.' or nothing."""
    if not isinstance(read, Table) or not isinstance(test, Table):
        return ""
    check_same_columns(read, test)
    ours, theirs = (set(as_text(column(one.frame, data.target)).dropna()) for one in (read, test))
    return "." if not theirs <= ours and {label.rstrip(".") for label in theirs} <= ours else ""


def _comments(read: Table | Images, found: list[Kind], answer: Target, data: Data) -> dict[str, str]:
    markers = data.cleaning.missing_markers
    comments: dict[str, str] = {}
    for kind in found:
        assert isinstance(read, Table)
        missing = float(as_text(column(read.frame, kind.name), markers).isna().mean())
        comments[f"kinds.{kind.name}"] = kind.reason + (f", {missing:.1%} missing" if missing else "")
    if isinstance(read, Images):
        size = " x ".join(map(str, read.pixels_NCHW.shape[1:]))
        comments["source"] = f"{len(read.labels)} images of {size} (channels x height x width)"
    else:
        comments["source"] = f"{len(read.frame)} rows, {len(read.frame.columns)} columns"
    shown = ", ".join(answer.classes[:6]) + (", ..." if len(answer.classes) > 6 else "")
    comments["task"] = f"{len(answer.classes)} classes: {shown}" if answer.classes else "a quantity"
    return comments
