"""A look at a file before there are params: what reads it, what its columns are, what could be learned from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nnops.data import READERS
from nnops.data.kinds import judge_kinds
from nnops.data.reader import Images, Table, existing
from nnops.data.readers.csv import Csv
from nnops.data.readers.images import find_images
from nnops.data.table import check_target
from nnops.data.target import Target, judge
from nnops.data.text import decode_text, find_delimiter, find_encoding, read_packed
from nnops.data.values import as_text, column
from nnops.errors import DataError
from nnops.params import Data, Named, parse

_COMMA_NUMBER = r"[-+]?\d+(,\d+)?"


def infer_file(path: Path, target: str | None = None, kinds: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Suggest the ``data`` section for a file or a folder of images.

    Args:
        path: CSV, Parquet, NPZ, the images file of an IDX pair, or a folder with a sub-folder for each class.
        target: The target column; tables need it, labels of images are called ``target`` without it.
        kinds: Kinds that the user has said already.

    Returns:
        Plain values: ``source`` and ``test`` (name and options, paths made from ``path``; ``test`` is None unless a
        file beside it looks like the test part), ``target``, ``task``, ``classes``, ``rows``, ``kinds`` by column,
        ``comments`` by column (what was seen), ``cleaning`` (options that the data calls for).

    Raises:
        DataError: No such file, no such target, or one of the faults that the prepare stage would find.
    """
    path = existing(Path(), str(path))
    source = _source(path)
    reader = READERS.build(source.name, source.options, "data.source")
    read = reader.read(Path(), target or "target")
    if isinstance(read, Table) and target is None:
        names = ", ".join(map(str, read.frame.columns[:20]))
        raise DataError(f"{read.where}: say which column to predict with --target; there is {names}.")
    record = {"source": source.model_dump(), "target": target or "target", "kinds": dict(kinds or {})}
    data = parse({"data": record}).data
    test, strip = _test_part(path, source, read, data)
    data = data.model_copy(update={"cleaning": data.cleaning.model_copy(update={"strip_target": strip})})
    suggestion: dict[str, Any] = {
        "source": source.model_dump(mode="json"),
        "test": test.model_dump(mode="json") if test else None,
        "target": data.target,
        "cleaning": {"strip_target": strip} if strip else {},
    }
    if isinstance(read, Images):
        return suggestion | _answer(judge(read.labels, data, read.where), read.labels) | {"kinds": {}, "comments": {}}
    check_target(read, data)
    found = judge_kinds(read.frame, data, read.where)
    markers = data.cleaning.missing_markers
    missing = {kind.name: as_text(column(read.frame, kind.name), markers).isna().mean() for kind in found}
    labels = column(read.frame, data.target)
    return (
        suggestion
        | _answer(judge(labels, data, read.where), labels)
        | {
            "kinds": {kind.name: kind.kind for kind in found},
            "comments": {
                kind.name: kind.reason + (f", {missing[kind.name]:.1%} missing" if missing[kind.name] else "")
                for kind in found
            },
        }
    )


def _answer(target: Target, labels: pd.Series) -> dict[str, Any]:
    return {"task": target.task, "classes": list(target.classes), "rows": len(labels)}


def _source(path: Path) -> Named:
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
        labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1"))
        images = path.with_name(path.name.replace("labels", "images").replace("idx1", "idx3"))
        existing(images.parent, images.name)
        existing(labels.parent, labels.name)
        return Named(name="idx", options={"images": str(images), "labels": str(labels)})
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


def _test_part(path: Path, source: Named, read: Table | Images, data: Data) -> tuple[Named | None, str]:
    """A test source beside ``path`` by the usual names, and what its labels end with more than the others."""
    swaps = (("train", "test"), ("train", "t10k"), (".data", ".test"))
    for old, new in swaps:
        beside = path.with_name(path.name.replace(old, new))
        if old not in path.name or beside == path or not beside.exists():
            continue
        options = {key: _renamed(value, old, new) for key, value in source.options.items()}
        test = READERS.build(source.name, options, "data.test").read(Path(), data.target)
        if isinstance(read, Images) and isinstance(test, Images):
            if read.pixels_NCHW.shape[1:] == test.pixels_NCHW.shape[1:]:
                return Named(name=source.name, options=options), ""
            continue
        if isinstance(read, Images) or isinstance(test, Images):
            continue
        if list(read.frame.columns) == list(test.frame.columns) and data.target in test.frame.columns:
            return Named(name=source.name, options=options), _strip(read, test, data.target)
    return None, ""


def _renamed(value: Any, old: str, new: str) -> Any:
    if not isinstance(value, str) or old not in Path(value).name:
        return value
    return str(Path(value).with_name(Path(value).name.replace(old, new)))


def _strip(read: Table, test: Table, target: str) -> str:
    ours, theirs = (set(as_text(column(one.frame, target)).dropna()) for one in (read, test))
    if not theirs <= ours and {label.rstrip(".") for label in theirs} <= ours:
        return "."
    return ""
