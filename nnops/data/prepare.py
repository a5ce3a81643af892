"""The prepare stage: a source is read, cleaned, split, fitted on its train split and written whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.batch import TOKENS
from nnops.catalog import Catalog
from nnops.data import READERS
from nnops.data.origin import describe_files
from nnops.data.prepared import GRAPH, SPLITS, Prepared
from nnops.data.reader import Images, Masks, Reader, Sounds, Table
from nnops.errors import DataError, ParamsError
from nnops.files import write_bytes, write_json
from nnops.fingerprint import DATA_CODE, hash_code, hash_file, hash_files, hash_json
from nnops.free import free_memory
from nnops.params import Data, Named, Params

if TYPE_CHECKING:
    from nnops.data.made import Made

#: Tasks whose texts keep their target in other words.
REWRITTEN = ("binary", "multiclass", "multilabel", "regression")
#: A table that would take more of the free memory than this is read one column at a time.
SHARE = 0.5


def prepare(params: Params, out: Path, root: Path = Path(), *, pictures: bool = True) -> Prepared:
    """Prepare the data that ``params.data`` describes; the same inputs give the same bytes.

    Args:
        params: Only ``data`` and ``seed`` are read.
        out: The folder to write; what is there is replaced, in one step at the end.
        root: The folder that relative paths in params start from.
        pictures: Whether the report is drawn as well; a sweep looks at none.

    Raises:
        DataError: The source, a column or a row is wrong; nothing is written then.
        ParamsError: A reader refuses its options.
    """
    with _written_whole(out) as part:
        made = _make(params, root, part)
        if params.data.text.rewrite and (made.preprocess.text is None or made.spec.task not in REWRITTEN):
            raise ParamsError(
                "params.yaml: data.text.rewrite needs a column of texts with one target each, and the data have none;"
                " leave it out."
            )
        _write(made, params, part, root)
        if pictures:
            _draw(made, part)
    return Prepared.open(out)


def data_fingerprint(params: Params, root: Path = Path()) -> str:
    """The hash of all that decides the prepared bytes: params.data, seed, source files, code, library versions.

    Raises:
        DataError: A source file is missing.
    """
    from importlib import metadata

    sources: dict[str, Any] = {}
    for key, reader in _readers(params).items():
        files = {path.resolve() for path in reader.files(root)}
        base = Path(os.path.commonpath([path.parent for path in files])) if files else root
        sources[key] = hash_files(files, base)
    return hash_json(
        {
            "data": params.record("data"),
            "seed": params.seed,
            "sources": sources,
            "own": {name: hash_file(root / path) for name, path in own_files(params.data).items()},
            "code": hash_code(DATA_CODE),
            "versions": {name: metadata.version(name) for name in ("numpy", "pandas", "scikit-learn", "scipy")},
        }
    )


def source_files(params: Params, root: Path) -> dict[str, Path]:
    """All files and folders of the project that decide the prepared bytes, by name: sources and :func:`own_files`.

    Raises:
        DataError: A file is missing.
    """
    found = own_files(params.data)
    for key, reader in _readers(params).items():
        if key != "edges":
            found |= {f"{key}.{name}": root / path for name, path in reader.places().items()}
    return found


def own_files(data: Data) -> dict[str, Path]:
    """Files of the project beside the sources that decide the prepared bytes, by name, from its folder.

    Raises:
        DataError: A file is missing.
    """
    from nnops.data.graph import edge_files
    from nnops.data.rewrite import rewrite_files
    from nnops.data.tokenizer import pretrained_file

    return rewrite_files(data.text.rewrite) | pretrained_file(data.text) | edge_files(data.edges)


def cached(params: Params, root: Path, folder: Path) -> Prepared:
    """Prepared data from a cache: made once in ``folder/<fingerprint>``, also when many processes ask at once."""
    from filelock import FileLock

    out = folder / data_fingerprint(params, root)[:16]
    # The folder appears in one step, so what is there is complete.
    if not (out / "schema.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{out.name}.lock"):
            if not (out / "schema.json").exists():
                return prepare(params, out, root, pictures=False)
    return Prepared.open(out)


def _readers(params: Params) -> dict[str, Reader]:
    from nnops.data.graph import edge_reader

    catalog: Catalog[Reader] = READERS
    readers = {"source": catalog.build(params.data.source.name, params.data.source.options, "data.source")}
    test: Named | None = params.data.test
    if test is not None:
        readers["test"] = catalog.build(test.name, test.options, "data.test")
    if params.data.edges is not None:
        readers["edges"] = edge_reader(params.data.edges)
    return readers


def _make(params: Params, root: Path, folder: Path) -> "Made":
    from nnops.data.audio import make_sounds
    from nnops.data.coordinates import refuse_coordinates
    from nnops.data.corpus import make_corpus
    from nnops.data.graph import read_edges
    from nnops.data.groups import refuse_groups
    from nnops.data.image import make_images
    from nnops.data.mask import make_masks
    from nnops.data.pairs import make_pairs
    from nnops.data.series import make_series
    from nnops.data.table import make_table

    readers = _readers(params)
    if wants_columns(params.data, readers, root) and (made := _make_by_column(params, readers, root, folder)):
        return made
    given = {key: reader.read(root, params.data.answer) for key, reader in readers.items() if key != "edges"}
    source, test = given["source"], given.get("test")
    if not isinstance(params.data.target, str) and any(not isinstance(one, Table) for one in given.values()):
        raise DataError(
            f"params.yaml: data.target: several columns are of a table, but {source.where} holds {_what(source)};"
            " write one name."
        )
    for refuse in (refuse_groups, refuse_coordinates):
        if params.data.series is not None or params.data.task in TOKENS:
            refuse(params.data, "a series" if params.data.series else f"the task {params.data.task}")
        elif not isinstance(source, Table):
            refuse(params.data, _what(source))
    if params.data.edges is not None and (params.data.task in TOKENS or not isinstance(source, Table)):
        has = f"are told token by token ({params.data.task})" if isinstance(source, Table) else f"are {_what(source)}"
        raise ParamsError(
            f"params.yaml: data.edges joins the rows of a table, but the rows of {source.where} {has}; leave it out."
        )
    if params.data.task in TOKENS:
        if not isinstance(source, Table) or not isinstance(test, Table | None):
            wrong = source if not isinstance(source, Table) or test is None else test
            raise DataError(
                f"{wrong.where}: the task {params.data.task} needs texts (.txt files or a table), got {_what(wrong)}."
            )
        return (make_corpus if params.data.task == "language_model" else make_pairs)(params, source, test)
    if params.data.series is not None:
        if not isinstance(source, Table):
            raise DataError(
                f"{source.where}: a series is a table with a time column (CSV or Parquet), got {_what(source)}."
            )
        return make_series(params, source, params.data.series)
    if (params.data.task == "segmentation") > isinstance(source, Masks):
        raise DataError(f"{source.where}: a segmentation needs images with masks (reader masks), got {_what(source)}.")
    if isinstance(source, Masks) and isinstance(test, Masks | None):
        return make_masks(params, source, test)
    if isinstance(source, Images) and isinstance(test, Images | None):
        return make_images(params, source, test)
    if isinstance(source, Sounds) and isinstance(test, Sounds | None):
        return make_sounds(params, source, test)
    if isinstance(source, Table) and isinstance(test, Table | None):
        return make_table(params, source, test, read_edges(params.data.edges, root) if params.data.edges else None)
    kinds = " and ".join(_what(one) for one in (source, test) if one is not None)
    raise DataError(
        "params.yaml: data.source and data.test must both be tables, both images (with masks or without) or both"
        f" sounds, got {kinds}."
    )


def _make_by_column(params: Params, readers: Mapping[str, Reader], root: Path, folder: Path) -> "Made | None":
    from nnops.data.table_by_column import make_by_column

    scratch = folder / "scratch"
    try:
        found = {key: reader.by_column(root, scratch / f"cells {key}") for key, reader in readers.items()}
        source = found["source"]
        assert source is not None
        return make_by_column(params, source, found.get("test"), folder, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def wants_columns(data: Data, readers: Mapping[str, Reader], root: Path) -> bool:
    """Whether a table is read one column at a time.

    Raises:
        ParamsError: Params say so of a source that can only be read whole.
        DataError: A file is missing or damaged.
    """
    if data.by_column == "never":
        return False
    whole = next((name for name, reader in readers.items() if type(reader).by_column is Reader.by_column), None)
    what = None
    if data.edges is not None:
        what = "a graph"
    elif data.series is not None:
        what = "a series"
    elif data.task in TOKENS or data.text.rewrite is not None:
        what = "a text"
    elif whole is not None:
        named = data.source if whole == "source" else data.test
        what = f"the reader {named.name}" if named else None
    if data.by_column == "always":
        if what:
            raise ParamsError(
                f"params.yaml: data.by_column: {what} is read whole; a table in CSV, JSON lines or Parquet is read by"
                " column: write auto."
            )
        return True
    return not what and sum(reader.measure_bytes(root) for reader in readers.values()) > SHARE * free_memory()


def _what(read: Table | Images | Masks | Sounds) -> str:
    return {Table: "a table", Images: "images", Masks: "images with masks", Sounds: "sounds"}[type(read)]


def _write(made: "Made", params: Params, folder: Path, root: Path) -> None:
    import numpy as np

    for split in SPLITS:
        (folder / split).mkdir(parents=True, exist_ok=True)
        for name, array in made.arrays[split].items():
            if isinstance(array, np.memmap):
                # It lies there already.
                continue
            np.save(folder / split / f"{name}.npy", array, allow_pickle=False)
    for name, array in made.graph.items():
        (folder / GRAPH).mkdir(exist_ok=True)
        np.save(folder / GRAPH / f"{name}.npy", array, allow_pickle=False)
    write_json(folder / "preprocess.json", made.preprocess.to_json())
    content = hash_files([*folder.glob("*/*.npy"), folder / "preprocess.json"], folder)
    write_json(folder / "schema.json", _schema(made, params, content, root))
    write_json(folder / "report.json", made.report)


def _draw(made: "Made", folder: Path) -> None:
    from nnops.data.chart import draw
    from nnops.data.page.build import build_page
    from nnops.figure import save_png

    save_png(draw(made), folder / "report.png")
    write_bytes(folder / "report.html", build_page(made).encode())


def _schema(made: "Made", params: Params, content: str, root: Path) -> dict[str, Any]:
    target, pixels = made.preprocess.target, made.preprocess.pixels
    schema: dict[str, Any] = {
        "kind": _kind(made),
        "task": target.task,
        "target": target.name,
        "classes": list(target.classes),
        "spec": made.spec.to_json(),
        "rows": made.rows or {split: len(made.arrays[split]["target"]) for split in SPLITS},
        "hash": content,
        "target_mean": target.mean,
        "target_std": target.std,
        "columns": made.columns,
        "features": made.features,
        "source": params.data.source.model_dump(mode="json"),
    }
    read = [path for reader in _readers(params).values() for path in reader.files(root)]
    files = describe_files([*read, *(root / path for path in own_files(params.data).values())], root)
    if files:
        schema["files"] = files
    if pixels:
        schema |= {"image_mean": list(pixels.mean), "image_std": list(pixels.std)}
    return schema | made.extra


def _kind(made: "Made") -> str:
    fitted = made.preprocess
    if "sound" in made.extra:
        return "audio"
    return "image" if fitted.pixels else "series" if fitted.steps else "text" if fitted.text else "table"


@contextmanager
def _written_whole(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that takes its place when the body ends well, and is gone when it does not."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for left in out.parent.glob(f".{out.name}.*.part"):
        # Left by a process that was killed while it wrote.
        if not _alive(int(left.name.split(".")[-2])):
            shutil.rmtree(left)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        yield part
        if out.exists():
            before = out.with_name(f".{out.name}.before.{os.getpid()}.part")
            out.rename(before)
            part.rename(out)
            shutil.rmtree(before)
        else:
            part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
