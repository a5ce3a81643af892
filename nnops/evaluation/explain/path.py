"""Gradients along the way from a baseline to a row (Sundararajan et al. 2017, eq. 1), codes by their vectors.

Numbers go a straight way from the baseline to the row. A code has no numbers between, but its vector has: where the
network looks codes up in an ``nn.Embedding``, the vector goes the straight way instead. The integral is a
Gauss-Legendre sum, whose points are doubled until the values add up to the difference of the answers.

Legend of shape suffixes: B batch, N rows, P points of the sum, T tokens, K codes, D width of a vector.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from nnops.batch import WHOLE
from nnops.errors import InputError
from nnops.evaluation.explain.subject import Subject

#: Points of the sum: at first, and at most.
FIRST, MOST = 16, 256
#: Numbers of inputs that are on the way at once.
AT_ONCE = 1 << 20


@dataclass
class Walk:
    """One look-up of vectors on the way, met while the network runs.

    Attributes:
        point: The vectors there, which gradients are asked of.
        step: The way from the baseline to the row.
        code: What was looked up.
    """

    point: Tensor
    step: Tensor
    code: Tensor


@dataclass
class Way:
    """Where on the way the network runs: 0 is the baseline, 1 the row.

    Attributes:
        place_B: Of each row of the batch.
        baselines: The vectors that each look-up starts from, in the order of the calls; empty: zeros.
        walks: What was met.
    """

    place_B: Tensor | None = None
    baselines: list[Tensor] = field(default_factory=list[Tensor])
    walks: list[Walk] = field(default_factory=list[Walk])


@contextmanager
def on_the_way(module: nn.Module) -> Iterator[Way]:
    """Look-ups of the network's vectors go on the way, as long as this is open."""
    way = Way()

    def walk(_: nn.Module, given: tuple[Tensor, ...], vector: Tensor) -> Tensor | None:
        code = given[0]
        if way.place_B is None or code.shape[0] != len(way.place_B):
            # Places of tokens, the same for all rows.
            return None
        start = way.baselines[len(way.walks)] if way.baselines else torch.zeros_like(vector[:1])
        step = (vector - start).detach()
        place = way.place_B.view(-1, *[1] * (vector.ndim - 1)).to(vector.dtype)
        point = (start + place * step).detach().requires_grad_()
        way.walks.append(Walk(point, step, code))
        return point

    hooks = [each.register_forward_hook(walk) for each in module.modules() if isinstance(each, nn.Embedding)]
    try:
        yield way
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True)
class Integral:
    """What the way adds up to.

    Attributes:
        parts: What was added, float64: by each input of numbers in its shape, then by each look-up ``[N]``, ``[N, T]``.
        first: The background's codes of each look-up, where they start from its mean.
        base_N: The answer at the baseline.
        score_N: The answer at the row.
        points: Of the sum.
        error: The largest that the parts miss the difference by, as a share of the mean difference.
    """

    parts: list[np.ndarray]
    first: list[Tensor]
    base_N: np.ndarray
    score_N: np.ndarray
    points: int
    error: float


def integrate(subject: Subject, baselines: Sequence[np.ndarray | None], codes: bool, tolerance: float) -> Integral:
    """Integrate the gradient of the chosen answer's score along the way.

    Args:
        subject: What is explained.
        baselines: Of each input, ``[N or 1, ...]``; None where it is looked up.
        codes: Whether look-ups start from the mean vector of the background (columns), else from zeros (tokens).
        tolerance: How much the sum may miss.

    Raises:
        InputError: Codes or tokens are an input, but the network looks none up.
    """
    points = FIRST
    while True:
        found = _integrate(subject, baselines, codes, points)
        if found.error <= tolerance or points >= MOST:
            return found
        points *= 2


