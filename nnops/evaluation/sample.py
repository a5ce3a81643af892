"""Sampling: a text gone on with, token by token, by anything that tells the logits of the next one.

Legend of shape suffixes: T tokens of a block, C tokens of the vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nnops.errors import InputError
from nnops.metrics.tokens import UNSAID

#: From the inputs of some rows to their logits ``[B, T, C]``.
Predict = Callable[[tuple[np.ndarray, ...]], np.ndarray]


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn.

    Attributes:
        temperature: What logits are divided by; 0 takes the likeliest token.
        top_k: The likeliest tokens that may be drawn; nothing set: all.
        top_p: The least share that the likeliest tokens must make, the others being left out (nucleus sampling,
            Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1).
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def check(self) -> None:
        """Check the values.

        Raises:
            InputError: One is out of its range.
        """
        if not 0 <= self.temperature < float("inf"):
            raise InputError(
                f"--temperature must be 0 (the likeliest token) or above, such as 0.8, got {self.temperature:g}."
            )
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"--top-k must be at least 1, or left out to draw from all tokens, got {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise InputError(f"--top-p must be above 0 and at most 1, or left out, got {self.top_p:g}.")

    def shares(self, logit_C: np.ndarray) -> np.ndarray:
        """The probability of each token to be drawn, float64 ``[C]``; padding and the unknown one are never drawn."""
        if self.temperature == 0:
            return np.eye(len(logit_C))[UNSAID + int(logit_C[UNSAID:].argmax())]
        scaled_C = logit_C.astype(np.float64)
        scaled_C[:UNSAID] = -np.inf
        scaled_C = (scaled_C - scaled_C.max()) / self.temperature
        order_C = np.argsort(-scaled_C, kind="stable")
        if self.top_k is not None:
            scaled_C[order_C[self.top_k :]] = -np.inf
        share_C = np.exp(scaled_C)
        share_C /= share_C.sum()
        if self.top_p < 1:
            # A token stays where those before it do not make the share by themselves.
            before_C = np.cumsum(share_C[order_C]) - share_C[order_C]
            share_C[order_C[before_C >= self.top_p]] = 0.0
            share_C /= share_C.sum()
        return share_C

    def draw(self, logit_C: np.ndarray, generator: np.random.Generator) -> int:
        """A token; one number of the generator decides."""
        edge_C = np.cumsum(self.shares(logit_C))
        # Rounding may put a draw on the last edge.
        return int(np.searchsorted(edge_C, generator.random() * edge_C[-1], side="right").clip(0, len(edge_C) - 1))


def go_on(
    predict: Predict, start: Sequence[int], steps: int, sampling: Sampling, generator: np.random.Generator
) -> Iterator[int]:
    """Tokens that follow, without an end.

    Args:
        predict: Tells logits of the next token at each of a block's tokens.
        start: Tokens before, at least one; the model sees as many of the last ones as a block holds.
        steps: T.
        sampling: How a token is drawn.
        generator: Where draws come from.
    """
    known = list(start)
    while True:
        seen = known[-steps:]
        text_1T = np.zeros((1, steps), np.int64)
        text_1T[0, : len(seen)] = seen
        token = sampling.draw(predict((text_1T,))[0, len(seen) - 1], generator)
        known.append(token)
        yield token
