"""The density of configs in a unit cube: a Parzen estimator with one kernel a config and a wide one for all.

As Optuna's (Bergstra et al. 2011, with the product kernels of Falkner, Klein and Hutter 2018), but for arrays: many
kernels take a millisecond. Shapes: N configs, K = N + 1 kernels, M points, D dimensions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from nnops.sweep.samplers.cube import Axis


@dataclass(frozen=True)
class Density:
    """A mixture of products: of normals cut off at 0 and 1 for numbers, of frequencies for choices.

    Attributes:
        choices: How many values each dimension chooses from, 0 for numbers.
        mu: Centres in [0, 1], [K, D]; the last is the wide one.
        sigma: Deviations of the numbers, [K, D].
    """

    choices: list[int]
    mu: "np.ndarray"
    sigma: "np.ndarray"

    @classmethod
    def fit(cls, axes: "list[Axis]", rows: "np.ndarray") -> "Density":
        """One kernel for each row of [N, D], each as wide as the larger gap to its neighbours."""
        import numpy as np

        count, wide = len(rows), np.full((1, rows.shape[1]), 0.5)
        order = np.argsort(rows, axis=0, kind="stable")
        ordered = np.vstack([np.zeros(rows.shape[1]), np.take_along_axis(rows, order, 0), np.ones(rows.shape[1])])
        gaps = np.diff(ordered, axis=0)
        widths = np.maximum(gaps[:-1], gaps[1:])
        if count > 1:
            # The gap to the end of a range says nothing about how dense configs are.
            widths[0], widths[-1] = gaps[1], gaps[-2]
        sigma = np.empty_like(rows)
        np.put_along_axis(sigma, order, np.clip(widths, 1 / min(100.0, 2.0 + count), 1.0), 0)
        return cls([axis.choices for axis in axes], np.vstack([rows, wide]), np.vstack([sigma, np.ones_like(wide)]))

    def sample(self, count: int, luck: "np.random.RandomState") -> "np.ndarray":
        """Points of the density, [M, D]."""
        import numpy as np
        from scipy.special import ndtr, ndtri

        kernel = luck.randint(len(self.mu), size=count)
        mu, sigma = self.mu[kernel], self.sigma[kernel]
        low, high = ndtr(-mu / sigma), ndtr((1 - mu) / sigma)
        points = np.clip(mu + sigma * ndtri(low + luck.random_sample(mu.shape) * (high - low)), 0.0, 1.0)
        for at, choices in enumerate(self.choices):
            if choices:
                # A kernel keeps its choice but for the share of the wide one.
                anew = (luck.random_sample(count) < self._spread(choices)) | (kernel == len(self.mu) - 1)
                points[:, at] = np.where(anew, luck.random_sample(count), mu[:, at])
        return points

    def log(self, points: "np.ndarray") -> "np.ndarray":
        """The logarithm of the density at points [M, D]; [M]."""
        import numpy as np
        from scipy.special import ndtr

        numbers = [at for at, choices in enumerate(self.choices) if not choices]
        mu, sigma = self.mu[:, numbers], self.sigma[:, numbers]
        inside = np.log(sigma * (ndtr((1 - mu) / sigma) - ndtr(-mu / sigma))).sum(1)
        found = -0.5 * (((points[:, None, numbers] - mu) / sigma) ** 2).sum(2) - inside
        for at, choices in enumerate(self.choices):
            if choices:
                spread = self._spread(choices)
                same = np.floor(points[:, None, at] * choices) == np.floor(self.mu[:, at] * choices)
                odds = np.log(np.where(same, 1 - spread + spread / choices, spread / choices))
                odds[:, -1] = -np.log(choices)
                found += odds
        return np.logaddexp.reduce(found, axis=1)

    def _spread(self, choices: int) -> float:
        """The share of a kernel that lies evenly on all choices."""
        return choices / (choices + len(self.mu))
