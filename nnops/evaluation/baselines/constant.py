"""The best answer that looks at nothing: the shares of the classes in train, or the mean of its target."""

from typing import ClassVar

import numpy as np

from nnops.batch import QUANTITIES, Spec, Task
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows, logits


class Constant(Baseline):
    """Always the most frequent class, with each class's share as its probability; for quantities the mean."""

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "forecasting", "multiclass", "regression")

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        return "mean" if task in QUANTITIES else "majority"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del val, seed
        if spec.task in QUANTITIES:
            answer_1C = train.target_N.astype(np.float64).mean(0).reshape(1, -1)
        else:
            share_C = np.bincount(train.target_N.astype(np.int64), minlength=max(2, spec.outputs)) / len(train)
            answer_1C = logits(share_C[None], np.arange(len(share_C)), spec)
        return Fitted(lambda inputs: np.repeat(answer_1C, inputs[0].shape[0], 0))
