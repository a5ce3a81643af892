"""Effect: keys of a space that decide nothing, so that tuning them would waste trials."""

from collections.abc import Iterator
from itertools import islice

from nnops.sweep.dimension import Dimension
from nnops.sweep.ready import Ready
from nnops.sweep.scale import Scale
from nnops.sweep.space import Space

#: Branches of a space that are looked at for one that meets the conditions of a key.
BRANCHES = 2000


def without_effect(ready: Ready) -> list[str]:
    """Why keys of the space decide nothing, a sentence for each."""
    return [
        f"sweep.space.{dimension.key} has no effect: {reason}"
        for dimension in ready.space.dimensions
        for reason in islice(_reasons(dimension, ready), 1)
    ]


def _reasons(dimension: Dimension, ready: Ready) -> Iterator[str]:
    key, values, space, params = dimension.key, dimension.extremes(), ready.space, ready.params
    if dimension.distribution().single():
        yield f"it has one value; write {key}: {values[0]!r} in its own place of params.yaml."
    if dimension.when and not _counts(dimension, space):
        asked = ", ".join(f"{other}: {list(values)}" for other, values in dimension.when)
        yield f"no config meets all of its conditions (when: {{{asked}}})."
    rows = ready.data.rows("train")
    if key == "train.batch_size" and min(rows if value == "all" else value for value in values) >= rows:
        yield f"each value takes all {rows} train rows at once; write smaller ones."
    if key == "train.early_stopping.patience":
        longest = Scale.of(params, space).full
        if min(values) >= longest:
            yield f"a training of {longest} epochs ends before such a patience does; write smaller values."
    if key == "data.target_scaling" and ready.data.spec.task != "regression":
        yield f"only targets of a regression are scaled, and the task is {ready.data.spec.task}."
    if key == "data.separator" and ready.data.spec.task != "multilabel":
        yield f"only labels of a multilabel task are separated, and the task is {ready.data.spec.task}."
    if key.startswith("data.audio.") and "sound" not in ready.data.schema:
        yield f"only sounds have spectrograms, and the source is {params.data.source.name}."
    if key == "data.positive" and ready.data.spec.task != "binary":
        yield f"only a binary task has a positive class, and the task is {ready.data.spec.task}."
    if key == "data.text.answer" and ready.data.spec.task != "sequence":
        yield f"only a sequence has answers of tokens, and the task is {ready.data.spec.task}."
    if key == "data.cleaning.outlier_factor":
        tuned = space.by_key.get("data.cleaning.outliers")
        kinds = tuned.choices if tuned else (params.data.cleaning.outliers,)
        if all(kind == "none" for kind in kinds):
            yield "nothing is an outlier while data.cleaning.outliers is none."


def _counts(dimension: Dimension, space: Space) -> bool:
    """Whether some config has the dimension."""
    branches = space.branches(key for key, _ in dimension.when)
    return any(space.active(dimension, branch) for branch in islice(branches, BRANCHES))
