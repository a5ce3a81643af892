"""Warps: a skewed column of numbers bent towards a bell before it is scaled; fitted on the train split, kept as JSON.

``log`` is sign(x) log(1 + |x|). ``yeo_johnson`` is the power transform of Yeo and Johnson 2000, eq. 2.1, its lambda by
maximum likelihood. ``quantile`` sends each value to the standard normal's quantile of its rank in train.
"""

from typing import Literal

import numpy as np

WarpName = Literal["none", "log", "quantile", "yeo_johnson"]
#: Quantiles that are kept of a column.
QUANTILES = 1000
#: Ranks are kept so far from 0 and 1 that no answer is infinite: at most 5.2 deviations, as scikit-learn has it.
EDGE = 1e-7
#: A column is skewed from this third standardised moment on.
SKEWED = 1.0


def skewness(known: np.ndarray) -> float:
    """The third standardised moment; 0 for a column without spread.

    >>> round(skewness(np.array([0.0, 0.0, 0.0, 4.0])), 3)
    1.155
    """
    spread = known.std()
    return float((((known - known.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0


def fit_warp(known: np.ndarray, way: WarpName) -> tuple[float, ...]:
    """What :func:`warp` needs to know: nothing, lambda, or quantiles.

    Args:
        known: The train split's values, float64, none missing.
        way: Which warp.
    """
    if way == "yeo_johnson":
        from scipy.stats import yeojohnson_normmax

        # Of a column without spread any lambda is as likely as another.
        return (float(np.asarray(yeojohnson_normmax(known))) if np.ptp(known) else 1.0,)
    if way == "quantile":
        count = min(QUANTILES, len(known))
        return tuple(float(value) for value in np.quantile(known, np.linspace(0, 1, count)))
    return ()


def warp(numbers: np.ndarray, way: WarpName, fitted: tuple[float, ...]) -> np.ndarray:
    """Bend numbers, float64 [N]; none may be missing.

    >>> warp(np.array([-1.0, 0.0, np.e - 1]), "log", ()).round(3).tolist()
    [-0.693, 0.0, 1.0]
    """
    if way == "log":
        return np.sign(numbers) * np.log1p(np.abs(numbers))
    if way == "yeo_johnson":
        return _yeo_johnson(numbers, fitted[0])
    if way == "quantile":
        return _normal_scores(numbers, np.asarray(fitted))
    return numbers


def _yeo_johnson(numbers: np.ndarray, lamda: float) -> np.ndarray:
    above, size = numbers >= 0, np.log1p(np.abs(numbers))
    with np.errstate(over="ignore"):
        rising = size if lamda == 0 else np.expm1(lamda * size) / lamda
        falling = -size if lamda == 2 else -np.expm1((2 - lamda) * size) / (2 - lamda)
    return np.where(above, rising, falling)


def _normal_scores(numbers: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    ranks = np.linspace(0, 1, len(quantiles))
    # From both sides, so that a value which many rows have gets the middle of its ranks.
    rank = 0.5 * (np.interp(numbers, quantiles, ranks) - np.interp(-numbers, -quantiles[::-1], -ranks[::-1]))
    return ndtri(np.clip(rank, EDGE, 1 - EDGE))


def unwarp(bent: np.ndarray, way: WarpName, fitted: tuple[float, ...]) -> np.ndarray:
    """Undo :func:`warp`, float64 [N]; a quantile's is between the kept ones.

    >>> unwarp(np.array([-1.0, 0.0, 1.0]), "log", ()).round(3).tolist()
    [-1.718, 0.0, 1.718]
    """
    if way == "log":
        return np.sign(bent) * np.expm1(np.abs(bent))
    if way == "yeo_johnson":
        return _unbend(bent, fitted[0])
    if way == "quantile":
        from scipy.special import ndtr

        quantiles = np.asarray(fitted)
        return np.interp(ndtr(bent), np.linspace(0, 1, len(quantiles)), quantiles)
    return bent


def _unbend(bent: np.ndarray, lamda: float) -> np.ndarray:
    """The inverse of Yeo and Johnson's eq. 2.1; beyond its reach, the largest there is."""
    size = np.abs(bent)
    with np.errstate(invalid="ignore", divide="ignore"):
        rising = size if lamda == 0 else np.log1p(np.maximum(lamda * size, -1.0)) / lamda
        falling = size if lamda == 2 else np.log1p(np.maximum((2 - lamda) * size, -1.0)) / (2 - lamda)
    most = np.log(np.finfo(np.float32).max)
    return np.sign(bent) * np.expm1(np.minimum(np.where(bent >= 0, rising, falling), most))
