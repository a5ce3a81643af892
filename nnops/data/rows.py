"""Raw rows to predict, read from a file of any kind that a reader knows; what they must hold is checked later."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.data.reader import existing
from nnops.data.readers.csv import Csv
from nnops.data.readers.idx import read_idx
from nnops.data.readers.images import SUFFIXES, find_images, read_images
from nnops.data.readers.jsonl import Jsonl, is_json_lines
from nnops.data.readers.npz import as_images, load_npz, pick_inputs
from nnops.data.readers.parquet import Parquet
from nnops.data.readers.wav import SUFFIXES as WAV_SUFFIXES
from nnops.data.readers.wav import find_sounds
from nnops.data.text import decode_text, find_encoding, read_packed
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def read_rows(path: Path, schema: dict[str, Any], notes: list[str] | None = None) -> "pd.DataFrame | np.ndarray":
    """Read raw rows for a model.

    Args:
        path: CSV or JSON lines (also compressed), Parquet, a text a line (.txt), NPZ, IDX, one image or WAV
            file, or a folder of them (also in sub-folders).
        schema: The schema of the prepared data that the model was trained on.
        notes: Takes what was done to the rows and a person should know, each in one sentence.

    Returns:
        A frame for :meth:`Preprocess.transform`, or images (spectrograms of sounds, too) uint8
        [N, C, H, W] for :meth:`Preprocess.transform_images`.

    Raises:
        DataError: No such file, or its content is damaged or of a kind that the model cannot take.
    """
    path = existing(Path(), str(path))
    options: dict[str, Any] = schema["source"]["options"]
    suffix = path.suffix.lower()
    if suffix in WAV_SUFFIXES or (path.is_dir() and schema["kind"] == "audio"):
        return _spectrograms(path, schema, [] if notes is None else notes)
    if schema["kind"] == "audio":
        raise DataError(f"{path.name}: {_wanted(schema)}, got another kind of file.")
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
    if suffix == ".txt" and schema["kind"] == "text":
        return _lines(path, schema)
    if suffix in (".parquet", ".pq"):
        return Parquet(path=str(path)).frame(path)
    if is_json_lines(path):
        return Jsonl(path=str(path)).frame(path)
    same = {key: options[key] for key in ("encoding", "decimal") if key in options} if _is_csv(schema) else {}
    content = read_packed(path)
    if not content.isascii() and find_encoding(content) != "cp1252":
        # Text that is valid UTF-8 is UTF-8, whatever the source of the training was.
        same.pop("encoding", None)
    return Csv(path=str(path), **same).frame(path)


def row_names(path: Path, schema: dict[str, Any]) -> list[str] | None:
    """Names of the rows of a folder, in the order of :func:`read_rows`: paths of files from there; None elsewhere."""
    if not path.is_dir():
        return None
    find = find_sounds if schema["kind"] == "audio" else find_images
    return [file.relative_to(path).as_posix() for file in find(path, "**/*")]


def _spectrograms(path: Path, schema: dict[str, Any], notes: list[str]) -> "np.ndarray":
    from nnops.data.sound import Sound
    from nnops.data.waveform import Heard, note_sounds, read_spectrograms

    if schema["kind"] != "audio":
        raise DataError(f"{path.name}: {_wanted(schema)}, got a sound.")
    files = find_sounds(path, "**/*") if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: must hold WAV files, found none.")
    sound, heard = Sound.from_json(schema["sound"]), Heard()
    found = read_spectrograms(files, path if path.is_dir() else path.parent, sound, heard)
    notes += note_sounds(heard.to_json(sound))
    return found


def _lines(path: Path, schema: dict[str, Any]) -> "pd.DataFrame":
    """A text a line."""
    import pandas as pd

    lines = decode_text(read_packed(path), "auto", path.name).splitlines()
    if not lines:
        raise DataError(f"{path.name}: must hold a text in each line, but the file is empty.")
    name = next(column["name"] for column in schema["columns"] if column["kind"] == "text")
    return pd.DataFrame({name: pd.array(lines, dtype="str")})


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
        raise DataError(f"{path.name}: {_wanted(schema)}, got images.")


def _wanted(schema: dict[str, Any]) -> str:
    """What a model takes, in words."""
    if schema["kind"] in ("audio", "image"):
        return (
            "sounds (WAV files, or a folder of them) are wanted" if schema["kind"] == "audio" else "images are wanted"
        )
    names = ", ".join(column["name"] for column in schema["columns"][:6])
    return f"rows with the columns {names} are wanted (CSV, Parquet or JSON lines)"
