"""Decoding: a text answered token by token, by anything that tells the logits of an answer's tokens.

Legend of shape suffixes: N B rows, S tokens of a text, T tokens of an answer, K hypotheses, C tokens of the vocabulary.
"""

from collections.abc import Callable

import numpy as np

from nnops.errors import InputError
from nnops.metrics.tokens import END, UNSAID, likeliest

#: From texts and answers, moved on by one token, to logits ``[B, T, C]``.
Predict = Callable[[tuple[np.ndarray, ...]], np.ndarray]


def greedy(predict: Predict, text_NS: np.ndarray, steps: int) -> np.ndarray:
    """Answers of which each token is the likeliest one after those before it.

    Args:
        predict: The model.
        text_NS: Texts, int64.
        steps: T; an answer that has no end by then is cut off.

    Returns:
        int64 ``[N, T]``: tokens, the end among them, then padding.
    """
    answer_NT = np.zeros((len(text_NS), steps), np.int64)
    open_B = np.arange(len(text_NS))
    for place in range(steps):
        output_BTC = predict((text_NS[open_B], moved(answer_NT[open_B])))
        said_B = likeliest(output_BTC[:, place : place + 1])[:, 0]
        answer_NT[open_B, place] = said_B
        open_B = open_B[said_B != END]
        if not len(open_B):
            break
    return answer_NT


def beam(predict: Predict, text_NS: np.ndarray, steps: int, width: int, penalty: float) -> np.ndarray:
    """Answers found by beam search: at each step the ``width`` likeliest beginnings are kept, fewer as some end.

    Of those that ended the one of the best score is taken, see :func:`score`. With ``width`` 1 it is :func:`greedy`.

    Args:
        predict: The model.
        text_NS: Texts, int64.
        steps: T; a beginning that has no end by then is an answer, cut off.
        width: Beginnings that are kept.
        penalty: Of :func:`score`.

    Returns:
        As :func:`greedy`.
    """
    return np.stack([_search(predict, text_S, steps, width, penalty) for text_S in text_NS])


def check_beam(width: int, penalty: float) -> None:
    """Check the options of a beam search.

    Raises:
        InputError: One is out of its range.
    """
    if width < 1:
        raise InputError(f"--beam must be at least 1 (1 takes the likeliest token at each step), got {width}.")
    if not 0 <= penalty < float("inf"):
        raise InputError(f"--length-penalty must be 0 (short answers are likelier) or above, got {penalty:g}.")


def moved(answer_BT: np.ndarray) -> np.ndarray:
    """Answers moved on by one token, an end before them: what a model sees of them.

    >>> moved(np.array([[5, 6, 2, 0]])).tolist()
    [[2, 5, 6, 2]]
    """
    first_B1 = np.full((len(answer_BT), 1), END, np.int64)
    return np.concatenate([first_B1, answer_BT[:, :-1]], 1)


def score(likelihood: float, length: int, penalty: float) -> float:
    """``log P(Y | X) / lp(Y)``, ``lp(Y) = ((5 + |Y|) / (5 + 1))^alpha``.

    Wu et al. 2016, "Google's neural machine translation system", equation 14, without the part for coverage.

    Args:
        likelihood: ``log P(Y | X)``.
        length: ``|Y|``, the end counted.
        penalty: ``alpha``: 0 compares likelihoods, 1 nearly the mean of a token.
    """
    return likelihood / ((5 + length) / 6) ** penalty


def _search(predict: Predict, text_S: np.ndarray, steps: int, width: int, penalty: float) -> np.ndarray:
    """The answer to one text, ``[T]``."""
    begun_KT, likelihood_K = np.zeros((1, steps), np.int64), np.zeros(1)
    best, answer_T, ended = -np.inf, begun_KT[0], 0
    for place in range(steps):
        output_KTC = predict((np.repeat(text_S[None], len(begun_KT), 0), moved(begun_KT)))
        total_KC = likelihood_K[:, None] + _log_shares(output_KTC[:, place])
        order = np.argsort(-total_KC, axis=None, kind="stable")[: width - ended]
        order = order[np.isfinite(total_KC.ravel()[order])]
        from_K, said_K = np.unravel_index(order, total_KC.shape)
        begun_KT, likelihood_K = begun_KT[from_K], total_KC[from_K, said_K]
        begun_KT[:, place] = said_K
        over_K = (said_K == END) | (place == steps - 1)
        for row in np.flatnonzero(over_K):
            ended += 1
            reached = score(likelihood_K[row], place + 1, penalty)
            if reached > best:
                best, answer_T = reached, begun_KT[row]
        begun_KT, likelihood_K = begun_KT[~over_K], likelihood_K[~over_K]
        # What goes on only gets less likely, and at best it is divided by the largest length.
        if not len(begun_KT) or best >= score(likelihood_K.max(), steps, penalty):
            break
    return answer_T


def _log_shares(logit_KC: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, float64; padding and the unknown token are never said."""
    logit_KC = logit_KC.astype(np.float64)
    top_K1 = logit_KC.max(1, keepdims=True)
    log_KC = logit_KC - top_K1 - np.log(np.exp(logit_KC - top_K1).sum(1, keepdims=True))
    log_KC[:, :UNSAID] = -np.inf
    return log_KC
