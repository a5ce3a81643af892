"""The target: which task it makes, its classes, its scale, and the way back from a model's output to an answer."""

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from nnops.batch import Task
from nnops.data.values import as_number, as_text, place
from nnops.errors import DataError
from nnops.params import Data

#: A numeric target with more different values than this is a quantity, not a class.
MOST_CLASSES = 20
#: What may stand between the labels of a row.
SEPARATORS = ("|", ";", ",")
#: Of two classes, one of these words is the negative one, whatever the alphabet says.
NEGATIVE = {"0", "-1", "no", "n", "false", "f", "negative", "neg", "normal", "healthy", "none", "control"}


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        name: The column.
        task: binary, multiclass, multilabel or regression.
        classes: Labels as text in the order of their codes; the second one is the positive of a binary task.
        mean: Undoes the scaling of a regression: y = mean + std * output.
        std: See ``mean``.
        strip: Characters taken off the end of labels.
        separator: What stands between the labels of a row (multilabel).
    """

    name: str
    task: Task
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    strip: str = ""
    separator: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers."""
        return asdict(self) | {"classes": list(self.classes)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**{**record, "classes": tuple(record["classes"])})

    def encode(self, values: pd.Series, where: str) -> np.ndarray:
        """Labels as a model's target.

        Returns:
            int64 codes (multiclass), float32 0 or 1 (binary), the same for each label ``[N, C]`` (multilabel), float32
            scaled (regression).

        Raises:
            DataError: A missing or infinite value, text in a regression, a class that is not known.
        """
        if self.task == "regression":
            return ((_numbers(values, self.name, where) - self.mean) / self.std).astype(np.float32)
        if self.task == "multilabel":
            return self._indicators(values, where)
        labels = self.labels(values, where)
        codes = pd.Index(self.classes).get_indexer(pd.Index(labels, dtype=object))
        if (codes < 0).any():
            position = int(np.argmax(codes < 0))
            raise DataError(
                f"{where}: {place(values, position)}: '{labels.iloc[position]}' is no class of target '{self.name}'; "
                f"the classes are {_some(self.classes)}."
            )
        return codes.astype(np.float32 if self.task == "binary" else np.int64)

    def _indicators(self, values: pd.Series, where: str) -> np.ndarray:
        place_of = {label: code for code, label in enumerate(self.classes)}
        there = np.zeros((len(values), len(self.classes)), np.float32)
        for row, labels in enumerate(split_labels(values, self.separator)):
            for label in labels:
                if label not in place_of:
                    raise DataError(
                        f"{where}: {place(values, row)}: '{label}' is no label of target '{self.name}'; the labels are"
                        f" {_some(self.classes)}."
                    )
                there[row, place_of[label]] = 1.0
        return there

    def strata(self, values: pd.Series, where: str) -> pd.Series | None:
        """The class of each row, by which a split may be stratified; None where a row has not just one."""
        return self.labels(values, where) if self.task in ("binary", "multiclass") else None

    def labels(self, values: pd.Series, where: str) -> pd.Series:
        """Class labels as text.

        Raises:
            DataError: A missing label.
        """
        return _labels(values, self.strip, self.name, where)

    def scaled(self, values: pd.Series, where: str) -> Self:
        """With mean and deviation fitted on the train split's values (regression only)."""
        numbers = _numbers(values, self.name, where)
        std = float(numbers.std())
        return replace(self, mean=float(numbers.mean()), std=std if std > 0 else 1.0)

    def decode(self, output: np.ndarray) -> dict[str, np.ndarray]:
        """A model's raw output as answers.

        Args:
            output: float [B, C] logits, or [B, 1] for binary and regression.

        Returns:
            ``value`` float64 [B] in the target's own unit; or ``label`` [B] text and ``probability`` float64 [B, C]; or
            ``labels`` [B] text, those above 1/2 with the separator between them, and ``probability``.
        """
        output = np.asarray(output, dtype=np.float64)
        if self.task == "regression":
            return {"value": self.mean + self.std * output[:, 0]}
        if self.task == "multilabel":
            probability = 0.5 * (1.0 + np.tanh(0.5 * output))
            return {"labels": self.join(output > 0), "probability": probability}
        if self.task == "binary":
            positive = 0.5 * (1.0 + np.tanh(0.5 * output[:, 0]))
            probability = np.stack([1.0 - positive, positive], axis=1)
        else:
            odds = np.exp(output - output.max(axis=1, keepdims=True))
            probability = odds / odds.sum(axis=1, keepdims=True)
        best = np.asarray(self.classes, dtype=object)[probability.argmax(axis=1)]
        return {"label": best, "probability": probability}

    def join(self, there_NC: np.ndarray) -> np.ndarray:
        """The labels of each row as one text, the separator between them; "" for none."""
        names = np.asarray(self.classes, dtype=object)
        return np.asarray([self.separator.join(names[there_C.astype(bool)]) for there_C in there_NC], dtype=object)


def split_labels(values: pd.Series, separator: str) -> list[set[str]]:
    """The labels of each row; a missing or empty value is none."""
    texts = as_text(values, ("", "?", "nan", "NaN")).fillna("")
    return [{label.strip() for label in text.split(separator)} - {""} for text in texts]


