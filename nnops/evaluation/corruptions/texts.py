"""Damage of texts, token by token; a text keeps at least one."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from nnops.data.tokenizer import PADDING, UNKNOWN
from nnops.evaluation.corruptions.base import Corruption, Ground, Inputs

SHARE = (0.05, 0.1, 0.2, 0.3, 0.5)


class _Words(Corruption):
    """Changes the tokens of each text."""

    inputs: ClassVar[tuple[str, ...]] = ("text",)

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        (text_NT,) = inputs
        changed = np.full_like(text_NT, PADDING)
        for row, text_T in enumerate(text_NT):
            tokens = self.change(text_T[text_T != PADDING], SHARE[severity - 1], generator)
            changed[row, : len(tokens)] = tokens
        return (changed,)

    @abstractmethod
    def change(self, token_T: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
        """Other tokens for those of a text, at most as many."""


class MissingWords(_Words):
    """Words are left out."""

    def change(self, token_T: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
        """See :class:`Corruption`."""
        kept = token_T[generator.random(len(token_T)) >= share]
        return kept if len(kept) else token_T[:1]


class SwappedWords(_Words):
    """Neighbours have changed places."""

    def change(self, token_T: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
        """See :class:`Corruption`."""
        changed = token_T.copy()
        for place in np.flatnonzero(generator.random(max(len(token_T) - 1, 0)) < share):
            changed[[place, place + 1]] = changed[[place + 1, place]]
        return changed


class UnknownWords(_Words):
    """Words are misspelt, or new, so that nobody has seen them."""

    def change(self, token_T: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
        """See :class:`Corruption`."""
        return np.where(generator.random(len(token_T)) < share, UNKNOWN, token_T)
