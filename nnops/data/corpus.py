"""Running text prepared for a language model: dealt to splits, made tokens, laid in blocks.

Each text is followed by the token of an end, and the texts of a split stand one after the other. A block holds T of
these tokens, its target the same tokens one further; the next block begins where it ends, so that every token is told
once.

Legend of shape suffixes: N blocks, T tokens of a block, M tokens of a split.
"""

from typing import Any

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.catalog import unknown
from nnops.data.kinds import Kind
from nnops.data.made import Made
from nnops.data.passages import describe_text, fit_texts, with_words
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.reader import Table
from nnops.data.split import split_rows
from nnops.data.target import Target
from nnops.data.tokenizer import END, PADDING, UNKNOWN, Tokenizer, as_passages
from nnops.data.values import column
from nnops.errors import DataError, ParamsError
from nnops.params import Data, Params

#: Tokens of a block where params say nothing, and texts from which on whole ones are dealt to the splits.
BLOCK, MANY = 128, 20


def make_corpus(params: Params, source: Table, test: Table | None) -> Made:
    """Make prepared data of texts that a model learns to go on with.

    Raises:
        DataError: No text, or too little for one block.
        ParamsError: Params name a column that does not exist, or do not fit texts.
    """
    data, where = params.data, source.where
    check_pieces(data)
    texts = _texts(source, data)
    parts = _deal(params, texts, test is not None, where)
    if test is not None:
        parts["test"] = _texts(test, data)
    for split in SPLITS:
        if not len(parts[split]) and (split != "test" or data.split.test):
            raise DataError(
                f"{where}: the {split} split must hold text, got none; give more text, or other shares in data.split."
            )
    tokenizer = fit_texts(parts["train"].to_frame(), data.answer, data, where, ending=True)
    steps = data.text.length or BLOCK
    tokenizer = Tokenizer(tokenizer.name, tokenizer.model, steps, tokenizer.answers_unknown)
    streams = {split: _stream(parts[split], tokenizer) for split in SPLITS}
    if len(streams["train"]) <= steps:
        raise DataError(
            f"{where}: the train split must hold more than {steps} tokens, one block, got {len(streams['train']) - 1};"
            " give more text, or write a smaller data.text.length."
        )
    arrays: dict[SplitName, dict[str, np.ndarray]] = {}
    for split in SPLITS:
        text_NT, target_NT = cut_blocks(streams[split], steps)
        arrays[split] = {"text": text_NT, "target": target_NT}
    kind = Kind(data.answer, "text", "it is gone on with")
    target = Target(data.answer, "language_model")
    return Made(
        spec=Spec("language_model", ("text",), ((steps,),), (), tokenizer.vocabulary, tokenizer.vocabulary),
        preprocess=Preprocess(target=target, ignored=_others(source, data), text=tokenizer),
        arrays=arrays,
        columns=[{"name": kind.name, "kind": kind.kind, "reason": kind.reason}],
        features=[],
        report=_report(source, parts, kind, tokenizer, arrays),
        extra={"characters": tokenizer.characters},
    )


