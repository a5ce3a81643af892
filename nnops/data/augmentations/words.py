"""Augmentations of texts: rows of tokens as words, changed as a person would, and back.

After Wei and Zou 2019, "EDA: Easy data augmentation techniques for boosting performance on text classification tasks".
They work on tokens, so the vocabulary stays the one that was fitted on the train split.
"""

import random
from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, PrivateAttr
from torch import Generator, Tensor

from nnops.data.augmentations.base import About, Augmentation, Rows
from nnops.data.tokenizer import PADDING, Tokenizer

#: The tokens of one word.
Word = tuple[int, ...]


class Rewriting(Augmentation):
    """Changes the words of some rows; a text that grows is cut at its end, as any text is."""

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel", "regression")

    share: float = Field(default=0.1, gt=0, lt=1, description="Of a text's words that change, at least one word")
    probability: float = Field(default=0.5, gt=0, le=1, description="Of a text to be changed at all")

    _begins: np.ndarray = PrivateAttr()
    _tokenizer: Tokenizer = PrivateAttr()

    def fitted(self, about: About) -> Self:
        """See :class:`Augmentation`."""
        assert about.tokenizer is not None
        fitted = self.model_copy()
        fitted._tokenizer = about.tokenizer
        fitted._begins = about.tokenizer.begins_words()
        return fitted

    @abstractmethod
    def change(self, words: list[Word], chance: random.Random) -> list[Word]:
        """Other words for those of a text, at least one; only ``chance.random()`` is drawn from."""

    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """See :class:`Augmentation`."""
        (text_BT,) = inputs
        chance = random.Random(int(torch.randint(0, 2**62, (), generator=generator)))
        rows = text_BT.cpu().numpy().copy()
        for row in rows:
            if chance.random() >= self.probability:
                continue
            before, after = len(self._tokenizer.before), len(self._tokenizer.after)
            tokens = row[row != PADDING].tolist()
            words = split_words(tokens[before : len(tokens) - after], self._begins)
            changed = [token for word in self.change(words, chance) for token in word]
            row[:] = self._tokenizer.pad([changed])[0]
        return (torch.from_numpy(rows).to(text_BT.device),), target_B

    def draw_places(self, among: Sequence[int], words: int, chance: random.Random) -> list[int]:
        """Different ones of some places in a text of ``words`` words: as many as ``share`` says, in a random order."""
        places = list(among)
        count = min(max(1, round(self.share * words)), len(places))
        for first in range(count):
            other = first + int(chance.random() * (len(places) - first))
            places[first], places[other] = places[other], places[first]
        return places[:count]


def split_words(tokens: list[int], begins: np.ndarray) -> list[Word]:
    """Tokens as words.

    >>> split_words([4, 5, 6, 4], np.array([0, 1, 1, 1, 1, 0, 1], bool))
    [(4, 5), (6,), (4,)]
    """
    starts = [0, *(place for place in range(1, len(tokens)) if begins[tokens[place]]), len(tokens)]
    return [tuple(tokens[start:end]) for start, end in pairwise(starts)]
