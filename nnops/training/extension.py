"""Whether a training for more epochs takes the very steps of a shorter one, so that it may go on where that ended.

A step is a function of the seed, the epoch and what the plan says, so it is enough to hold the two plans together.
"""

from dataclasses import fields

from nnops.batch import Spec
from nnops.params import Params, overlay
from nnops.training.loop import batch_bounds
from nnops.training.phases import phases
from nnops.training.plan import Plan, build_plan

#: Steps of a schedule that are compared, spread over a training, and of its end every one.
SPREAD, LAST = 10_000, 1_000


def why_other(params: Params, epochs: int, spec: Spec, rows: int) -> str | None:
    """What makes a training for more epochs another one from the beginning; None where it begins as the shorter one.

    Args:
        params: Of the shorter training.
        epochs: Of the longer one.
        spec: Of the data.
        rows: In the train split.

    Raises:
        ParamsError: Params do not fit the data.
    """
    longer = overlay(params, {"train.epochs": epochs})
    since = 0
    for old, new in zip(phases(params), phases(longer), strict=True):
        # The rate itself is the same: only what it is scaled by can differ.
        was, now = (build_plan(phase.params, spec, 1.0) for phase in (old, new))
        others = [each.name for each in fields(Plan) if each.name != "epochs"]
        differs = [name for name in others if getattr(was, name) != getattr(now, name)]
        if differs:
            return f"{', '.join(differs)} of its training depend on train.epochs"
        steps = -(-len(batch_bounds(rows, was.batch_size or rows)) // was.accumulate)
        first, end = since * steps, old.until * steps
        places = {*range(first, end, max(1, (end - first) // SPREAD)), *range(max(first, end - LAST), end)}
        if any(
            was.schedule.factor(place, steps, was.epochs) != now.schedule.factor(place, steps, now.epochs)
            for place in places
        ):
            return f"the schedule {old.params.train.schedule.name} depends on train.epochs"
        since = old.until
    return None
