"""Rows told apart by 64 bits each, for tables of which one column at a time is in memory.

Two different rows have the same key with a chance of 2^-64; of a million tables of ten million rows three hold such a
pair.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.util import hash_array

from nnops.data.by_column import ByColumn
from nnops.data.kinds import Kind
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.twins import CHANCE, Twins, chance_of_number, chance_of_word, in_spreads, match_keys
from nnops.data.values import as_text, column

#: Odd, so that no bit of a key is lost (Knuth 1998, volume 3, section 6.4); of the golden ratio.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MISSING = np.uint64(0x94D049BB133111EB)


def add_column(key_N: np.ndarray, values: pd.Series) -> None:
    """Take a column into the keys, in place; missing values are alike."""
    key_N *= GOLDEN
    key_N ^= key_N >> np.uint64(29)
    key_N += _hashes(values)


def _hashes(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_float_dtype(values):
        numbers = values.to_numpy(np.float64)
        # Minus zero is zero.
        return np.where(np.isnan(numbers), MISSING, hash_array(numbers + 0.0))  # pyright: ignore[reportCallIssue]
    codes, different = pd.factorize(values)
    texts = np.asarray([str(word) for word in different], object)
    words = hash_array(texts)  # pyright: ignore[reportCallIssue]
    return np.where(codes < 0, MISSING, words[codes]) if len(words) else np.full(len(codes), MISSING)


def find_twins(
    parts: Mapping[SplitName, ByColumn], kinds: list[Kind], markers: tuple[str, ...]
) -> dict[SplitName, Twins]:
    """Rows of val and test that train holds as well, to the bit, as :func:`nnops.data.twins.find_twins` finds them.

    Args:
        parts: Typed rows of each split.
        kinds: Columns that a model sees.
        markers: Texts that mean missing.
    """
    rows = len(parts["train"])
    keys = {name: np.zeros(len(part), np.uint64) for name, part in parts.items()}
    for kind in kinds:
        for name, part in parts.items():
            add_column(keys[name], _read(part, kind, markers))
    found: dict[SplitName, Twins] = {}
    for name, part in parts.items():
        if name == "train" or not len(part):
            continue
        places, twins = match_keys(np.concatenate([keys["train"], keys[name]]), rows)
        expected = np.full(len(places), np.log(rows))
        for kind in kinds if len(places) else ():
            both = pd.concat([_read(parts["train"], kind, markers), _read(part, kind, markers)])
            if kind.kind == "numeric":
                expected += chance_of_number(in_spreads(both.to_numpy(np.float64), rows), rows, places)
            else:
                expected += chance_of_word(pd.factorize(both)[0], rows, places)
        rare = expected < np.log(CHANCE)
        found[name] = Twins(places[rare], twins[rare], 0)
    return found


def _read(part: ByColumn, kind: Kind, markers: tuple[str, ...]) -> pd.Series:
    values = column(part, kind.name)
    return values if kind.kind == "numeric" else as_text(values, markers)


def count_duplicates(arrays: Mapping[SplitName, Mapping[str, np.ndarray]], at_once: int) -> dict[str, int]:
    """As :func:`nnops.data.profile.count_duplicates`, ``at_once`` numbers of the arrays at a time."""
    keys = {name: _keys(arrays[name], at_once) for name in SPLITS}
    train = np.unique(keys["train"])
    counts = {"train": len(keys["train"]) - len(train)}
    return counts | {f"{name}_in_train": int(np.isin(keys[name], train).sum()) for name in ("val", "test")}


def _keys(arrays: Mapping[str, np.ndarray], at_once: int) -> np.ndarray:
    rows = len(arrays["target"])
    step = max(1, at_once // sum(int(np.prod(array.shape[1:])) for array in arrays.values()))
    key_N = np.empty(rows, np.int64)
    for start in range(0, rows, step):
        # Read, not mapped: what a map has shown counts as memory of the process.
        parts = [_rows_of(array, start, min(step, rows - start)) for array in arrays.values()]
        for place, row in enumerate(zip(*parts, strict=True), start):
            key_N[place] = hash(b"".join(row))
    return key_N


def _rows_of(array: np.ndarray, start: int, count: int) -> list[bytes]:
    row_bytes = array.strides[0]
    if isinstance(array, np.memmap):
        assert array.filename is not None
        whole = np.fromfile(array.filename, np.uint8, count * row_bytes, offset=array.offset + start * row_bytes)
    else:
        whole = np.ascontiguousarray(array[start : start + count])
    content = whole.tobytes()
    return [content[place : place + row_bytes] for place in range(0, count * row_bytes, row_bytes)]
