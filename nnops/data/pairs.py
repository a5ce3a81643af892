"""Pairs of texts prepared: each is answered with another one, both cut into tokens that train shows.

Legend of shape suffixes: N rows, S tokens of a text, T tokens of an answer.
"""

from typing import Any, cast

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.catalog import unknown
from nnops.data.corpus import check_pieces
from nnops.data.kinds import Kind
from nnops.data.made import Made
from nnops.data.passages import describe_text, fit_texts, note_text, with_words
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import BINS, describe_columns
from nnops.data.reader import Table
from nnops.data.split import split_rows
from nnops.data.table import check_same_columns, check_target, split_column
from nnops.data.target import Target
from nnops.data.tokenizer import END, LONGEST, PADDING, Tokenizer, as_passages
from nnops.data.values import column, place
from nnops.errors import DataError, ParamsError
from nnops.params import Data, Params


def make_pairs(params: Params, source: Table, test: Table | None) -> Made:
    """Make prepared data of a table with a text in one column and its answer in another.

    Raises:
        DataError: Columns are missing, or a text or an answer is empty.
        ParamsError: Params name a column that does not exist, or do not fit texts.
    """
    data, where = params.data, source.where
    check_pieces(data)
    check_target(source, data)
    name = _text_column(source, data)
    if test is not None:
        check_same_columns(source, test)
    frame = _kept(source, name, data)
    rows = split_rows(
        data.split,
        len(frame),
        classes=None,
        column=split_column(frame, data, where),
        seed=params.seed,
        separate_test=test is not None,
        where=where,
    )
    parts: dict[SplitName, pd.DataFrame] = {split: frame.iloc[rows[split]] for split in SPLITS}
    if test is not None:
        parts["test"] = _kept(test, name, data)
    text = fit_texts(parts["train"], name, data, where)
    answer = _fit_answers(parts["train"], data, where)
    arrays: dict[SplitName, dict[str, np.ndarray]] = {}
    for split, part in parts.items():
        target_NT = encode_answers(column(part, data.answer), answer)
        moved_NT = np.concatenate([np.full((len(part), 1), END, np.int64), target_NT[:, :-1]], 1)
        arrays[split] = {
            "text": text.encode(column(part, name)),
            "answer": np.where(target_NT == PADDING, PADDING, moved_NT),
            "target": target_NT,
        }
    kinds = [Kind(name, "text", "it is answered")]
    kinds += [Kind(other, "ignore", "beside the text") for other in _names(source) if other not in (name, data.answer)]
    return Made(
        spec=Spec(
            "sequence",
            ("text", "answer"),
            ((text.length,), (answer.length,)),
            (),
            answer.vocabulary,
            text.vocabulary,
        ),
        preprocess=Preprocess(
            target=Target(data.answer, "sequence"),
            ignored=tuple(kind.name for kind in kinds if kind.kind == "ignore"),
            text=text,
            answer=answer,
        ),
        arrays=arrays,
        columns=[{"name": kind.name, "kind": kind.kind, "reason": kind.reason} for kind in kinds],
        features=[],
        report=_report(source, parts, kinds, text, answer),
    )


def encode_answers(values: pd.Series, tokenizer: Tokenizer) -> np.ndarray:
    """Answers and their ends, int64 ``[N, T]``; one that is cut off has no end."""
    return tokenizer.pad([[*tokens, END] for tokens in tokenizer.split(as_passages(values))])


def _fit_answers(train: pd.DataFrame, data: Data, where: str) -> Tokenizer:
    fitted = fit_texts(train, data.answer, data, where, ending=True)
    longest = max(len(tokens) for tokens in fitted.split(as_passages(column(train, data.answer)))) + 1
    length = data.text.answer or min(LONGEST, longest)
    return Tokenizer(fitted.name, fitted.model, length, fitted.answers_unknown)


def _text_column(source: Table, data: Data) -> str:
    """The column that is answered: the one that params call a text, else the only other one."""
    others = [name for name in _names(source) if name != data.answer]
    for name in data.kinds:
        if name not in others:
            raise ParamsError(f"params.yaml: data.kinds: {source.where}: {unknown('column', name, others)}")
    said = [name for name, kind in data.kinds.items() if kind == "text"]
    left = said or [name for name in others if data.kinds.get(name) != "ignore" and name != data.split.column]
    if len(left) != 1:
        raise ParamsError(
            f"params.yaml: data.kinds must call one column of {source.where} a text, the one that is answered with"
            f" '{data.answer}', got {' and '.join(left) or 'none'}; write text for one, and ignore for others."
        )
    return left[0]


def _names(source: Table) -> list[str]:
    return [str(name) for name in source.frame.columns]


def _kept(table: Table, name: str, data: Data) -> pd.DataFrame:
    """Rows with a text and an answer; empty ones are refused or dropped as params say."""
    frame = table.frame.set_axis(_names(table), axis=1)
    frame = with_words(frame, name, data, table.where)
    values = column(frame, data.answer)
    empty = np.array([not text.strip() for text in as_passages(values)], bool)
    if empty.all():
        raise DataError(f"{table.where}: target '{data.answer}' must hold texts, but all {len(frame)} are empty.")
    if empty.any() and data.text.empty != "drop":
        count = int(empty.sum())
        raise DataError(
            f"{table.where}: {place(values, int(empty.argmax()))}: target '{data.answer}' must hold text, but is empty"
            f" ({count} of {len(frame)} {'is' if count == 1 else 'are'}); fill it, or set data.text.empty to drop."
        )
    return cast(pd.DataFrame, frame.loc[~empty])


def _report(
    source: Table, parts: dict[SplitName, pd.DataFrame], kinds: list[Kind], text: Tokenizer, answer: Tokenizer
) -> dict[str, Any]:
    """What both texts look like; of the answers the report shows how long they are."""
    entry = describe_text(parts, kinds[0], text)
    told = describe_text(parts, Kind(answer.name, "text", "the answer"), answer)
    lengths: dict[SplitName, list[int]] = {
        split: [len(tokens) for tokens in answer.split(as_passages(column(part, answer.name)))]
        for split, part in parts.items()
    }
    notes = [*note_text(entry), *note_text(told)]
    pairs = {
        split: set(zip(as_passages(column(part, text.name)), as_passages(column(part, answer.name)), strict=True))
        for split, part in parts.items()
    }
    for split in ("val", "test"):
        again = len(pairs[split] & pairs["train"])
        if again:
            notes.append(f"{again} of the {len(pairs[split])} different pairs of {split} are in train as well.")
    return {
        "source": source.where,
        "rows": {"read": len(source.frame)} | {split: len(part) for split, part in parts.items()},
        "target": {"name": f"tokens of {answer.name}", "task": "sequence"} | _lengths(lengths),
        "columns": [entry, *describe_columns(parts, kinds[1:], ("",))],
        "answer": told,
        "notes": notes,
    }


def _lengths(lengths: dict[SplitName, list[int]]) -> dict[str, Any]:
    """How many tokens texts have in each split, as the report's figures take it."""
    every = np.array([count for split in SPLITS for count in lengths[split]], float)
    edges = np.histogram_bin_edges(every, BINS)
    statistics: dict[str, Any] = {}
    for split in SPLITS:
        counts = np.array(lengths[split] or [0], float)
        statistics[split] = {
            "mean": float(f"{counts.mean():.6g}"),
            "min": float(counts.min()),
            "max": float(counts.max()),
            "counts": np.histogram(lengths[split], edges)[0].tolist(),
        }
    return {"edges": [float(f"{edge:.6g}") for edge in edges], "statistics": statistics}
