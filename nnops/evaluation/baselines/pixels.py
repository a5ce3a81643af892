"""Baselines of masks: what is mostly at a place, and what a pixel's own levels say.

Legend of shape suffixes: N images, C classes, K channels, H W image, P pixels.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from nnops.batch import Spec, Task
from nnops.evaluation.baselines.base import FLOOR, Baseline, Fitted, Rows, one_thread
from nnops.seeding import numpy_stream


class MajorityPixel(Baseline):
    """The most frequent class at each place of train's masks, with each class's share there as its probability."""

    tasks: ClassVar[tuple[Task, ...]] = ("segmentation",)

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "majority"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del val, seed
        share_CHW = np.stack([(train.target_N == code).mean(0) for code in range(spec.outputs)])
        log_1CHW = np.log(np.maximum(share_CHW, FLOOR)).astype(np.float32)[None]
        return Fitted(lambda inputs: np.repeat(log_1CHW, inputs[0].shape[0], 0))


class PixelLogistic(Baseline):
    """Logistic regression from the levels of a pixel and the mean of its 3 x 3 neighbours to its class."""

    tasks: ClassVar[tuple[Task, ...]] = ("segmentation",)

    pixels: int = Field(default=20_000, ge=1, description="Pixels of train that it is fitted on")
    iterations: int = Field(default=200, ge=1)

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "pixel_logistic"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`; the pixels are drawn from the stream ``baseline``."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        whole = train.target_N.size
        chosen = numpy_stream(seed, "baseline").choice(whole, min(whole, self.pixels), replace=False)
        image, place = np.divmod(np.sort(chosen), train.target_N[0].size)
        features, codes = [], []
        for one in np.unique(image):
            at_P = place[image == one]
            features.append(_features(train.inputs[0][one : one + 1])[at_P])
            codes.append(train.target_N[one].ravel()[at_P])
        code_P = np.concatenate(codes)
        note = f"{len(code_P):,} of {whole:,} pixels" if len(code_P) < whole else ""
        if len(np.unique(code_P)) < 2:
            return MajorityPixel().fit(train, val, spec, seed)
        model = LogisticRegression(C=1.0, max_iter=self.iterations)
        with one_thread(), warnings.catch_warnings():
            # A fit that has not quite converged is the same baseline to all digits that count.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(np.concatenate(features), code_P)

        def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            rows, _, height, width = inputs[0].shape
            log_PC = np.full((rows * height * width, spec.outputs), np.log(FLOOR), np.float32)
            with one_thread():
                share_PM = model.predict_proba(_features(inputs[0]))
            log_PC[:, model.classes_.astype(np.int64)] = np.log(np.maximum(share_PM, FLOOR))
            return np.ascontiguousarray(log_PC.reshape(rows, height, width, -1).transpose(0, 3, 1, 2))

        return Fitted(predict, note)


def _features(image_NKHW: np.ndarray) -> np.ndarray:
    """Float64 ``[P, 2 K]``: each pixel's levels and its neighbourhood's."""
    padded = np.pad(image_NKHW, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    height, width = image_NKHW.shape[2:]
    around = sum(padded[:, :, dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)) / 9
    both = np.concatenate([image_NKHW, around], 1)
    return both.transpose(0, 2, 3, 1).reshape(-1, both.shape[1])
