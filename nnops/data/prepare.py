"""The prepare stage: a source is read, cleaned, split, fitted on its train split and written whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.catalog import Catalog
from nnops.data import READERS
from nnops.data.prepared import SPLITS, Prepared
from nnops.data.reader import Images, Reader, Table
from nnops.errors import DataError
from nnops.files import write_json
from nnops.fingerprint import hash_code, hash_files, hash_json
from nnops.params import Named, Params

if TYPE_CHECKING:
    from nnops.data.made import Made

#: The parts of nnops whose code decides the bytes of prepared data.
DATA_CODE = ("batch.py", "files.py", "seeding.py", "data")


def prepare(params: Params, out: Path, root: Path = Path()) -> Prepared:
    """Prepare the data that ``params.data`` describes; the same inputs give the same bytes.

    Args:
        params: Only ``data`` and ``seed`` are read.
        out: The folder to write; what is there is replaced, in one step at the end.
        root: The folder that relative paths in params start from.

    Raises:
        DataError: The source, a column or a row is wrong; nothing is written then.
        ParamsError: A reader refuses its options.
    """
    made = _make(params, root)
    with _written_whole(out) as part:
        _write(made, params, part)
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
            "code": hash_code(DATA_CODE),
            "versions": {name: metadata.version(name) for name in ("numpy", "pandas", "scikit-learn")},
        }
    )


def cached(params: Params, root: Path, folder: Path) -> Prepared:
    """Prepared data from a cache: made once in ``folder/<fingerprint>``, also when many processes ask at once."""
    from filelock import FileLock

    out = folder / data_fingerprint(params, root)[:16]
    # The folder appears in one step, so what is there is complete.
    if not (out / "schema.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{out.name}.lock"):
            if not (out / "schema.json").exists():
                return prepare(params, out, root)
    return Prepared.open(out)


def _readers(params: Params) -> dict[str, Reader]:
    catalog: Catalog[Reader] = READERS
    readers = {"source": catalog.build(params.data.source.name, params.data.source.options, "data.source")}
    test: Named | None = params.data.test
    if test is not None:
        readers["test"] = catalog.build(test.name, test.options, "data.test")
    return readers


def _make(params: Params, root: Path) -> "Made":
    from nnops.data.image import make_images
    from nnops.data.table import make_table

    given = {key: reader.read(root, params.data.target) for key, reader in _readers(params).items()}
    source, test = given["source"], given.get("test")
    if isinstance(source, Images) and not isinstance(test, Table):
        return make_images(params, source, test)
    if isinstance(source, Table) and not isinstance(test, Images):
        return make_table(params, source, test)
    kinds = " and ".join("a table" if isinstance(one, Table) else "images" for one in (source, test))
    raise DataError(f"params.yaml: data.source and data.test must both be tables or both images, got {kinds}.")


def _write(made: "Made", params: Params, folder: Path) -> None:
    import numpy as np

    from nnops.data.chart import draw
    from nnops.figure import save_png

    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        for name, array in made.arrays[split].items():
            np.save(folder / split / f"{name}.npy", array, allow_pickle=False)
    write_json(folder / "preprocess.json", made.preprocess.to_json())
    content = hash_files([*folder.glob("*/*.npy"), folder / "preprocess.json"], folder)
    write_json(folder / "schema.json", _schema(made, params, content))
    write_json(folder / "report.json", made.report)
    save_png(draw(made), folder / "report.png")


def _schema(made: "Made", params: Params, content: str) -> dict[str, Any]:
    target, pixels = made.preprocess.target, made.preprocess.pixels
    schema: dict[str, Any] = {
        "kind": "image" if pixels else "table",
        "task": target.task,
        "target": target.name,
        "classes": list(target.classes),
        "spec": made.spec.to_json(),
        "rows": {split: len(made.arrays[split]["target"]) for split in SPLITS},
        "hash": content,
        "target_mean": target.mean,
        "target_std": target.std,
        "columns": made.columns,
        "features": made.features,
        "source": params.data.source.model_dump(mode="json"),
    }
    if pixels:
        schema |= {"image_mean": list(pixels.mean), "image_std": list(pixels.std)}
    return schema


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
