"""What a run of a sweep says of itself: at its beginning, and at its end."""

from collections import Counter
from dataclasses import dataclass

from nnops.sweep.actual import Actual, measure_actual, plan_of
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.base import Engine
from nnops.sweep.event import Ended, Opened
from nnops.sweep.plan import Plan
from nnops.sweep.samplers.auto import chosen
from nnops.sweep.show import count_states
from nnops.sweep.study import Study, TrialRecord


@dataclass(frozen=True)
class Summary:
    """How a call of :func:`run_sweep` ended.

    Attributes:
        name: The study.
        state: ``complete``, or ``stopped`` where it can be resumed.
        why: ``trials``, ``time``, ``epochs``, ``gpu_hours``, ``patience``, ``grid`` or ``stop``.
        trials: Number of trials by state.
        best: The best trial that spent its full fidelity.
        seconds: Wall time of this call.
        uid: Of the study's tracked run.
        reason: Why, in words.
        plan: What the study was planned to take.
        actual: What it took.
    """

    name: str
    state: str
    why: str
    trials: dict[str, int]
    best: TrialRecord | None
    seconds: float
    uid: str
    reason: str = ""
    plan: Plan | None = None
    actual: Actual | None = None


def summarize(study: Study, conductor: Conductor, seconds: float) -> Summary:
    """What a run of so many seconds came to, read back from the record."""
    records = study.trials()
    return Summary(
        name=study.name,
        state="complete" if study.attrs.get("ended") else "stopped",
        why=conductor.why,
        trials=count_states(records),
        best=study.best(records),
        seconds=seconds,
        uid=study.uid,
        reason=conductor.budget.limits.words(conductor.why),
        plan=plan_of(study),
        actual=measure_actual(study, study.records()),
    )


def opened(study: Study, conductor: Conductor, runner: Engine, resumed: bool) -> Opened:
    """The event with which a run begins, or goes on."""
    records = study.trials()
    best, front = study.best(records), study.front(records)
    sweep = study.params.sweep
    return Opened(
        name=study.name,
        engine=runner.name,
        workers=runner.workers,
        metric=study.objective.metric,
        direction=study.objective.direction,
        others=tuple(objective.metric for objective in study.objectives[1:]),
        sampler=chosen(study.params).words,
        pruner=sweep.pruner.name,
        keys=tuple(dimension.key for dimension in study.space.dimensions),
        epochs=study.params.train.epochs,
        trials=len(records),
        counts=count_states(records),
        best=best
        and Ended(
            best.number,
            "complete",
            best.value,
            best.epochs,
            best.seconds or 0,
            best.config,
            best=True,
            measures=best.measures,
            front=len(front),
        ),
        budget=conductor.budget.trials,
        budget_s=conductor.budget.limits.seconds,
        spent_s=conductor.budget.spent_s,
        resumed=resumed,
        limits=conductor.budget.limits.record(),
        spent={"epochs": conductor.budget.epochs, "gpu_hours": conductor.budget.gpu_hours},
        reached=Counter(each.epochs for each in records if each.state != "running"),
    )
