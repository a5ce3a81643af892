"""Literals: what can be said of single rows of a split, such as ``age > 48`` or ``word = a``; slices are made of them.

Legend of shape suffixes: N rows, L literals.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nnops.batch import QUANTITIES, TOKENS
from nnops.data.columns import Categorical, Date
from nnops.data.prepared import Prepared, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.tokenizer import PADDING, UNKNOWN
from nnops.files import read_json
from nnops.metrics.predictions import Predictions

#: A column of at most so many different numbers is told value by value.
FEW = 5
#: The name of the truth among the columns, which no column has.
TRUTH = "the truth"


@dataclass(frozen=True)
class Literal:
    """Something that is true of some rows.

    Attributes:
        about: The column that it speaks of.
        text: As people say it.
        there_N: Of which rows it is true.
    """

    about: str
    text: str
    there_N: np.ndarray


def literals(data: Prepared, split: SplitName, predictions: Predictions) -> list[Literal]:
    """All that is said of the rows of a split: by their columns, or by what images and texts look like and are.

    Of a table the truth is left out: that a rare answer is found less often says nothing of where to look.
    """
    spec = data.spec
    if spec.task in TOKENS or spec.series:
        return []
    arrays = data.arrays(split)
    found: list[Literal] = []
    if spec.image:
        pixels = np.asarray(arrays["image"], np.float32).reshape(len(arrays["image"]), -1)
        found += _numbers("brightness", pixels.mean(1), _same)
        found += _numbers("contrast", pixels.std(1), _same)
    elif "text" in spec.inputs:
        text_NT = np.asarray(arrays["text"])
        found += _numbers("length in tokens", (text_NT != PADDING).sum(1).astype(np.float64), _same)
        found.append(Literal("unknown words", "has unknown words", (text_NT == UNKNOWN).any(1)))
    else:
        return list(_columns(data, arrays))
    return [*found, *_truth(data, predictions)]


def _columns(data: Prepared, arrays: dict[str, np.ndarray]) -> Iterator[Literal]:
    fitted = Preprocess.from_json(read_json(data.folder / "preprocess.json"))
    coded, features = fitted.coded, fitted.features
    for place, column in enumerate(coded):
        yield from _words(column, np.asarray(arrays["categories"])[:, place])
    for column in fitted.columns:
        if isinstance(column, Categorical):
            if column not in coded:
                start = features.index(column.features[0])
                hot = np.asarray(arrays["numeric"])[:, start : start + len(column.categories)]
                yield from _words(column, np.where(hot.any(1), hot.argmax(1) + 1, 0))
            continue
        for part in column.parts if isinstance(column, Date) else (column,):
            start = features.index(part.features[0])
            missing = np.zeros(len(arrays["numeric"]), bool)
            if part.indicator:
                missing = np.asarray(arrays["numeric"])[:, start + 1] > 0
                yield Literal(part.name, f"{part.name} is missing", missing)
            values = np.asarray(arrays["numeric"])[:, start].astype(np.float64)
            for one in _numbers(part.name, values, part.raw):
                yield Literal(one.about, one.text, one.there_N & ~missing)


def _words(column: Categorical, code_N: np.ndarray) -> Iterator[Literal]:
    for code in np.unique(code_N).tolist():
        said = f"{column.name} = {column.categories[code - 1]}" if code else f"{column.name} is missing or new"
        yield Literal(column.name, said, code_N == code)


def _numbers(name: str, value_N: np.ndarray, raw: Callable[[float], float]) -> Iterator[Literal]:
    """Quarters of the rows, or each value where there are few; ``raw`` gives a number in the column's own unit."""
    distinct = np.unique(value_N)
    if len(distinct) <= FEW:
        if len(distinct) > 1:
            yield from (Literal(name, f"{name} = {raw(value):.4g}", value_N == value) for value in distinct.tolist())
        return
    # The upper end is the last value that a quarter holds, so that what is said is true of these very rows.
    edges = [distinct[0] - 1, *np.unique(np.quantile(value_N, (0.25, 0.5, 0.75), method="lower")), distinct[-1]]
    for place, (low, high) in enumerate(pairwise(edges)):
        below, above = f"{raw(high):.4g}", f"{raw(low):.4g}"
        text = f"{above} < {name} <= {below}"
        if place == 0:
            text = f"{name} <= {below}"
        elif place == len(edges) - 2:
            text = f"{name} > {above}"
        yield Literal(name, text, (value_N > low) & (value_N <= high))


def _truth(data: Prepared, predictions: Predictions) -> Iterator[Literal]:
    target = data.schema.get("target", "target")
    if data.spec.task in QUANTITIES:
        yield from (Literal(TRUTH, one.text, one.there_N) for one in _numbers(target, predictions.truth_N, _same))
    elif data.spec.task in ("binary", "multiclass"):
        for code, name in enumerate(data.classes):
            yield Literal(TRUTH, f"{target} = {name}", predictions.truth_N == code)
    elif data.spec.task == "multilabel":
        for code, name in enumerate(data.classes):
            yield Literal(TRUTH, f"has {name}", predictions.truth_N[:, code] == 1)


def _same(value: float) -> float:
    return value
