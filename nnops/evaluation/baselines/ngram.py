"""Language models that count: how often a token comes, by itself or after the one before it.

Counts are smoothed by adding k to each of them (Jurafsky and Martin, Speech and Language Processing, 3rd ed., 3.6.2),
``P(w | v) = (c(v, w) + k) / (c(v) + k C)``; the k is the one of ``TRIED`` that val is least surprised by.

Legend of shape suffixes: N rows, T tokens, M tokens in a row, C tokens of the vocabulary.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from nnops.batch import Spec, Task
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows

#: What is tried for k, and padding, which is told by nobody.
TRIED = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
PADDING = 0


class _Counts(Baseline):
    tasks: ClassVar[tuple[Task, ...]] = ("language_model",)


class Unigram(_Counts):
    """Each token as often as in train, whatever stands before it."""

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "unigram"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del seed
        return _fit(train, val, spec, np.zeros_like)


class Bigram(_Counts):
    """Each token as often as in train after the one before it."""

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "bigram"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del seed
        return _fit(train, val, spec, lambda text: text)


def _fit(train: Rows, val: Rows, spec: Spec, state: Callable[[np.ndarray], np.ndarray]) -> Fitted:
    """Count what follows each state of a token, and choose k."""
    from scipy.sparse import csr_matrix

    before_M, token_M = _pairs(train, state)
    ones_M = np.ones(len(token_M))
    count_CC: Any = csr_matrix((ones_M, (before_M, token_M)), shape=(spec.outputs, spec.outputs))
    seen_C = np.asarray(count_CC.sum(1)).ravel()
    val_before_M, val_token_M = _pairs(val, state)
    found_M = np.asarray(count_CC[val_before_M, val_token_M]).ravel()
    surprise = [-np.log((found_M + k) / (seen_C[val_before_M] + k * spec.outputs)).mean() for k in TRIED]
    k = TRIED[int(np.argmin(surprise))]

    def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        return log_shares(count_CC, seen_C, state(inputs[0]), k)

    return Fitted(predict, f"k {k:g}")


def log_shares(count_CC: Any, seen_C: np.ndarray, before_NT: np.ndarray, k: float) -> np.ndarray:
    """``log P(w | v)`` for each v of ``before_NT``, float32 ``[N, T, C]``; counts are a sparse matrix."""
    different_V, place_M = np.unique(before_NT.ravel(), return_inverse=True)
    smooth_VC = count_CC[different_V].toarray() + k
    share_VC = smooth_VC / (seen_C[different_V][:, None] + k * count_CC.shape[1])
    return np.log(share_VC).astype(np.float32)[place_M].reshape(*before_NT.shape, -1)


def _pairs(rows: Rows, state: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The state before each token that is told, and the token."""
    there_NT = rows.target_N != PADDING
    return state(rows.inputs[0])[there_NT], rows.target_N[there_NT]
