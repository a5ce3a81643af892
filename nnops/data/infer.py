"""A look at a file before there are params: what reads it, what its columns are, what could be learned from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.data import READERS
from nnops.data.coordinates import find_coordinates
from nnops.data.groups import TASKS, check_groups, make_groups, refuse_groups
from nnops.data.infer_edges import infer_edges
from nnops.data.infer_sounds import infer_sounds
from nnops.data.kinds import Kind, before_params, judge_kinds
from nnops.data.labels import join_targets
from nnops.data.reader import Images, Masks, Sounds, Table, existing
from nnops.data.readers.csv import Csv
from nnops.data.readers.images import find_images
from nnops.data.readers.jsonl import is_json_lines
from nnops.data.readers.wav import find_sounds
from nnops.data.table import check_same_columns, check_target
from nnops.data.target import Target, find_separator, judge
from nnops.data.text import decode_text, find_delimiter, find_encoding, read_packed
from nnops.data.values import as_number, as_text, column
from nnops.errors import DataError
from nnops.params import Data, Named, parse

#: What folders of images and of masks are called, beside each other.
IMAGES, MASKS = ("images", "image", "imgs"), ("masks", "mask", "labels", "annotations")
#: Why a column is ignored that the user names.
DROPPED = "dropped, as asked"

_COMMA_NUMBER = r"[-+]?\d+(,\d+)?"


@dataclass(frozen=True)
class Suggestion:
    """What a new project's params could say of its data.

    Attributes:
        data: The ``data`` section as plain values: ``source``, ``test`` where there is one, ``target``, ``task``,
            ``groups`` and ``kinds`` of a table's columns, ``audio`` of sounds, ``cleaning`` where it calls for it.
        comments: What was seen, by key: ``source``, ``task``, ``kinds.NAME``.
        task: What is predicted.
        image: Whether the inputs are images, spectrograms of sounds among them.
        rows: Rows of the source.
        classes: Labels in the order of their codes.
        lonely: A class of one row, which no stratified split can deal, or None.
    """

    data: dict[str, Any]
    comments: dict[str, str]
    task: Task
    image: bool
    rows: int
    classes: tuple[str, ...]
    lonely: str | None = None


def infer_file(
    path: Path,
    target: str | None = None,
    test: Path | None = None,
    drop: Sequence[str] = (),
    groups: Sequence[str] = (),
    edges: Path | None = None,
) -> Suggestion:
    """Suggest the ``data`` section for a file or a folder of images or sounds.

    Args:
        path: CSV, Parquet, JSON lines, NPZ, one file of an IDX pair (the other is found), or a folder with one
            sub-folder of images or of WAV files for each class, or with the sub-folders ``images`` and ``masks``.
        target: The target column; a table needs it, labels of images and sounds are called ``target`` without it.
        test: A separate source of test rows.
        drop: Columns that are not to be learned from.
        groups: Columns whose groups are compared.
        edges: A table of edges between the rows.

    Raises:
        ParamsError: A column of groups does not exist or does not tell groups apart.
        DataError: No such file, no such target, or one of the faults that the prepare stage would find.
    """
    source = find_source(path)
    read = READERS.build(source.name, source.options, "data.source").read(Path(), target or "target")
    if not isinstance(read, Table):
        refuse_groups(
            parse({"data": {"groups": list(groups)}}).data, "sounds" if isinstance(read, Sounds) else "images"
        )
    if isinstance(read, Masks):
        return _masks(source, read, test)
    if isinstance(read, Table) and target is None:
        names = ", ".join(map(str, read.frame.columns[:20]))
        raise DataError(f"{read.where}: say which column to predict with --target; there is {names}.")
    if not isinstance(read, Table) and drop:
        what = "images" if isinstance(read, Images) else "sounds"
        raise DataError(f"{read.where}: {what} have no columns that could be dropped; leave out --drop.")
    if edges is not None and not isinstance(read, Table):
        raise DataError(f"{read.where}: --edges join the rows of a table; leave it out.")
    if isinstance(read, Table):
        for name in drop:
            if name not in (columns := [str(name) for name in read.frame.columns]):
                raise DataError(f"{read.where}: --drop: {unknown('column', name, columns)}")
            if name == target:
                raise DataError(f"{read.where}: --drop: '{name}' is the target; leave it out of one of the two.")
    kinds = dict.fromkeys(drop, "ignore")
    named: str | list[str] = target or "target"
    if isinstance(read, Table) and "," in named and named not in map(str, read.frame.columns):
        named = [name.strip() for name in named.split(",")]
    record: dict[str, Any] = {"source": source.model_dump(mode="json"), "target": named}
    data = parse({"data": record | {"kinds": kinds}}).data
    if isinstance(read, Table):
        read = join_targets(read, data)
        check_target(read, data)
    if edges is not None and isinstance(read, Table):
        record["edges"] = infer_edges(find_source(edges), read, data)
        data = parse({"data": record | {"kinds": kinds}}).data
    if test is not None:
        other = find_source(test)
        record["test"] = other.model_dump(mode="json")
        strip = _strip(read, READERS.build(other.name, other.options, "data.test").read(Path(), data.answer), data)
        if strip:
            record["cleaning"] = {"strip_target": strip}
            data = parse({"data": record | {"kinds": kinds}}).data
    with before_params():
        found = judge_kinds(read.frame, data, read.where) if isinstance(read, Table) else []
    labels = column(read.frame, data.answer) if isinstance(read, Table) else read.labels
    separator = find_separator(labels) if isinstance(named, str) and as_number(labels)[1].any() else None
    if separator is not None:
        record |= {"task": "multilabel", "separator": separator}
        data = parse({"data": record | {"kinds": kinds}}).data
    answer = judge(labels, data, read.where)
    record["task"] = answer.task
    comments = _comments(read, found, answer, data)
    if isinstance(read, Table) and groups:
        record["groups"] = list(groups)
        comments["groups"] = _compared(read, found, answer, parse({"data": record | {"kinds": kinds}}).data)
    if isinstance(read, Table):
        record["kinds"] = {kind.name: kind.kind for kind in found}
        if (places := find_coordinates(found)) and "text" not in record["kinds"].values():
            record["coordinates"] = places
            comments["coordinates"] = "where a row is; the model tabular looks at them together"
    if isinstance(read, Sounds):
        record["audio"], comments["source"] = infer_sounds(read)
        comments["audio"] = "a log-mel spectrogram of each; all are brought to this rate and length"
    order = (
        "source",
        "test",
        "target",
        "task",
        "separator",
        "audio",
        "edges",
        "groups",
        "coordinates",
        "kinds",
        "cleaning",
    )
    return Suggestion(
        data={key: record[key] for key in order if key in record},
        comments=comments,
        task=answer.task,
        image=not isinstance(read, Table),
        rows=len(labels),
        classes=answer.classes,
        lonely=_lonely(answer, labels, read.where),
    )


def _compared(read: Table, found: list[Kind], answer: Target, data: Data) -> str:
    """The groups that are compared, in words."""
    check_groups(data, [str(name) for name in read.frame.columns], read.where)
    if answer.task not in TASKS:
        refuse_groups(data, f"a {answer.task} target")
    groupings, _ = make_groups({"train": (read.frame, read.where)}, found, data, read.where)
    return "compared in the evaluation: " + ", ".join(f"{len(each.groups)} of {each.name}" for each in groupings)


def _masks(source: Named, read: Masks, test: Path | None) -> Suggestion:
    """Suggest the ``data`` section for images with masks."""
    record: dict[str, Any] = {"source": source.model_dump(mode="json", exclude_defaults=True)}
    if test is not None:
        record["test"] = find_source(test).model_dump(mode="json", exclude_defaults=True)
    size = " x ".join(map(str, read.pixels_NCHW.shape[1:]))
    classes = tuple(read.classes.values())
    shown = ", ".join(classes[:6]) + (", ..." if len(classes) > 6 else "")
    return Suggestion(
        data=record | {"task": "segmentation"},
        comments={
            "source": f"{len(read.names)} images of {size} (channels x height x width) with masks",
            "task": f"{len(classes)} classes, values of the masks: {shown}; classes: [NAME, ...] names them",
        },
        task="segmentation",
        image=True,
        rows=len(read.names),
        classes=classes,
    )


def _find_masks(path: Path) -> Named | None:
    """A folder that holds one of images and one of masks, by their names."""
    folders = {entry.name.lower(): entry for entry in path.iterdir() if entry.is_dir()}
    images, masks = (next((folders[name] for name in names if name in folders), None) for names in (IMAGES, MASKS))
    if images is None or masks is None:
        return None
    return Named(name="masks", options={"images": str(images), "masks": str(masks)})


def _lonely(answer: Target, labels: pd.Series, where: str) -> str | None:
    if answer.task not in ("binary", "multiclass"):
        return None
    counts = answer.labels(labels, where).value_counts()
    return str(counts.idxmin()) if int(counts.min()) < 2 else None


def find_source(path: Path) -> Named:
    """The reader of a file or folder, with its options.

    Raises:
        DataError: No such file, or a folder without images or sounds of classes.
    """
    path = existing(Path(), str(path))
    if path.is_dir():
        if (pair := _find_masks(path)) is not None:
            return pair
        if find_sounds(path, "*/*") and not find_images(path, "*/*"):
            return Named(name="wav", options={"path": str(path)})
        if not find_images(path, "*/*"):
            raise DataError(
                f"{path}: a folder must have one sub-folder of images or WAV files for each class, found none in any."
            )
        return Named(name="images", options={"path": str(path)})
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return Named(name="parquet", options={"path": str(path)})
    if suffix == ".npz":
        return Named(name="npz", options={"path": str(path)})
    if is_json_lines(path):
        return Named(name="jsonl", options={"path": str(path)})
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


def _strip(read: Table | Images | Sounds, test: Table | Images | Masks | Sounds, data: Data) -> str:
    """What the labels of the test source end with more than the others: '.' or nothing."""
    if not isinstance(read, Table) or not isinstance(test, Table):
        return ""
    test = join_targets(test, data)
    check_same_columns(read, test)
    ours, theirs = (set(as_text(column(one.frame, data.answer)).dropna()) for one in (read, test))
    return "." if not theirs <= ours and {label.rstrip(".") for label in theirs} <= ours else ""


def _comments(read: Table | Images | Sounds, found: list[Kind], answer: Target, data: Data) -> dict[str, str]:
    markers = data.cleaning.missing_markers
    comments: dict[str, str] = {}
    for kind in found:
        assert isinstance(read, Table)
        missing = float(as_text(column(read.frame, kind.name), markers).isna().mean())
        reason = DROPPED if kind.name in data.kinds else kind.reason
        comments[f"kinds.{kind.name}"] = reason + (f", {missing:.1%} missing" if missing else "")
    if isinstance(read, Images):
        size = " x ".join(map(str, read.pixels_NCHW.shape[1:]))
        comments["source"] = f"{len(read.labels)} images of {size} (channels x height x width)"
    elif isinstance(read, Table):
        comments["source"] = f"{len(read.frame)} rows, {len(read.frame.columns)} columns"
    shown = ", ".join(answer.classes[:6]) + (", ..." if len(answer.classes) > 6 else "")
    comments["task"] = f"{len(answer.classes)} classes: {shown}" if answer.classes else "a quantity"
    if answer.task == "multilabel":
        comments["task"] = f"{len(answer.classes)} labels, a row may have several: {shown}"
        comments["separator"] = "stands between the labels of a row"
    if answer.task == "binary":
        comments["task"] += "; '{1}' is the positive one, or write positive: {0}".format(*answer.classes)
    return comments
