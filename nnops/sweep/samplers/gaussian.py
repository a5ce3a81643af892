"""A Gaussian process on a unit cube, small and quick: it is fitted anew for every proposal.

Symbols of Rasmussen and Williams 2006: K covariance, y targets, l length scales (one a feature), noise relative to the
signal's variance. Shapes: N observations, M points, F features.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: The prior of log l and log noise: mean and standard deviation.
LENGTH, NOISE = (-0.36, 0.8), (-4.6, 1.5)
#: Bounds of log l and log noise.
LENGTHS, NOISES = (-3.5, 2.5), (-9.2, 0.0)
#: Steps of the search for the most likely length scales; the first one's width, and what widens and narrows them.
STEPS, WIDTH, WIDER, NARROWER = 7, 0.4, 1.3, 0.5


@dataclass(frozen=True)
class Process:
    """A fitted process.

    Attributes:
        X: Observations, [N, F].
        log_l: Log length scales, [F].
        log_noise: Log of the noise's share of the variance.
        inverse: Of K with noise, [N, N].
        weights: K^-1 y, [N].
        variance: Of the signal.
    """

    X: "np.ndarray"
    log_l: "np.ndarray"
    log_noise: float
    inverse: "np.ndarray"
    weights: "np.ndarray"
    variance: float

    @classmethod
    def fit(cls, X: "np.ndarray", y: "np.ndarray", steps: int = STEPS) -> "Process":
        """Fit length scales and noise by a few steps towards the most likely ones (equation 5.9), and y to them.

        The steps follow the signs of the slope alone (Riedmiller and Braun 1993), so there is no rate to choose.

        Args:
            X: Observations, [N, F].
            y: Targets with a mean of 0, [N].
            steps: Of the search.
        """
        import numpy as np

        theta = np.array([LENGTH[0]] * X.shape[1] + [NOISE[0]])
        low, high = np.array([LENGTHS] * X.shape[1] + [NOISES]).T
        squares = (X[:, None, :] - X[None, :, :]) ** 2
        width, before = np.full_like(theta, WIDTH), np.zeros_like(theta)
        found, least = theta, np.inf
        for _ in range(steps):
            loss, slope = _loss(theta, squares, y)
            if loss < least:
                found, least = theta, loss
            signs = np.sign(slope)
            width *= np.where(signs * before > 0, WIDER, np.where(signs * before < 0, NARROWER, 1.0))
            theta, before = np.clip(theta - signs * width, low, high), signs
        return cls._at(X, y, found[:-1], float(found[-1]))

    @classmethod
    def _at(cls, X: "np.ndarray", y: "np.ndarray", log_l: "np.ndarray", log_noise: float) -> "Process":
        import numpy as np

        inverse = np.linalg.inv(_noisy(matern(X, X, log_l), log_noise))
        weights = inverse @ y
        return cls(X, log_l, log_noise, inverse, weights, max(float(y @ weights) / len(y), 1e-6))

    def believing(self, X: "np.ndarray") -> "Process":
        """The process as if points [M, F] had been observed at its own mean (Ginsbourger et al. 2010)."""
        import numpy as np

        y = np.concatenate(
            [_noisy(matern(self.X, self.X, self.log_l), self.log_noise) @ self.weights, self.predict(X)[0]]
        )
        return replace(self._at(np.vstack([self.X, X]), y, self.log_l, self.log_noise), variance=self.variance)

    def predict(self, X: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
        """Mean and standard deviation of the signal at points [M, F] (equations 2.25, 2.26)."""
        import numpy as np

        k = matern(X, self.X, self.log_l)
        left = np.maximum(1.0 - ((k @ self.inverse) * k).sum(1), 1e-9)
        return k @ self.weights, np.sqrt(left * self.variance)


def matern(A: "np.ndarray", B: "np.ndarray", log_l: "np.ndarray") -> "np.ndarray":
    """The Matern covariance with nu = 5/2 (equation 4.17) of [N, F] and [M, F], [N, M]."""
    import numpy as np

    A, B = A / np.exp(log_l), B / np.exp(log_l)
    square = (A * A).sum(1)[:, None] + (B * B).sum(1) - 2 * A @ B.T
    s = np.sqrt(5.0 * np.maximum(square, 0.0))
    return (1 + s + s * s / 3) * np.exp(-s)


def _noisy(K: "np.ndarray", log_noise: float) -> "np.ndarray":
    import numpy as np

    K[np.diag_indices(len(K))] += np.exp(log_noise) + 1e-8
    return K


def _loss(theta: "np.ndarray", squares: "np.ndarray", y: "np.ndarray") -> "tuple[float, np.ndarray]":
    """The negative log posterior of log l and log noise, the signal's variance at its best, and its gradient."""
    import numpy as np

    n, features = len(y), len(theta) - 1
    scales = np.exp(-2 * theta[:-1])
    s = np.sqrt(5.0 * (squares @ scales))
    decay = np.exp(-s)
    K = _noisy((1 + s + s * s / 3) * decay, theta[-1])
    inverse = np.linalg.inv(K)
    alpha = inverse @ y
    variance = max(float(y @ alpha) / n, 1e-12)
    mean, deviation = np.array([LENGTH] * features + [NOISE]).T
    away = (theta - mean) / deviation
    loss = 0.5 * (n * np.log(variance) + np.linalg.slogdet(K)[1] + away @ away)
    # dL/dtheta = tr((K^-1 - alpha alpha^T / variance) dK/dtheta) / 2, equation 5.9.
    inner = inverse - np.outer(alpha, alpha) / variance
    slope = (inner * (5.0 / 3.0) * (1 + s) * decay).ravel() @ squares.reshape(n * n, features)
    gradient = 0.5 * np.append(slope * scales, np.exp(theta[-1]) * np.trace(inner))
    return float(loss), gradient + away / deviation