def cut_blocks(token_M: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Blocks and their targets, int64 ``[N, T]`` each, the last ones filled with padding.

    >>> text, target = cut_blocks(np.array([2, 5, 6, 7, 8, 2]), 3)
    >>> text.tolist(), target.tolist()
    ([[2, 5, 6], [7, 8, 0]], [[5, 6, 7], [8, 2, 0]])
    """
    told = max(len(token_M) - 1, 0)
    whole = np.full(-(-told // steps) * steps + 1, PADDING, np.int64)
    whole[: told + 1] = token_M[: told + 1]
    text_NT, target_NT = whole[:-1].reshape(-1, steps).copy(), whole[1:].reshape(-1, steps)
    # The last token is told, and nothing is told after it.
    text_NT[target_NT == PADDING] = PADDING
    return text_NT, target_NT


def check_pieces(data: Data) -> None:
    """Check that tokens can be put together to a text again.

    Raises:
        ParamsError: They are words.
    """
    if data.text.tokenizer != "bpe":
        raise ParamsError(
            f"params.yaml: data.text.tokenizer must be bpe for the task {data.task}, since whole words cannot be put"
            f" together to a text again, got {data.text.tokenizer}."
        )


def _texts(table: Table, data: Data) -> pd.Series:
    """The column of texts, the empty ones refused or dropped as params say."""
    frame = table.frame.set_axis([str(name) for name in table.frame.columns], axis=1)
    if data.answer not in frame.columns:
        raise ParamsError(f"params.yaml: data.target: {table.where}: {unknown('column', data.answer, frame.columns)}")
    return column(with_words(frame, data.answer, data, table.where), data.answer)


def _others(source: Table, data: Data) -> tuple[str, ...]:
    return tuple(str(name) for name in source.frame.columns if str(name) != data.answer)


def _deal(params: Params, texts: pd.Series, separate_test: bool, where: str) -> dict[SplitName, pd.Series]:
    """Whole texts dealt at random, or, of few, the beginning of each to train, then val, then test."""
    split = params.data.split
    if split.by not in ("auto", "random"):
        raise ParamsError(f"params.yaml: data.split.by must be auto or random for texts to go on with, got {split.by}.")
    if len(texts) >= MANY or split.by == "random" or split.folds:
        dealt = split_rows(
            split, len(texts), classes=None, column=None, seed=params.seed, separate_test=separate_test, where=where
        )
        return {name: texts.iloc[dealt[name]] for name in SPLITS}
    test = 0.0 if separate_test else split.test
    pieces = [_cut(text, 1 - split.val - test, 1 - test) for text in as_passages(texts)]
    parts = zip(SPLITS, zip(*pieces, strict=True), strict=True)
    return {
        name: pd.Series([piece for piece in part if piece.strip()], dtype="str", name=texts.name)
        for name, part in parts
    }


def _cut(text: str, val: float, test: float) -> tuple[str, str, str]:
    """A text cut where val and test begin, at the next end of a line or else of a word."""
    first = _place(text, round(len(text) * val))
    second = max(first, _place(text, round(len(text) * test)))
    return text[:first], text[first:second], text[second:]


def _place(text: str, wanted: int) -> int:
    reach = min(500, len(text) // 20)
    for sign in ("\n", " "):
        found = text.find(sign, wanted, wanted + reach)
        if found >= 0:
            return found + 1
    return wanted


def _stream(texts: pd.Series, tokenizer: Tokenizer) -> np.ndarray:
    """All tokens of a split, an end before the first text and after each, int64 ``[M]``."""
    parts = [[END]]
    for tokens in tokenizer.split(as_passages(texts)):
        parts += [tokens, [END]]
    return np.concatenate([np.asarray(part, np.int64) for part in parts])


def _report(
    source: Table,
    parts: dict[SplitName, pd.Series],
    kind: Kind,
    tokenizer: Tokenizer,
    arrays: dict[SplitName, dict[str, np.ndarray]],
) -> dict[str, Any]:
    """What the texts look like; their target is the next token, of which the report says how often each is told."""
    entry = describe_text({split: parts[split].to_frame() for split in SPLITS}, kind, tokenizer)
    # A text is laid in blocks, not cut.
    entry["cut"] = dict.fromkeys(SPLITS, 0.0)
    rows = {split: len(arrays[split]["target"]) for split in SPLITS}
    told = {split: int((arrays[split]["target"] != PADDING).sum()) for split in SPLITS}
    notes = [
        f"Blocks of {tokenizer.length} tokens of a vocabulary of {tokenizer.vocabulary:,};"
        f" train tells {told['train']:,} of them."
    ]
    known = set(as_passages(parts["train"]))
    for split in ("val", "test"):
        again = sum(text in known for text in as_passages(parts[split]))
        if again:
            notes.append(f"{again} of the {len(parts[split])} texts of {split} are in train as well.")
    return {
        "source": source.where,
        "rows": {"read": len(source.frame)} | rows,
        "target": {"name": f"tokens of {kind.name}", "task": "language_model"} | _spread(arrays, tokenizer),
        "columns": [entry],
        "tokens": told,
        "notes": notes,
    }


def _spread(arrays: dict[SplitName, dict[str, np.ndarray]], tokenizer: Tokenizer) -> dict[str, Any]:
    """How often each token is told in each split, as the report takes classes."""
    names = tokenizer.names
    counts: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        target_NT = arrays[split]["target"]
        told_C = np.bincount(target_NT[target_NT != PADDING], minlength=len(names))
        counts[split] = {name: int(told_C[code]) for code, name in enumerate(names) if code > UNKNOWN}
    return {"counts": counts}
