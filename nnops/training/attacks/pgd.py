"""PGD: several steps along the sign of the gradient, each brought back into reach."""

from collections.abc import Callable
from typing import Self

import torch
from pydantic import Field
from torch import Tensor

from nnops.training.attacks.base import Attack, Reach


class Pgd(Attack):
    """Projected gradient descent from a random start in the box of half width epsilon.

    Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks", section 2.1.
    """

    steps: int = Field(default=10, ge=1, le=1000, description="Gradients that are taken")
    step: float | None = Field(
        default=None, gt=0, description="Length of a step; nothing set: 2.5 epsilon over the number of steps"
    )

    @classmethod
    def examples(cls) -> list[Self]:
        """The usual distance, and a few long steps."""
        return [cls(), cls(epsilon=0.3, steps=3, step=0.1)]

    def move(self, slope: Callable[[Tensor], Tensor], start: Tensor, reach: Reach) -> Tensor:
        """See :class:`Attack`."""
        length = self.step or 2.5 * self.epsilon / self.steps
        drawn = torch.rand(start.shape, device=start.device) * 2 - 1
        moved = reach.within(start + self.epsilon * reach.scale * drawn, start, self.epsilon)
        for _ in range(self.steps):
            moved = reach.within(moved + length * reach.scale * slope(moved).sign(), start, self.epsilon)
        return moved
