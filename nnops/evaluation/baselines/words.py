"""What the linear baseline sees of a text: how often each word and each pair of neighbours occurs, weighed by rarity.

Salton and Buckley 1988: tf-idf with logarithmic counts, rows of length one.

Legend of shape suffixes: N rows, T tokens, F words and pairs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Padding and the unknown word, of which nothing is told.
NOTHING = 2


@dataclass(frozen=True)
class Words:
    """Words and pairs of neighbours that occur in at least two rows of train, and how rare each is.

    Attributes:
        vocabulary: Number of tokens.
        known_F: Codes of words (below ``vocabulary``) and of pairs, sorted.
        rarity_F: ``log((1 + N) / (1 + rows)) + 1``.
    """

    vocabulary: int
    known_F: np.ndarray
    rarity_F: np.ndarray

    @classmethod
    def fit(cls, text_NT: np.ndarray, vocabulary: int, most: int) -> Self:
        """Find the most frequent ``most`` of them."""
        row_M, code_M = _codes(text_NT, vocabulary)
        pairs_M2 = np.unique(np.stack([code_M, row_M], 1), axis=0)
        known_F, rows_F = np.unique(pairs_M2[:, 0], return_counts=True)
        order = np.argsort(-rows_F, kind="stable")[:most]
        kept = np.sort(order[(rows_F[order] > 1) | (known_F[order] < vocabulary)])
        return cls(vocabulary, known_F[kept], np.log((1 + len(text_NT)) / (1 + rows_F[kept])) + 1)

    def matrix(self, text_NT: np.ndarray) -> "csr_matrix":
        """``[N, F]`` float64, sparse."""
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        row_M, code_M = _codes(text_NT, self.vocabulary)
        place_M = np.minimum(np.searchsorted(self.known_F, code_M), len(self.known_F) - 1)
        known_M = self.known_F[place_M] == code_M
        shape = (len(text_NT), len(self.known_F))
        # Where a word stands several times in a row, its ones add up.
        counts = csr_matrix((np.ones(known_M.sum()), (row_M[known_M], place_M[known_M])), shape=shape)
        counts.data = (1 + np.log(counts.data)) * self.rarity_F[counts.indices]
        return cast("csr_matrix", normalize(counts, copy=False))


def _codes(text_NT: np.ndarray, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """The row and the code of each known word, then of each pair of known neighbours."""
    first_NT, second_NT = text_NT[:, :-1].astype(np.int64), text_NT[:, 1:].astype(np.int64)
    word_row, word_place = np.nonzero(text_NT >= NOTHING)
    pair_row, pair_place = np.nonzero((first_NT >= NOTHING) & (second_NT >= NOTHING))
    pairs = vocabulary * first_NT[pair_row, pair_place] + second_NT[pair_row, pair_place]
    return np.concatenate([word_row, pair_row]), np.concatenate([text_NT[word_row, word_place], vocabulary + pairs])
