"""SHAP: what each column of a row adds to the answer, shared out fairly (Lundberg and Lee 2017, eq. 4; Shapley 1953).

phi_k is the mean, over all orders in which columns may become known, of what the answer changes when column k does.
Columns not known yet come from a row of the background, so a row's values add up to its answer less the background's
mean answer. With few columns all subsets are asked. Else orders are drawn for each row of the background, each with its
reverse (Mitchell et al. 2022, "Sampling permutations for Shapley value estimation", section 4.1), and each column is
as often in each place (their section 3: cyclic shifts of an order); then the sum is exact as well.

Legend of shape suffixes: N rows, J rows of the background, M columns, S subsets, E rows asked.
"""

from math import factorial
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Kind, Subject
from nnops.seeding import numpy_stream

#: Rows that are put together at once; what they hold fits the caches.
PIECE = 1 << 15


class Shap(Method):
    """Shapley values of raw columns against a background of train."""

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)

    background: int = Field(default=100, ge=1, description="Rows of train that stand for what is not known")
    orders: int = Field(default=1, ge=1, description="Orders, and their reverses, for each row of the background")
    exact: int = Field(default=5, ge=1, le=10, description="Up to so many columns all subsets are asked")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; every row's values add up to its answer less the mean answer to the background."""
        background = [each[: self.background] for each in subject.background]
        columns = len(subject.features)
        score_N = subject.ask(subject.inputs, subject.choice_N)
        if columns <= self.exact:
            value_NM, base_N = _all_subsets(subject, background)
        else:
            value_NM, base_N = _orders(subject, background, self.orders, score_N)
        size_N = np.maximum(np.abs(score_N - base_N), 1e-12)
        error = np.abs(value_NM.sum(1) - (score_N - base_N))
        names = tuple(feature.name for feature in subject.features)
        return Explanation(
            "columns",
            subject.unit,
            value_NM,
            names,
            base_N,
            score_N,
            {"sum_error": float(error.max()), "sum_error_relative": float((error / size_N).max())},
        )


def _mixed(subject: Subject, known_SM: Tensor, rows: list[Tensor], background: list[Tensor]) -> list[Tensor]:
    """Inputs whose known columns are the row's and whose others are the background's."""
    return [
        torch.where(known_SM[:, owner], row, other)
        for owner, row, other in zip(subject.owners, rows, background, strict=True)
    ]


def _all_subsets(subject: Subject, background: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 4 as it stands: the weighted mean over all subsets."""
    count, columns = len(background[0]), len(subject.features)
    known_SM = np.array([[subset >> column & 1 for column in range(columns)] for subset in range(1 << columns)], bool)
    # A subset of s columns is the beginning of s! (M - s - 1)! orders that go on with a given column.
    share = [factorial(size) * factorial(columns - size - 1) / factorial(columns) for size in range(columns)]
    size_S = known_SM.sum(1)
    weight_SM = np.zeros(known_SM.shape)
    for subset, known_M in enumerate(known_SM):
        gained, lacked = share[size_S[subset] - 1], share[min(size_S[subset], columns - 1)]
        weight_SM[subset] = np.where(known_M, gained, -lacked)
    known = torch.from_numpy(known_SM).repeat_interleave(count, 0)
    others = [torch.from_numpy(each).repeat(len(known_SM), *[1] * (each.ndim - 1)) for each in background]
    value_NM, base_N = np.empty((len(subject), columns)), np.empty(len(subject))
    for row, choice in enumerate(subject.choice_N):
        inputs = [torch.from_numpy(each[row : row + 1]) for each in subject.inputs]
        asked_S = subject.ask(_mixed(subject, known, inputs, others), np.full(len(known), choice))
        mean_S = asked_S.reshape(len(known_SM), count).mean(1)
        value_NM[row], base_N[row] = mean_S @ weight_SM, mean_S[0]
    return value_NM, base_N


def _orders(
    subject: Subject, background: list[np.ndarray], repeats: int, score_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mean over orders drawn for each row of the background."""
    count, columns = len(background[0]), len(subject.features)
    order_RM = draw_orders(count * repeats, columns, subject.seed)
    base_CJ = {int(choice): subject.ask(background, np.full(count, choice)) for choice in np.unique(subject.choice_N)}
    steps = 2 * (columns - 1)
    some = max(1, PIECE // steps)
    value_NM = np.zeros((len(subject), columns))
    for start in range(0, len(order_RM), some):
        place_RM = np.argsort(order_RM[start : start + some], 1)
        whose_R = (start + np.arange(len(place_RM))) % count
        # Step s knows the first s columns of an order; the reverse's steps know the others.
        forward_RSM = place_RM[:, None, :] < np.arange(1, columns)[:, None]
        known_EM = torch.from_numpy(np.concatenate([forward_RSM, ~forward_RSM], 1).reshape(-1, columns))
        others = [torch.from_numpy(each[whose_R]).repeat_interleave(steps, 0) for each in background]
        for row, choice in enumerate(subject.choice_N):
            inputs = [torch.from_numpy(each[row : row + 1]) for each in subject.inputs]
            asked_E = subject.ask(_mixed(subject, known_EM, inputs, others), np.full(len(known_EM), choice))
            asked_RS = asked_E.reshape(-1, steps)
            start_R, end_R = base_CJ[int(choice)][whose_R, None], np.full((len(whose_R), 1), score_N[row])
            up_RS = np.concatenate([start_R, asked_RS[:, : columns - 1], end_R], 1)
            # The columns that the reverse's step s knows are those that the order lacks: fewer with each step.
            down_RS = np.concatenate([end_R, asked_RS[:, columns - 1 :], start_R], 1)
            gain_RS = 0.5 * (np.diff(up_RS, axis=1) - np.diff(down_RS, axis=1))
            value_NM[row] += np.take_along_axis(gain_RS, place_RM, 1).sum(0)
    return value_NM / len(order_RM), np.array([base_CJ[int(choice)].mean() for choice in subject.choice_N])


def draw_orders(draws: int, columns: int, seed: int) -> np.ndarray:
    """Orders of columns, int64 ``[draws, columns]``; M from one block hold each column once in each place."""
    rng = numpy_stream(seed, "shap")
    blocks = -(-draws // columns)
    order_DM = rng.permuted(np.tile(np.arange(columns), (blocks, 1)), axis=1)
    shift_MM = (np.arange(columns)[:, None] + np.arange(columns)) % columns
    return order_DM[:, shift_MM].reshape(-1, columns)[:draws]
