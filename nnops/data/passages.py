"""A text column on its way to tokens: rows without a word, what a vocabulary misses, and what the report says of it."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd

from nnops.data.kinds import Kind
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.profile import BINS, TOP
from nnops.data.tokenizer import Tokenizer, as_passages, fit_tokenizer
from nnops.data.values import column, place
from nnops.errors import DataError
from nnops.params import Data

#: Shares from which a note is written: texts that are cut, words that the vocabulary lacks.
MANY_CUT, MANY_UNKNOWN = 0.01, 0.1


def text_column(kinds: list[Kind]) -> str | None:
    """The column that is learned from as a text, or None for a table of other columns."""
    return next((kind.name for kind in kinds if kind.kind == "text"), None)


def with_words(frame: pd.DataFrame, name: str, data: Data, where: str) -> pd.DataFrame:
    """Without rows whose text is empty, where params say so.

    Raises:
        DataError: A text is empty and params refuse it, or all are empty.
    """
    values = column(frame, name)
    empty = np.array([not text.strip() for text in as_passages(values)], bool)
    if empty.all():
        raise DataError(f"{where}: text '{name}' must hold words, but all {len(frame)} texts are empty.")
    if data.text.empty == "refuse" and empty.any():
        count = int(empty.sum())
        raise DataError(
            f"{where}: {place(values, int(empty.argmax()))}: text '{name}' must hold a word, but is empty "
            f"({count} of {len(frame)} texts {'is' if count == 1 else 'are'}); fill it, or set data.text.empty to drop "
            "or unknown."
        )
    return cast(pd.DataFrame, frame.loc[~empty]) if data.text.empty == "drop" else frame


def fit_texts(train: pd.DataFrame, name: str, data: Data, where: str, *, ending: bool = False) -> Tokenizer:
    """The tokenizer of the train split's texts.

    Raises:
        DataError: No word is frequent enough.
    """
    try:
        return fit_tokenizer(name, column(train, name), data.text, ending=ending)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def encode_texts(part: pd.DataFrame, tokenizer: Tokenizer, split: SplitName, where: str) -> dict[str, np.ndarray]:
    """A split's texts as the input ``text``.

    Raises:
        DataError: No text of the split has a word that the vocabulary knows.
    """
    rows = tokenizer.encode(column(part, tokenizer.name))
    if len(rows) and not tokenizer.known(rows).any():
        first = as_passages(column(part, tokenizer.name))[0]
        raise DataError(
            f"{where}: {place(column(part, tokenizer.name), 0)}: text '{tokenizer.name}' must hold words of the train "
            f"split, but none of the {len(rows)} texts of {split} has any, such as '{first[:40]}'; is it in another "
            "language?"
        )
    return {"text": rows}


def describe_text(parts: Mapping[SplitName, pd.DataFrame], kind: Kind, tokenizer: Tokenizer) -> dict[str, Any]:
    """Tokens of a text: how many, how many unknown, how many cut off, and the most frequent."""
    tokens = {name: tokenizer.split(as_passages(column(parts[name], kind.name))) for name in SPLITS}
    counts = np.array([len(text) for text in tokens["train"]])
    bars, edges = np.histogram(counts, BINS)
    flat = np.concatenate([np.asarray(text) for text in tokens["train"]])
    frequent = np.bincount(flat[tokenizer.known(flat)], minlength=1)
    order = np.argsort(-frequent, kind="stable")[:TOP]
    return {
        "name": kind.name,
        "kind": "text",
        "reason": kind.reason,
        "missing": {
            name: _share(not text.strip() for text in as_passages(column(part, kind.name)))
            for name, part in parts.items()
        },
        "distinct": int(column(parts["train"], kind.name).nunique()),
        "vocabulary": tokenizer.vocabulary,
        "length": tokenizer.length,
        "mean": float(f"{counts.mean():.6g}"),
        "max": int(counts.max()),
        "edges": [float(f"{edge:.6g}") for edge in edges],
        "counts": bars.tolist(),
        "top": [[tokenizer.join([int(token)]), int(frequent[token])] for token in order if frequent[token]],
        "unknown": {
            name: _share(token == tokenizer.unknown for text in tokens[name] for token in text) for name in SPLITS
        },
        "cut": {name: _share(len(text) > tokenizer.words for text in tokens[name]) for name in SPLITS},
    }


def note_text(entry: Mapping[str, Any]) -> list[str]:
    """What a person should know of a text before training, each in one sentence."""
    name, notes = entry["name"], list[str]()
    if entry["missing"]["train"]:
        notes.append(f"Text '{name}' is empty in {entry['missing']['train']:.1%} of train: one unknown word.")
    if entry["cut"]["train"] >= MANY_CUT:
        notes.append(
            f"Text '{name}' is cut to {entry['length']} tokens in {entry['cut']['train']:.1%} of train; "
            "data.text.length says how many are kept."
        )
    for split in ("val", "test"):
        if entry["unknown"][split] >= MANY_UNKNOWN:
            notes.append(f"{entry['unknown'][split]:.0%} of the words of {split} are unknown to the vocabulary.")
    return notes


def _share(found: Any) -> float:
    each = list(found)
    return round(sum(each) / max(1, len(each)), 6)
