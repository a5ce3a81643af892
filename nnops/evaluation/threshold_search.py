"""Thresholds that are found: the best one for a metric, and one for each group that brings the groups together.

Hardt et al. 2016, "Equality of opportunity in supervised learning", section 3, with thresholds that are not drawn: for
each point of the largest group's ROC curve, every other group takes its own point that is nearest to it, its cost
counted in; of all these choices that give up no more of the metric than allowed, the one is taken whose groups are
least apart.

Legend of shape suffixes: N rows, M rows of a group, K candidates for a threshold, A those of the largest group.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nnops.evaluation.groups import FEWEST, FEWEST_OF_RATE
from nnops.params import Threshold

#: Candidates of a group, even in its ranking.
CANDIDATES = 512
#: How much a point's cost counts beside its distance, tried one after the other.
PRICES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: What is held equal: rates of each goal.
GOALS = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("tpr",),
    "equalized_odds": ("tpr", "fpr"),
}


@dataclass(frozen=True)
class Sweep:
    """What every threshold gives, from above the highest score to below the lowest.

    Attributes:
        cut_K: Logits, falling.
        hit_K: Positive rows above each, float64.
        false_K: Negative rows above each, float64.
        positives: Positive rows in all.
        negatives: Negative rows in all.
    """

    cut_K: np.ndarray
    hit_K: np.ndarray
    false_K: np.ndarray
    positives: int
    negatives: int

    def rate(self, name: str) -> np.ndarray:
        """A rate or a metric at each threshold; 0 where it is not defined."""
        hit_K, false_K = self.hit_K, self.false_K
        called_K = hit_K + false_K
        positives, negatives = max(self.positives, 1), max(self.negatives, 1)
        right_K = hit_K + self.negatives - false_K
        return {
            "selection_rate": called_K / (self.positives + self.negatives),
            "tpr": hit_K / positives,
            "fpr": false_K / negatives,
            "accuracy": right_K / (self.positives + self.negatives),
            "balanced_accuracy": (hit_K / positives + (self.negatives - false_K) / negatives) / 2,
            "f1": 2 * hit_K / np.maximum(called_K + self.positives, 1),
        }[name]

    def some(self, most: int) -> "Sweep":
        """At most so many of the thresholds, even in the ranking."""
        if len(self.cut_K) <= most:
            return self
        kept = np.unique(np.linspace(0, len(self.cut_K) - 1, most).round().astype(np.int64))
        return replace(self, cut_K=self.cut_K[kept], hit_K=self.hit_K[kept], false_K=self.false_K[kept])


def sweep(score_N: np.ndarray, truth_N: np.ndarray) -> Sweep:
    """Every threshold between two scores that differ, and one beyond them on either side.

    >>> found = sweep(np.array([2.0, 1.0, -1.0]), np.array([1, 0, 1]))
    >>> found.cut_K.tolist(), found.hit_K.tolist()
    ([3.0, 1.5, 0.0, -2.0], [0.0, 1.0, 1.0, 2.0])
    """
    order_N = np.argsort(-score_N, kind="stable")
    sorted_N, hit_N = score_N[order_N], np.cumsum(truth_N[order_N] == 1)
    last = np.append(np.flatnonzero(np.diff(sorted_N)), len(sorted_N) - 1)
    middle = (sorted_N[last[:-1]] + sorted_N[last[:-1] + 1]) / 2
    hit_K = np.append(0.0, hit_N[last])
    return Sweep(
        cut_K=np.concatenate([[sorted_N[0] + 1], middle, [sorted_N[-1] - 1]]),
        hit_K=hit_K,
        false_K=np.append(0.0, last + 1.0) - hit_K,
        positives=int(hit_N[-1]),
        negatives=len(score_N) - int(hit_N[-1]),
    )


def best(found: Sweep, metric: str) -> float:
    """The logit that makes a metric best; of equally good ones the nearest to a probability of 1/2."""
    value_K = found.rate(metric)
    top_K = np.flatnonzero(value_K >= value_K.max() - 1e-12)
    return float(found.cut_K[top_K[np.abs(found.cut_K[top_K]).argmin()]])


def bring_together(
    score_N: np.ndarray, truth_N: np.ndarray, rows: Mapping[str, np.ndarray], cut: float, asked: Threshold
) -> dict[str, float]:
    """Thresholds of groups that bring them together, by what is asked for.

    Args:
        score_N: Logits.
        truth_N: 0 or 1.
        rows: Places of the rows of each group.
        cut: The logit that makes the metric best for all together.
        asked: The goal, the metric and what of it may be given up.

    Returns:
        Logits of the groups that have rows enough, and of both classes; of fewer than two such groups, nothing.
    """
    classes = [int((truth_N == code).sum()) for code in (0, 1)]
    whole = {name: sweep(score_N[row_M], truth_N[row_M]) for name, row_M in rows.items() if len(row_M) >= FEWEST}
    sweeps = {name: each for name, each in whole.items() if min(each.positives, each.negatives) >= FEWEST_OF_RATE}
    if len(sweeps) < 2:
        return {}
    some = {name: each.some(CANDIDATES) for name, each in sweeps.items()}
    gains = {name: _gain(each, classes, asked.metric) for name, each in some.items()}
    points = {name: np.stack([each.rate(rate) for rate in GOALS[asked.goal]], 1) for name, each in some.items()}
    common = {name: int(np.abs(each.cut_K - cut).argmin()) for name, each in some.items()}
    least = sum(float(gains[name][common[name]]) for name in some) - asked.cost
    (anchor, *others) = sorted(some, key=lambda name: -(some[name].positives + some[name].negatives))
    chosen: tuple[float, float, dict[str, int]] | None = None
    for price in PRICES:
        lows, highs, gain_A = points[anchor].copy(), points[anchor].copy(), gains[anchor].copy()
        taken = {anchor: np.arange(len(gain_A))}
        for name in others:
            apart_AK = np.abs(points[anchor][:, None] - points[name]).max(2)
            taken[name] = (apart_AK + price * (gains[name].max() - gains[name])).argmin(1)
            point = points[name][taken[name]]
            lows, highs = np.minimum(lows, point), np.maximum(highs, point)
            gain_A += gains[name][taken[name]]
        gap_A = np.where(gain_A >= least - 1e-12, (highs - lows).max(1), np.inf)
        place = int(np.lexsort((-gain_A, gap_A))[0])
        found = (float(gap_A[place]), -float(gain_A[place]), {name: int(k[place]) for name, k in taken.items()})
        if np.isfinite(found[0]) and (chosen is None or found[:2] < chosen[:2]):
            chosen = found
    places = common if chosen is None else chosen[2]
    return {name: float(some[name].cut_K[places[name]]) for name in some}


def _gain(each: Sweep, classes: list[int], metric: str) -> np.ndarray:
    """What a group adds to the metric of all rows, at each of its thresholds."""
    negatives, positives = classes
    right_K = each.negatives - each.false_K
    if metric == "accuracy":
        return (each.hit_K + right_K) / (positives + negatives)
    return (each.hit_K / positives + right_K / negatives) / 2
