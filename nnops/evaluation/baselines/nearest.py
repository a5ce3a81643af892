"""The answer of the nearest text: of the row of train whose words are most like the text's, its answer as it is.

Legend of shape suffixes: N M rows, S tokens of a text, T tokens of an answer.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from nnops.batch import Spec, Task
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows, describe
from nnops.evaluation.baselines.words import Words

#: Texts that are compared with all of train at once.
AT_ONCE = 64


class Nearest(Baseline):
    """Likeness is the cosine of words and pairs weighed by rarity, see :mod:`nnops.evaluation.baselines.words`."""

    tasks: ClassVar[tuple[Task, ...]] = ("sequence",)
    rows: int = Field(default=50_000, ge=1, description="Most rows of train that are looked at")
    words: int = Field(default=50_000, ge=1, description="Most words and pairs that count")

    def title(self, task: Task) -> str:
        """See :class:`Baseline`."""
        del task
        return "nearest"

    def fit(self, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
        """See :class:`Baseline`."""
        del val
        sample = train.sample(self.rows, seed)
        words = Words.fit(sample.inputs[0], spec.vocabulary, self.words)
        known_FM = words.matrix(sample.inputs[0]).T.tocsr()

        def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
            text_NS = inputs[0]
            nearest = [
                np.asarray((words.matrix(text_NS[start : start + AT_ONCE]) @ known_FM).todense()).argmax(1)
                for start in range(0, len(text_NS), AT_ONCE)
            ]
            return sample.target_N[np.concatenate(nearest)]

        return Fitted(predict, describe(len(sample), len(train), 1), whole=True)
