"""BLEU (Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation").

Legend of shape suffixes: N rows, T tokens of a row, M n-grams of all rows, K pairs of row and n-gram, S weightings.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nnops.batch import Task
from nnops.metrics.base import Metric
from nnops.metrics.predictions import Predictions
from nnops.metrics.tokens import END
from nnops.metrics.weighted import Weighted

#: N of the paper: the longest n-grams.
LONGEST = 4


class Bleu(Metric):
    """Of 1 to 4 tokens in a row the geometric mean of the shares that are in the truth, less for answers too short.

    Of all rows together, the end left out: BP exp(mean log p_n) (section 2.3), p_n by clipped counts (2.1.1), and BP =
    min(1, exp(1 - r / c)) of c tokens answered and r true ones (2.2.2). Where no truth has four tokens, n goes up to
    the longest one.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("sequence",)
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"

    def values(self, weighted: Weighted) -> np.ndarray:
        """In [0, 1]; 0 where no n-gram of the longest kind is in the truth."""
        tally = weighted.predictions.once("bleu", lambda: count(weighted.predictions))
        longest = max(1, min(LONGEST, int(tally.truth_N.max(initial=0))))
        log_S = np.zeros(len(weighted.weight_SN))
        # The logarithm of no match is -infinity, and its power is 0; so is that of no n-gram.
        with np.errstate(divide="ignore"):
            for match_N, given_N in list(zip(tally.matches, tally.given, strict=True))[:longest]:
                given_S = weighted.mean(given_N)
                share_S = np.divide(weighted.mean(match_N), given_S, out=np.zeros_like(given_S), where=given_S > 0)
                log_S += np.log(share_S) / longest
            answer_S, truth_S = weighted.mean(tally.given[0]), weighted.mean(tally.truth_N)
            short_S = np.divide(truth_S, answer_S, out=np.ones_like(answer_S), where=answer_S > 0)
        return np.exp(log_S + np.minimum(0.0, 1.0 - short_S))


@dataclass(frozen=True)
class Tally:
    """What BLEU counts in each row.

    Attributes:
        matches: For n from 1, n-grams of the answer that are in the truth, each at most as often as there; int64 [N].
        given: For n from 1, n-grams of the answer, int64 [N]; of n = 1 its tokens.
        truth_N: Tokens of the truth, int64.
    """

    matches: tuple[np.ndarray, ...]
    given: tuple[np.ndarray, ...]
    truth_N: np.ndarray


def count(predictions: Predictions) -> Tally:
    """Count the n-grams of each row, up to the end that is told."""
    rows = len(predictions)
    code_NT = np.concatenate([predictions.output_NC, predictions.target_N]).astype(np.int64)
    length_N = (((code_NT == 0) | (code_NT == END)).cumsum(1) == 0).sum(1)
    tokens_NT, row_N = code_NT, np.tile(np.arange(rows), 2)
    matches: list[np.ndarray] = []
    given: list[np.ndarray] = []
    for n in range(1, LONGEST + 1):
        if n > 1:
            # An n-gram is told by the (n-1)-gram at its place and the token behind that.
            pair_NT = code_NT[:, :-1] * (tokens_NT.max(initial=0) + 1) + tokens_NT[:, n - 1 :]
            code_NT = np.unique(pair_NT, return_inverse=True)[1].reshape(pair_NT.shape)
        there_NT = np.arange(code_NT.shape[1]) < (length_N - n + 1)[:, None]
        cell_NT = row_N[:, None] + rows * code_NT
        answer_M, truth_M = cell_NT[:rows][there_NT[:rows]], cell_NT[rows:][there_NT[rows:]]
        given.append(there_NT[:rows].sum(1))
        matches.append(_clipped(answer_M, truth_M, rows))
    return Tally(tuple(matches), tuple(given), length_N[rows:])


def _clipped(answer_M: np.ndarray, truth_M: np.ndarray, rows: int) -> np.ndarray:
    """For each row, int64 ``[N]``, the sum over its cells, those of cell % rows, of the lesser of both counts."""
    cell_K, place_M = np.unique(np.concatenate([answer_M, truth_M]), return_inverse=True)
    answer_K = np.bincount(place_M[: len(answer_M)], minlength=len(cell_K))
    truth_K = np.bincount(place_M[len(answer_M) :], minlength=len(cell_K))
    clipped_N = np.zeros(rows, np.int64)
    np.add.at(clipped_N, cell_K % rows, np.minimum(answer_K, truth_K))
    return clipped_N