def _integrate(subject: Subject, baselines: Sequence[np.ndarray | None], codes: bool, points: int) -> Integral:
    node_P, weight_P = np.polynomial.legendre.leggauss(points)
    # The two ends of the way are asked beside: their answers are what the sum is held against.
    place_P = np.concatenate([[0.0, 1.0], 0.5 * (node_P + 1)])
    weight_P = np.concatenate([[0.0, 0.0], 0.5 * weight_P])
    size = max(1, sum(int(np.prod(shape)) for shape in subject.spec.shapes))
    some = max(1, min(256, AT_ONCE // (size * len(place_P))))
    pieces: list[tuple[list[Tensor], Tensor]] = []
    first: list[Tensor] = []
    with on_the_way(subject.module) as way:
        if codes:
            first = _start_at_means(subject, way)
        for start in range(0, len(subject), some):
            pieces.append(_piece(subject, baselines, way, slice(start, start + some), place_P, weight_P))
    parts = [_stacked(each) for each in zip(*(piece[0] for piece in pieces), strict=True)]
    score_NP = torch.cat([piece[1] for piece in pieces]).numpy()
    base_N, score_N = score_NP[:, 0], score_NP[:, 1]
    whole_N = sum(part.reshape(len(part), -1).sum(1) for part in parts)
    # Answers that hardly differ do so by less than float32 can say.
    least = 1e-4 * float(np.abs(score_N).max()) + 1e-12
    miss = float(np.abs(whole_N - (score_N - base_N)).max() / max(float(np.abs(score_N - base_N).mean()), least))
    return Integral(parts, first, base_N, score_N, points, miss)


def _piece(
    subject: Subject,
    baselines: Sequence[np.ndarray | None],
    way: Way,
    rows: slice,
    place_P: np.ndarray,
    weight_P: np.ndarray,
) -> tuple[list[Tensor], Tensor]:
    """What is added of some rows, and their scores ``[n, P]``."""
    choice = torch.from_numpy(subject.choice_N[rows])
    count, points = len(choice), len(place_P)
    place_B = torch.from_numpy(place_P).repeat(count)
    inputs: list[Tensor] = []
    leaves: list[tuple[Tensor, Tensor]] = []
    for name, array, baseline in zip(subject.spec.inputs, subject.inputs, baselines, strict=True):
        row = torch.from_numpy(array[rows]).repeat_interleave(points, 0)
        if name in WHOLE or baseline is None:
            inputs.append(row)
            continue
        mine = baseline if len(baseline) == 1 else baseline[rows]
        step = row - torch.from_numpy(mine).repeat_interleave(points if len(mine) > 1 else 1, 0)
        place = place_B.view(-1, *[1] * (row.ndim - 1)).to(row.dtype)
        point = (row - (1 - place) * step).detach().requires_grad_()
        leaves.append((point, step))
        inputs.append(point)
    way.place_B, way.walks = place_B, []
    with torch.enable_grad():
        score_BC = subject.scores(inputs)
        score_B = score_BC.gather(1, choice.repeat_interleave(points)[:, None])[:, 0]
        if any(name in WHOLE for name in subject.spec.inputs) and not way.walks:
            raise InputError(
                "integrated gradients follow words to their vectors, but this network looks none up in an nn.Embedding;"
                f" write {'shap' if subject.kind == 'table' else 'occlusion'}."
            )
        all_leaves = [*leaves, *((walk.point, walk.step) for walk in way.walks)]
        slopes = torch.autograd.grad(score_B.sum(), [point for point, _ in all_leaves], allow_unused=True)
    weight_B = torch.from_numpy(np.tile(weight_P, count))
    parts: list[Tensor] = []
    for number, ((_, step), slope) in enumerate(zip(all_leaves, slopes, strict=True)):
        added = torch.zeros_like(step) if slope is None else slope * step
        added = added.double() * weight_B.view(-1, *[1] * (added.ndim - 1))
        added = added.unflatten(0, (count, points)).sum(1)
        parts.append(added if number < len(leaves) else added.sum(-1))
    return parts, score_B.detach().double().reshape(count, points)


def _start_at_means(subject: Subject, way: Way) -> list[Tensor]:
    """Let each look-up start from its mean vector over the background; gives the codes that were looked up."""
    way.place_B, way.baselines, way.walks = torch.ones(len(subject.background[0])), [], []
    with torch.no_grad():
        subject.module(*(torch.from_numpy(each) for each in subject.background))
    walks = way.walks
    way.baselines, way.place_B, way.walks = [walk.step.mean(0, keepdim=True) for walk in walks], None, []
    return [walk.code for walk in walks]


def _stacked(parts: tuple[Tensor, ...]) -> np.ndarray:
    """Parts of all pieces; a piece of texts may be cut shorter than another one."""
    if parts[0].ndim == 2:
        steps = max(part.shape[1] for part in parts)
        parts = tuple(nn.functional.pad(part, (0, steps - part.shape[1])) for part in parts)
    return torch.cat(parts).numpy()
