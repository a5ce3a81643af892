"""L1 and L2 terms: what is added to the loss for the size of the weights.

They are a part of what is minimised, so they pass through the optimizer's memory as the loss does; weight decay of
adamw does not (Loshchilov and Hutter 2019). The losses that are reported leave them out, so that train and val compare.
Weights of one dimension (biases, scales of a normalisation) are spared (Goodfellow et al. 2016, section 7.1).
"""

# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor


class Penalty:
    """l1 * sum |w| + l2 * sum w^2, by its slope l1 * sign(w) + 2 * l2 * w.

    Args:
        weights: All that are trained.
        l1: At least 0.
        l2: At least 0.
    """

    def __init__(self, weights: list[Tensor], l1: float, l2: float) -> None:
        self._l1, self._l2 = l1, l2
        self._places = [place for place, weight in enumerate(weights) if weight.ndim > 1]
        self._weights = [weights[place].detach() for place in self._places]

    def add(self, gradients: list[Tensor]) -> None:
        """Add the slope to gradients, in place; they are in the order of all weights."""
        chosen = [gradients[place] for place in self._places]
        if not chosen:
            return
        if self._l2:
            torch._foreach_add_(chosen, self._weights, alpha=2 * self._l2)
        if self._l1:
            torch._foreach_add_(chosen, torch._foreach_sign(self._weights), alpha=self._l1)
