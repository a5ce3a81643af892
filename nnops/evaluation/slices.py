"""Slices: groups of rows on which a model is worse than elsewhere, found without being told where to look.

After Chung et al. 2019, "Slice Finder: automated data slicing for model validation": all groups that one or two
literals describe are tested for a greater loss than that of the other rows (Welch's t), the share of false finds is
held (Benjamini and Hochberg 1995), and those with a small effect are left out.

Legend of shape suffixes: N rows, L literals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from nnops.data.prepared import Prepared
from nnops.evaluation.literals import Literal, literals
from nnops.metrics.predictions import Predictions

#: Fewest rows of a slice, and their least share of the split.
LEAST, SHARE = 30, 0.02
#: Least effect: how much greater the mean loss is, in standard deviations.
EFFECT = 0.2
#: The share of false finds that is allowed.
FALSE = 0.05
#: A second literal must raise the mean loss of the slice by this factor.
WORTH = 1.15
#: Two slices that share more of their rows than this are one.
ALIKE = 0.6


@dataclass(frozen=True)
class Slice:
    """A group of rows on which the model is worse.

    Attributes:
        text: What its rows have in common.
        place_M: Which rows.
        loss: Their mean loss over that of the other rows.
    """

    text: str
    place_M: np.ndarray
    loss: float


def find_slices(predictions: Predictions, data: Prepared, count: int) -> list[Slice]:
    """The worst slices of test, the one with the greatest mean loss first.

    Args:
        predictions: Of the rows of test.
        data: The prepared data.
        count: At most so many.
    """
    rows = len(predictions)
    least = max(LEAST, round(SHARE * rows))
    if not count or rows < 2 * least:
        return []
    said = [one for one in literals(data, "test", predictions) if least <= one.there_N.sum() <= rows - least]
    if not said:
        return []
    loss_N = row_loss(predictions)
    found = _worst(said, loss_N, least)
    chosen: list[Slice] = []
    for one in found:
        mask_N = np.zeros(rows, bool)
        mask_N[one.place_M] = True
        if all(_overlap(mask_N, other.place_M) <= ALIKE for other in chosen):
            chosen.append(one)
        if len(chosen) == count:
            break
    return chosen


def row_loss(predictions: Predictions) -> np.ndarray:
    """How wrong the model is on each row, float64: -log p of the truth, the absolute error, or the share of pixels."""
    if predictions.task == "segmentation":
        count_NCC = predictions.pixels_NCC
        return 1 - np.trace(count_NCC, axis1=1, axis2=2) / count_NCC.sum((1, 2))
    if predictions.task == "regression":
        return predictions.distance_N
    return predictions.surprise_N


def _worst(said: Sequence[Literal], loss_N: np.ndarray, least: int) -> list[Slice]:
    """All slices that are significantly worse, the worst first."""
    rows, total, squares = len(loss_N), loss_N.sum(), (loss_N**2).sum()
    there_NL = np.stack([one.there_N for one in said], 1).astype(np.float64)
    # Single literals stand on the diagonal.
    count_LL = there_NL.T @ there_NL
    sum_LL = there_NL.T @ (loss_N[:, None] * there_NL)
    square_LL = there_NL.T @ (loss_N[:, None] ** 2 * there_NL)
    pairs = [
        (a, b)
        for a in range(len(said))
        for b in range(a, len(said))
        if least <= count_LL[a, b] <= rows - least and (a == b or said[a].about != said[b].about)
    ]
    first, second = (np.array(part) for part in zip(*pairs, strict=True))
    inside, outside = count_LL[first, second], rows - count_LL[first, second]
    mean = sum_LL[first, second] / inside
    other = (total - sum_LL[first, second]) / outside
    spread = np.maximum(square_LL[first, second] / inside - mean**2, 0)
    spread_other = np.maximum((squares - square_LL[first, second]) / outside - other**2, 0)
    gap = mean - other
    error = np.sqrt(spread / inside + spread_other / outside)
    t = np.divide(gap, error, out=np.zeros_like(gap), where=error > 0)
    effect = np.divide(
        gap, np.sqrt((spread + spread_other) / 2), out=np.zeros_like(gap), where=spread + spread_other > 0
    )
    kept = _significant(np.array([0.5 * erfc(value / sqrt(2)) for value in t])) & (effect >= EFFECT)
    alone = {a: mean[place] for place, (a, b) in enumerate(pairs) if a == b}
    found: list[tuple[float, int]] = []
    for place in np.flatnonzero(kept).tolist():
        a, b = pairs[place]
        if a != b and mean[place] < WORTH * max(alone.get(a, 0.0), alone.get(b, 0.0)):
            continue
        found.append((-float(mean[place]), place))
    slices: list[Slice] = []
    for _, place in sorted(found):
        a, b = pairs[place]
        text = said[a].text if a == b else f"{said[a].text} and {said[b].text}"
        rows_M = np.flatnonzero(said[a].there_N & said[b].there_N)
        slices.append(Slice(text, rows_M, float(mean[place] / other[place]) if other[place] > 0 else float("inf")))
    return slices


def _significant(p: np.ndarray) -> np.ndarray:
    """Which tests are positive with at most ``FALSE`` false ones among them (Benjamini and Hochberg 1995)."""
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= FALSE * np.arange(1, len(p) + 1) / len(p))
    kept = np.zeros(len(p), bool)
    if len(below):
        kept[order[: below[-1] + 1]] = True
    return kept


def _overlap(mask_N: np.ndarray, place_M: np.ndarray) -> float:
    """The share of rows that two slices have in common (Jaccard)."""
    both = int(mask_N[place_M].sum())
    return both / (int(mask_N.sum()) + len(place_M) - both)
