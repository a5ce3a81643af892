"""Metrics of texts that a model tells token by token: a language model's surprise, and answers held against the truth.

The logits of all tokens of a split would fill the memory, so a row is tallied as soon as it is predicted: Predictions
of a language model hold ``[N, 2]`` sums of each row, of which every metric is a ratio; those of a sequence hold tokens.

Legend of shape suffixes: B N rows, T tokens of a row, C tokens of the vocabulary, S weightings.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted

#: Tokens that are never said: padding and the unknown one; and the one that ends a text.
UNSAID, END = 2, 2
#: Columns of a language model's sums: in the outputs and in the target.
SURPRISE, HITS = 0, 1
TOKENS, CHARACTERS = 0, 1


def tally(task: Task, output_BTC: np.ndarray, target_BT: np.ndarray, characters_C: np.ndarray | None) -> Predictions:
    """Make predictions of the logits of some rows, each token being told after the true ones before it.

    Args:
        task: ``language_model`` or ``sequence``.
        output_BTC: Logits float32.
        target_BT: Tokens int64, 0 where none is told.
        characters_C: Characters that begin in each token, of a language model.
    """
    there_BT = target_BT != 0
    said_BT = np.where(there_BT, likeliest(output_BTC), 0)
    if task == "sequence":
        return Predictions(task, said_BT, target_BT)
    top_BT1 = output_BTC.max(-1, keepdims=True)
    whole_BT = np.log(np.exp(output_BTC - top_BT1).sum(-1, dtype=np.float64)) + top_BT1[..., 0]
    surprise_BT = whole_BT - np.take_along_axis(output_BTC, target_BT[..., None], -1)[..., 0]
    characters_BT = there_BT if characters_C is None else characters_C[target_BT]
    return Predictions(
        task,
        np.stack([np.where(there_BT, surprise_BT, 0).sum(1), (there_BT & (said_BT == target_BT)).sum(1)], 1),
        np.stack([there_BT.sum(1), np.where(there_BT, characters_BT, 0).sum(1)], 1).astype(np.float64),
    )


def likeliest(output_BTC: np.ndarray) -> np.ndarray:
    """The likeliest token at each place, int64 ``[B, T]``; padding and the unknown one are never said."""
    return output_BTC[..., UNSAID:].argmax(-1) + UNSAID


def join(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of rows that were tallied piece by piece as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    output_NC, target_N = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("output_NC", "target_N")
    )
    return Predictions(first.task, output_NC, target_N)


class _Language(Metric):
    tasks: ClassVar[tuple[Task, ...]] = ("language_model",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"


class Perplexity(_Language):
    """exp of the mean surprise, -log p of each true token: among how many equally likely ones it is as if drawn."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [1, infinity)."""
        # A surprise that no float can hold the power of is infinite.
        with np.errstate(over="ignore"):
            return np.exp(_surprise(weighted, TOKENS))


class BitsPerToken(_Language):
    """Mean surprise of a token, log2(perplexity)."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        return _surprise(weighted, TOKENS) / np.log(2)


class BitsPerCharacter(_Language):
    """The surprise of all tokens over the characters that they make: vocabularies can be compared by it."""

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        return _surprise(weighted, CHARACTERS) / np.log(2)


class TokenAccuracy(Metric):
    """Share of the true tokens that are told: the likeliest next one, or the answer's one at the same place."""

    tasks: ClassVar[tuple[Task, ...]] = ("language_model", "sequence")
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        predictions = weighted.predictions
        if predictions.task == "language_model":
            hits_N, tokens_N = predictions.output_NC[:, HITS], predictions.target_N[:, TOKENS]
        else:
            there_NT = predictions.target_N != 0
            hits_N = (there_NT & (predictions.output_NC == predictions.target_N)).sum(1)
            tokens_N = there_NT.sum(1)
        return weighted.mean(hits_N) / weighted.mean(tokens_N)


class ExactMatch(Metric):
    """Share of answers that are the true one, token by token."""

    tasks: ClassVar[tuple[Task, ...]] = ("sequence",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]."""
        predictions = weighted.predictions
        return weighted.mean((predictions.output_NC == predictions.target_N).all(1))


class EditRate(Metric):
    """Tokens to insert, leave out or change until answers are the true ones, over the tokens of those."""

    tasks: ClassVar[tuple[Task, ...]] = ("sequence",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "minimize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, infinity)."""
        predictions = weighted.predictions
        edits_N = count_edits(predictions.output_NC, predictions.target_N)
        return weighted.mean(edits_N) / weighted.mean((predictions.target_N != 0).sum(1))


def _surprise(weighted: Weighted, over: int) -> np.ndarray:
    predictions = weighted.predictions
    return weighted.mean(predictions.output_NC[:, SURPRISE]) / weighted.mean(predictions.target_N[:, over])


def count_edits(answer_NT: np.ndarray, truth_NT: np.ndarray) -> np.ndarray:
    """Edit distance of each row, padding left out (Levenshtein 1966), float64 ``[N]``.

    >>> count_edits(np.array([[3, 4, 2, 0]]), np.array([[4, 5, 2, 0]])).tolist()
    [2.0]
    """
    rows = len(truth_NT)
    answer_N, truth_N = (answer_NT != 0).sum(1), (truth_NT != 0).sum(1)
    most = int(truth_N.max(initial=0))
    # Column t of a line: edits from the first tokens of the answer to the first t of the truth.
    line_NT = np.tile(np.arange(most + 1), (rows, 1))
    found_N = np.where(answer_N == 0, truth_N, 0)
    for place in range(int(answer_N.max(initial=0))):
        before_NT, line_NT = line_NT, np.empty_like(line_NT)
        line_NT[:, 0] = place + 1
        for t in range(1, most + 1):
            change_N = before_NT[:, t - 1] + (answer_NT[:, place] != truth_NT[:, t - 1])
            line_NT[:, t] = np.minimum(np.minimum(before_NT[:, t], line_NT[:, t - 1]) + 1, change_N)
        done_N = answer_N == place + 1
        found_N = np.where(done_N, np.take_along_axis(line_NT, truth_N[:, None], 1)[:, 0], found_N)
    return found_N.astype(np.float64)
