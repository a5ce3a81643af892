"""What samplers learn from, kept up as a study grows, is what a look at every trial gives."""

import heapq
import math
from typing import Any

import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from nnops.sweep.samplers.evidence import Evidence, gather, is_infeasible

KEYS = ("x", "y")
VALUES = st.integers(-3, 3).map(float)
#: A trial begins with some keys, one that runs reports a value, one that runs ends.
STEPS = st.one_of(
    st.tuples(st.just("begin"), st.sets(st.sampled_from(KEYS)), VALUES),
    st.tuples(st.just("report"), st.integers(0, 9), VALUES),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(["complete", "pruned", "infeasible", "broken"])),
)


def looked_at_all(study: optuna.Study, keys: tuple[str, ...], least: int, share: float) -> Evidence:
    """The same by its definition, from every trial anew."""
    sign = -1.0 if study.directions[0].name == "MAXIMIZE" else 1.0
    reached: list[tuple[float, FrozenTrial]] = []
    bad: list[FrozenTrial] = []
    running: list[tuple[float, FrozenTrial]] = []
    for trial in study.get_trials(deepcopy=False):
        if not set(keys) <= trial.params.keys():
            continue
        if trial.state == TrialState.PRUNED and is_infeasible(trial):
            bad.append(trial)
            continue
        last = math.inf if trial.state == TrialState.COMPLETE else max(trial.intermediate_values, default=0)
        if trial.state == TrialState.RUNNING:
            running.append((last, trial))
        if last:
            reached.append((last, trial))
    epoch = heapq.nlargest(least, (last for last, _ in reached))[-1] if len(reached) >= least else 0
    longest = max((max(trial.intermediate_values, default=0) for _, trial in reached), default=0)
    if not epoch or epoch < share * longest:
        return Evidence(0, (), tuple(trial.params for _, trial in running))

    def rank(trial: FrozenTrial) -> tuple[float, float, int]:
        broken = sum(each for each in trial.constraints.values() if each > 0)
        if epoch in trial.intermediate_values:
            return broken, sign * trial.intermediate_values[int(epoch)], trial.number
        if trial.values:
            return broken, sign * trial.values[0], trial.number
        return broken, sign * trial.intermediate_values[max(at for at in trial.intermediate_values)], trial.number

    ranked = sorted((trial for last, trial in reached if last >= epoch), key=rank)
    pending = tuple(trial.params for last, trial in running if last < epoch)
    return Evidence(epoch, tuple(trial.params for trial in [*ranked, *bad]), pending)


def take(study: optuna.Study, step: tuple[str, Any, Any]) -> None:
    """Let one thing happen in a study."""
    word, what, how = step
    running = [trial for trial in study.get_trials(deepcopy=False) if trial.state == TrialState.RUNNING]
    if word == "begin":
        params = {key: 0.01 * len(study.get_trials(deepcopy=False)) for key in sorted(what)}
        space = {key: FloatDistribution(0.0, 10.0) for key in params}
        study.add_trial(create_trial(state=TrialState.RUNNING, params=params, distributions=space))
    elif running:
        trial, storage = running[what % len(running)], study._storage
        if word == "report":
            storage.set_trial_intermediate_value(trial._trial_id, (trial.last_step or 0) + 1, how)
        elif how == "complete":
            study.tell(trial.number, 1.0 + what)
        else:
            storage.set_trial_user_attr(trial._trial_id, "result", {"state": how})
            if how == "broken":
                storage.set_trial_system_attr(trial._trial_id, "constraints:size", 0.5 * what)
            study.tell(trial.number, state=TrialState.PRUNED)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(STEPS, max_size=40),
    st.sampled_from(["minimize", "maximize"]),
    st.integers(1, 4),
    st.sampled_from([0, 0.5]),
)
def test_evidence_kept_is_evidence_looked_up(
    steps: list[tuple[str, Any, Any]], direction: str, least: int, share: float
) -> None:
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.RandomSampler())
    for step in steps:
        take(study, step)
        for keys in [(), ("x",), KEYS]:
            assert gather(study, keys, least, share) == looked_at_all(study, keys, least, share)
