"""Permutation importance: how much worse a model gets when a column is shuffled (Breiman 2001, section 10).

Each repeat draws the rows anew with replacement and shuffles each column within them, so that the spread over repeats
holds both the luck of the shuffle and the luck of the rows.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from nnops.errors import InputError
from nnops.evaluation.baselines.base import Rows
from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Kind, Subject
from nnops.seeding import numpy_stream


class Permutation(Method):
    """The drop of the primary metric when a raw column is shuffled."""

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)
    needs_truth: ClassVar[bool] = True

    repeats: int = Field(default=20, ge=2, description="Draws of the rows, each column shuffled in each")
    rows: int = Field(default=2000, ge=2, description="Most rows of a draw")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; above 0 the column helps."""
        judged = subject.judged
        assert judged is not None
        assert subject.metric is not None
        name, metric = subject.metric
        rng = numpy_stream(subject.seed, "permutation")
        sign = 1.0 if metric.direction == "maximize" else -1.0
        some = min(len(judged), self.rows)
        drop_RM = np.empty((self.repeats, len(subject.features)))
        wholes: list[float] = []
        for repeat in range(self.repeats):
            drawn = judged.take(rng.integers(0, len(judged), some))
            wholes.append(metric(subject.predictions(drawn)))
            for place in range(len(subject.features)):
                shuffled = _shuffled(subject, drawn, place, rng.permutation(some))
                drop_RM[repeat, place] = sign * (wholes[-1] - metric(subject.predictions(shuffled)))
        if not np.isfinite(drop_RM).all():
            raise InputError(f"{name} has no value on some draws of the {len(judged)} rows; give more rows.")
        drawn_from = f"the mean over {self.repeats} draws of {some:,} of {len(judged):,} rows"
        decided = "; classes are decided at 0.5" if subject.spec.task == "binary" else ""
        return Explanation(
            "importance",
            name,
            drop_RM,
            tuple(feature.name for feature in subject.features),
            checks={"whole": float(np.mean(wholes))},
            notes=(f"{name} is {np.mean(wholes):.4g}, {drawn_from}{decided}",),
        )


def _shuffled(subject: Subject, rows: Rows, place: int, order: np.ndarray) -> Rows:
    inputs: list[np.ndarray] = []
    for owner, array in zip(subject.owners, rows.inputs, strict=True):
        mine = np.flatnonzero(owner.numpy() == place)
        changed = array.copy()
        changed[:, mine] = array[np.ix_(order, mine)]
        inputs.append(changed)
    return Rows(tuple(inputs), rows.target_N)
