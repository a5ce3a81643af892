"""Ridge regression on the window: all steps ahead at once, one matrix for all variables, each by itself.

What a variable does next is told from how far its past lies from its last value (Zeng et al. 2023, NLinear), solved
exactly: W = (X'X + a I)^-1 X'Y, with an intercept.

Legend of shape suffixes: N windows, L steps of a window, V target variables, H steps of a horizon, D = L + 1.
"""

import numpy as np

from nnops.batch import Spec
from nnops.evaluation.baselines.base import Fitted, Rows, one_thread

#: Strength of the penalty, and windows that are gathered at once.
PENALTY, AT_ONCE = 1.0, 512


def fit_windows(train: Rows, spec: Spec) -> Fitted:
    """Fit on all windows of train; memory stays that of ``AT_ONCE`` windows and of the matrices."""
    places = list(spec.targets)
    width = spec.shapes[0][0] + 1
    product_DD = PENALTY * np.eye(width)
    # The intercept is not held back.
    product_DD[-1, -1] = 0.0
    answer_DH = np.zeros((width, spec.horizon))
    with one_thread():
        for start in range(0, len(train), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            design, last = _design(train.inputs[0][part], places)
            target = train.target_N[part].astype(np.float64).reshape(-1, spec.horizon, len(places)).transpose(0, 2, 1)
            product_DD += design.T @ design
            answer_DH += design.T @ (target.reshape(-1, spec.horizon) - last)
        weight_DH = np.linalg.lstsq(product_DD, answer_DH, rcond=None)[0]

    def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        with one_thread():
            design, last = _design(inputs[0], places)
            forecast_NVH = (design @ weight_DH + last).reshape(len(inputs[0]), len(places), -1)
        return forecast_NVH.transpose(0, 2, 1).reshape(len(inputs[0]), -1)

    return Fitted(predict)


def _design(series_NLV: np.ndarray, places: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Windows less their last values, with a column of ones, ``[N * V, D]``, and the last values ``[N * V, 1]``."""
    window = series_NLV[:, :, places].astype(np.float64).transpose(0, 2, 1).reshape(-1, series_NLV.shape[1])
    last = window[:, -1:].copy()
    return np.concatenate([window - last, np.ones_like(last)], 1), last