def find_separator(values: pd.Series) -> str | None:
    """What stands between labels: a sign that makes fewer different labels of the values than there are values.

    >>> find_separator(pd.Series(["a|b", "a", "b", "b|c", "c", "a|c"])), find_separator(pd.Series(["a|b", "c|d"]))
    ('|', None)
    """
    for separator in SEPARATORS:
        rows = split_labels(values, separator)
        labels = set().union(*rows)
        several = {frozenset(row) for row in rows}
        if any(len(row) > 1 for row in rows) and 2 <= len(labels) < len(several) and 2 * len(labels) <= len(rows):
            return separator
    return None


def judge(values: pd.Series, data: Data, where: str) -> Target:
    """Find the task and the classes of a target column.

    Raises:
        DataError: Missing or infinite values, one class only, a task that does not fit the values.
    """
    name, strip = data.answer, data.cleaning.strip_target
    task = data.task if data.task != "auto" else None if isinstance(data.target, str) else "multilabel"
    if task == "multilabel":
        found = sort_classes(set().union(*split_labels(values, data.separator)))
        if len(found) < 2:
            raise DataError(
                f"{where}: target '{name}' must have at least two labels, got {_some(found) or 'none'}; write what"
                f" stands between the labels of a row in data.separator (it is '{data.separator}')."
            )
        return Target(name, task, found, separator=data.separator)
    numbers, words = as_number(values)
    if task is None and not words.any() and not pd.api.types.is_bool_dtype(values):
        numbers = _numbers(values, name, where)
        different = np.unique(numbers)
        if len(different) > MOST_CLASSES or not np.equal(different, np.round(different)).all():
            task = "regression"
    if task == "regression":
        numbers = _numbers(values, name, where)
        if (numbers == numbers[0]).all():
            raise DataError(f"{where}: target '{name}' must vary, but every row holds {numbers[0]:g}.")
        return Target(name, task)
    classes = sort_classes(list(_labels(values, strip, name, where).unique()))
    if len(classes) < 2:
        only = "".join(classes)
        raise DataError(f"{where}: target '{name}' must have at least two classes, but every row holds '{only}'.")
    if task == "binary" and len(classes) > 2:
        raise DataError(
            f"params.yaml: data.task is binary, but target '{name}' in {where} has {len(classes)} classes "
            f"({_some(classes)}); write multiclass or auto."
        )
    task = task or ("binary" if len(classes) == 2 else "multiclass")
    if data.positive is not None:
        if task != "binary" or data.positive not in classes:
            kind = f"a {task} target" if task != "binary" else "a target"
            raise DataError(
                f"params.yaml: data.positive must be a class of a binary target, got '{data.positive}' for {kind} with "
                f"the classes {_some(classes)}; correct it, or remove it."
            )
        classes = tuple(sorted(classes, key=lambda label: label == data.positive))
    return Target(name, task, classes, strip=strip)


def sort_classes(labels: Collection[str]) -> tuple[str, ...]:
    """Numbers by value, words by alphabet; of two classes the negative one goes first.

    >>> sort_classes(["10", "9"]), sort_classes(["attack", "normal"]), sort_classes([">50K", "<=50K"])
    (('9', '10'), ('normal', 'attack'), ('<=50K', '>50K'))
    """
    number = re.compile(r"[-+]?\d+(\.\d+)?")
    if all(number.fullmatch(label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (float(label), label)))
    ordered = sorted(labels)
    if len(ordered) == 2 and ordered[1].lower() in NEGATIVE and ordered[0].lower() not in NEGATIVE:
        ordered.reverse()
    return tuple(ordered)


def _labels(values: pd.Series, strip: str, name: str, where: str) -> pd.Series:
    labels = as_text(values, ("", "?", "nan", "NaN"))
    if labels.isna().any():
        position = int(labels.isna().to_numpy().argmax())
        raise DataError(
            f"{where}: {place(values, position)}: target '{name}' must not be missing, got '{values.iloc[position]}'; "
            f"remove the {_rows(labels.isna().sum())} without a label."
        )
    return labels.str.rstrip(strip) if strip else labels


def _numbers(values: pd.Series, name: str, where: str) -> np.ndarray:
    numbers, words = as_number(values)
    if words.any():
        position = int(words.argmax())
        raise DataError(
            f"{where}: {place(values, position)}: target '{name}' must be a number in a regression, "
            f"got '{values.iloc[position]}'; correct it, or set data.task to multiclass."
        )
    # What float32 cannot hold is infinite to a model.
    wrong = ~(np.abs(numbers) <= np.finfo(np.float32).max)
    if wrong.any():
        position = int(wrong.argmax())
        raise DataError(
            f"{where}: {place(values, position)}: target '{name}' must be a finite number, "
            f"got '{values.iloc[position]}'; remove the {_rows(wrong.sum())} without one."
        )
    return numbers


def _rows(count: int) -> str:
    return "one row" if count == 1 else f"{count} rows"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown}, ... ({len(names)})"
