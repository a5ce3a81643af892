"""A baseline of several labels: one binary model for each."""

from dataclasses import replace

import numpy as np

from nnops.batch import Spec
from nnops.evaluation.baselines.base import Baseline, Fitted, Rows, describe, width
from nnops.evaluation.baselines.constant import Constant

#: Most rows times features times labels, whatever the baseline.
WORK = 20_000_000


def fit_labels(baseline: Baseline, train: Rows, val: Rows, spec: Spec, seed: int) -> Fitted:
    """Fit a baseline to each label alone; a label that all or none of the rows have gets a constant.

    Args:
        baseline: What is fitted.
        train: Its target is ``[N, C]``.
        val: The same.
        spec: Of the multilabel task.
        seed: Decides which rows are left out where there are too many.
    """
    alone = replace(spec, task="binary", outputs=1)
    columns = max(1, min(width(spec, 1024), spec.features) + len(spec.cardinalities))
    sample = train.sample(max(1, WORK // (columns * spec.outputs)), seed)
    models = []
    for code in range(spec.outputs):
        ours, theirs = (Rows(rows.inputs, rows.target_N[:, code]) for rows in (sample, val))
        chosen = baseline if 0 < ours.target_N.sum() < len(ours) else Constant()
        models.append(chosen.fit(ours, theirs, alone, seed))
    notes = list(
        dict.fromkeys(note for note in [describe(len(sample), len(train), 1), *(m.note for m in models)] if note)
    )
    return Fitted(lambda inputs: np.concatenate([model.predict(inputs) for model in models], 1), ", ".join(notes))
