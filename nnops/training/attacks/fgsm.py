"""FGSM: one step along the sign of the gradient."""

from collections.abc import Callable
from typing import Self

from torch import Tensor

from nnops.training.attacks.base import Attack, Reach


class Fgsm(Attack):
    """x' = x + epsilon sign(dL/dx) (Goodfellow et al. 2015, "Explaining and harnessing adversarial examples", (1))."""

    @classmethod
    def examples(cls) -> list[Self]:
        """The usual distance, and a long one."""
        return [cls(), cls(epsilon=0.3)]

    def move(self, slope: Callable[[Tensor], Tensor], start: Tensor, reach: Reach) -> Tensor:
        """See :class:`Attack`."""
        return reach.within(start + self.epsilon * reach.scale * slope(start).sign(), start, self.epsilon)
