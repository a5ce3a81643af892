"""Random swap: texts with some words in each other's place."""

import random
from typing import Self

from nnops.data.augmentations.words import Rewriting, Word


class RandomSwap(Rewriting):
    """Two words change places, as often as ``share`` of the words says.

    Wei and Zou 2019, section 2, operation RS.
    """

    @classmethod
    def examples(cls) -> list[Self]:
        """The usual share, and more of every text."""
        return [cls(), cls(share=0.3, probability=1.0)]

    def change(self, words: list[Word], chance: random.Random) -> list[Word]:
        """See :class:`Rewriting`."""
        words = list(words)
        for first in self.draw_places(range(len(words)), len(words), chance):
            other = int(chance.random() * len(words))
            words[first], words[other] = words[other], words[first]
        return words
