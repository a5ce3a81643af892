"""Raw rows to predict, read from a file of any kind that a reader knows; what they must hold is checked later."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.data.reader import existing
from nnops.data.readers.csv import Csv
from nnops.data.readers.idx import read_idx
from nnops.data.readers.images import SUFFIXES, find_images, read_images
from nnops.data.readers.npz import as_images, load_npz, pick_inputs
from nnops.data.readers.parquet import Parquet
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def read_rows(path: Path, schema: dict[str, Any]) -> "pd.DataFrame | np.ndarray":
    """Read raw rows for a model.

    Args:
        path: CSV (also compressed), Parquet, NPZ, IDX, one image, or a folder of images (also in sub-folders).
        schema: The schema of the prepared data that the model was trained on.

    Returns:
        A frame for :meth:`Preprocess.transform`, or images uint8 [N, C, H, W] for
        :meth:`Preprocess.transform_images`.

    Raises:
        DataError: No such file, or its content is damaged or of a kind that the model cannot take.
    """
    path = existing(Path(), str(path))
    options: dict[str, Any] = schema["source"]["options"]
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in SUFFIXES:
        _check_images_fit(path, schema)
        files = find_images(path, "**/*") if path.is_dir() else [path]
        if not files:
            raise DataError(f"{path}: must hold images, found none.")
        size = options.get("size")
        mode = "grey" if schema["spec"]["shapes"][0][0] == 1 else "color"
        return read_images(files, tuple(size) if size else None, mode, path if path.is_dir() else path.parent)
    if suffix == ".npz":
        return _npz_rows(path, schema)
    if ("idx" in path.name and suffix in (".gz", "", ".idx")) or path.name.endswith("-ubyte"):
        _check_images_fit(path, schema)
        return as_images(read_idx(path), "channels_first", path.name)
    if suffix in (".parquet", ".pq"):
        return Parquet(path=str(path)).frame(path)
    same = {key: options[key] for key in ("encoding", "decimal") if key in options} if _is_csv(schema) else {}
    return Csv(path=str(path), **same).frame(path)


def _npz_rows(path: Path, schema: dict[str, Any]) -> "pd.DataFrame | np.ndarray":
    import pandas as pd

    inputs = pick_inputs(load_npz(path), path.name)
    if inputs.ndim == 2 and schema["kind"] == "table":
        names = [column["name"] for column in schema["columns"]]
        if inputs.shape[1] != len(names):
            raise DataError(f"{path.name}: rows must have {len(names)} numbers, got {inputs.shape[1]}.")
        return pd.DataFrame(inputs, columns=names)
    _check_images_fit(path, schema)
    return inputs if inputs.ndim == 2 else as_images(inputs, "auto", path.name)


def _is_csv(schema: dict[str, Any]) -> bool:
    return schema["source"]["name"] == "csv"


def _check_images_fit(path: Path, schema: dict[str, Any]) -> None:
    if schema["kind"] != "image":
        names = ", ".join(column["name"] for column in schema["columns"][:6])
        raise DataError(f"{path.name}: rows with the columns {names} are wanted (CSV or Parquet), got images.")
