"""Does an explanation look at the model at all? (Adebayo et al. 2018, "Sanity checks for saliency maps", section 3).

The weights are randomised and the same rows are explained again. Values that stay as they were speak of the data, not
of what was learned.
"""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Subject
from nnops.seeding import torch_stream

#: Rows that are explained again, by so many randomised networks.
ROWS, DRAWS = 16, 3
#: From this rank correlation on, nearly nothing has changed.
SAME = 0.9


def randomise(module: nn.Module, seed: int) -> nn.Module:
    """A copy whose weights are shuffled within each tensor: their spread stays, what they learned goes."""
    fresh, draw = copy.deepcopy(module), torch_stream(seed, "randomise")
    with torch.no_grad():
        for weight in fresh.parameters():
            flat = weight.flatten()
            weight.copy_(flat[torch.randperm(len(flat), generator=draw)].reshape(weight.shape))
    return fresh


def likeness(one: Explanation, other: Explanation) -> float:
    """The mean rank correlation of values, 0 where one of them says nothing.

    Of images, texts and windows it is that of the sizes within each row, as an eye sees them. Columns are too few for
    that: all rows' values are ranked together, with their signs.
    """
    found = [_ranked(a, b) for a, b in zip(_values(one), _values(other), strict=True)]
    return float(np.mean(found))


def check(method: Method, subject: Subject, explanation: Explanation) -> float:
    """The likeness to what the method says of randomised networks, the mean over a few of them."""
    few = subject.first(ROWS)
    known = explanation if len(subject) == len(few) else method.explain(few)
    return float(
        np.mean(
            [
                likeness(known, method.explain(replace(few, module=randomise(subject.module, subject.seed + draw))))
                for draw in range(DRAWS)
            ]
        )
    )


def _values(explanation: Explanation) -> list[np.ndarray]:
    value = explanation.value
    if explanation.form == "importance":
        return [value.mean(0)]
    if explanation.form == "curves":
        return [(value - np.nanmean(value, 1, keepdims=True)).ravel()]
    if explanation.form == "columns":
        return [value.ravel()]
    return list(np.abs(value).reshape(len(value), -1))


def _ranked(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation."""
    from scipy.stats import rankdata

    # What is 0 either way was not there: padding, black pixels, variables that are not looked at.
    known = np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))
    rank_a, rank_b = rankdata(a[known]), rankdata(b[known])
    spread = rank_a.std() * rank_b.std() if known.sum() > 1 else 0.0
    if not spread:
        return 0.0
    return float(((rank_a - rank_a.mean()) * (rank_b - rank_b.mean())).mean() / spread)
