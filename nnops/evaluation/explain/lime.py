"""LIME: a line that answers like the network does around one row (Ribeiro et al. 2016, eq. 1 and algorithm 1).

Samples around a row keep some of its columns and take the others from rows of the background. A ridge regression from
"which columns were kept" to the answer, weighted by how much was kept, gives each column its weight. How well the
line follows the network (its weighted R²) is told: a weight of a bad line explains nothing.

Legend of shape suffixes: N rows, S samples, M columns.
"""

from math import sqrt
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Kind, Subject
from nnops.seeding import numpy_stream


class Lime(Method):
    """Weights of a local linear model, one each raw column."""

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)

    samples: int = Field(default=500, ge=10, description="Around each row")
    donors: int = Field(default=8, ge=1, description="Rows of the background that each sample is averaged over")
    width: float = Field(default=0.75, gt=0, description="Of the kernel, times the root of the number of columns")
    ridge: float = Field(default=1.0, ge=0, description="Penalty on the squares of weights")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; a value is what the answer gains when the column is the row's."""
        columns = len(subject.features)
        rng = numpy_stream(subject.seed, "lime")
        kept_SM = rng.random((self.samples, columns)) < 0.5
        kept_SM[0] = True
        donor_SM = rng.integers(0, len(subject.background[0]), (self.samples * self.donors, columns))
        kept = torch.from_numpy(kept_SM).repeat_interleave(self.donors, 0)
        others = [
            torch.from_numpy(array[donor_SM[:, owner.numpy()], np.arange(array.shape[1])])
            for owner, array in zip(subject.owners, subject.background, strict=True)
        ]
        # Of 0/1 columns the distance to the row is the root of how many were given away.
        square_S = (~kept_SM).sum(1).astype(np.float64)
        weight_S = np.exp(-square_S / (self.width * sqrt(columns)) ** 2)
        asked_NS = np.empty((len(subject), self.samples))
        for row, choice in enumerate(subject.choice_N):
            mixed = [
                torch.where(kept[:, owner], torch.from_numpy(array[row : row + 1]), other)
                for owner, array, other in zip(subject.owners, subject.inputs, others, strict=True)
            ]
            asked = subject.ask(mixed, np.full(len(donor_SM), choice))
            asked_NS[row] = asked.reshape(self.samples, self.donors).mean(1)
        value_NM, base_N, fit_N = ridge(kept_SM.astype(np.float64), asked_NS, weight_S, self.ridge)
        return Explanation(
            "columns",
            subject.unit,
            value_NM,
            tuple(feature.name for feature in subject.features),
            None,
            asked_NS[:, 0],
            {"fit_r2": float(np.median(fit_N)), "fit_r2_worst": float(fit_N.min())},
            (f"the lines follow the network with an R² of {np.median(fit_N):.2f} (worst row {fit_N.min():.2f})",),
            {"fit_r2": fit_N, "intercept": base_N},
        )


def ridge(
    x_SM: np.ndarray, y_NS: np.ndarray, weight_S: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted ridge regressions of N targets on one table, all at once; the intercept is not penalised.

    Returns:
        Weights ``[N, M]``, intercepts ``[N]``, and each one's weighted R² ``[N]``.
    """
    share_S = weight_S / weight_S.sum()
    mean_M, mean_N = share_S @ x_SM, y_NS @ share_S
    x, y = x_SM - mean_M, y_NS - mean_N[:, None]
    gram_MM = (x * weight_S[:, None]).T @ x + penalty * np.eye(x.shape[1])
    value_NM = np.linalg.solve(gram_MM, (x * weight_S[:, None]).T @ y.T).T
    left_N = ((y - value_NM @ x.T) ** 2) @ weight_S
    whole_N = (y**2) @ weight_S
    fit_N = 1 - np.divide(left_N, whole_N, out=np.zeros_like(left_N), where=whole_N > 0)
    return value_NM, mean_N - value_NM @ mean_M, fit_N
