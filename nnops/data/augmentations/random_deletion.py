"""Random deletion: texts without some of their words."""

import random
from typing import Self

from nnops.data.augmentations.words import Rewriting, Word


class RandomDeletion(Rewriting):
    """Leaves each word out with the probability ``share``; where none would be left, one stays.

    Wei and Zou 2019, section 2, operation RD.
    """

    @classmethod
    def examples(cls) -> list[Self]:
        """The usual share, and more of every text."""
        return [cls(), cls(share=0.3, probability=1.0)]

    def change(self, words: list[Word], chance: random.Random) -> list[Word]:
        """See :class:`Rewriting`."""
        kept = [word for word in words if chance.random() >= self.share]
        return kept or [words[int(chance.random() * len(words))]]
