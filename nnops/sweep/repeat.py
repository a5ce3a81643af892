"""Repeats: the best trials trained again under further seeds, so that the winner does not depend on luck.

The value that a trial had in the search does not count among its repeats: it was chosen for being good, so it flatters
(the winner's curse). All candidates are trained under the same further seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnops.seeding import derive
from nnops.sweep.front import central, front

if TYPE_CHECKING:
    from nnops.sweep.study import Study, TrialRecord

#: The level of intervals.
LEVEL = 0.95


@dataclass(frozen=True)
class Repeated:
    """What the repeats of one trial came to.

    Attributes:
        trial: Of the search.
        runs: Its repeats, by seed; not all need have ended.
        means: The mean of each objective by its metric; empty unless all repeats are complete.
        deviations: Their standard deviations between seeds (n - 1).
        intervals: Student's t interval of each mean at ``LEVEL``, with n - 1 degrees of freedom.
    """

    trial: "TrialRecord"
    runs: "tuple[TrialRecord, ...]"
    means: dict[str, float]
    deviations: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def further_seeds(study: "Study") -> list[int]:
    """The seeds of the streams ``repeat/1``, ``repeat/2`` ... of the study's seed."""
    repeats = study.params.sweep.repeats
    return [derive(study.params.seed, f"repeat/{n}") % 2**31 for n in range(1, repeats.seeds + 1)] if repeats else []


def candidates(study: "Study", trials: "list[TrialRecord]") -> "list[TrialRecord]":
    """The best trials of the search, best first; of several objectives those of the front, central ones first."""
    repeats = study.params.sweep.repeats
    return [] if repeats is None else ranked(study, trials)[: repeats.top]


def ranked(study: "Study", trials: "list[TrialRecord]") -> "list[TrialRecord]":
    """Trials that could win, best first; of several objectives those of the front, central ones first."""
    if len(study.objectives) == 1:
        complete = [trial for trial in trials if trial.state == "complete" and trial.values]
        return sorted(complete, key=lambda trial: (study.point(trial), trial.number))
    members = study.front(trials)
    return [members[place] for place in central([study.point(trial) for trial in members])] if members else []


def missing(study: "Study", trials: "list[TrialRecord]", runs: "list[TrialRecord]") -> "list[tuple[TrialRecord, int]]":
    """The repeats that were not begun yet: a trial and a seed."""
    begun = {(run.repeat, run.seed) for run in runs}
    seeds = further_seeds(study)
    wanted = [(trial, seed) for trial in candidates(study, trials) for seed in seeds]
    return [(trial, seed) for trial, seed in wanted if (trial.number, seed) not in begun]


def summarize(study: "Study", trials: "list[TrialRecord]", runs: "list[TrialRecord]") -> list[Repeated]:
    """What the repeats of each candidate came to, in the order of :func:`candidates`."""
    seeds = further_seeds(study)
    return [
        _repeated(study, trial, tuple(run for run in runs if run.repeat == trial.number and run.seed in seeds))
        for trial in candidates(study, trials)
    ]


def winner(study: "Study", trials: "list[TrialRecord]", repeated: list[Repeated]) -> Repeated | None:
    """The candidate with the best means, once all repeats have ended; one with a repeat that was lost cannot win.

    Of several objectives it is the :func:`central` one of the front of means, in ranges of the search's front.
    """
    seeds = len(further_seeds(study))
    if not repeated or any(len(each.runs) < seeds or _runs_still(each) for each in repeated):
        return None
    whole = [each for each in repeated if each.means]
    points = [tuple(o.loss(each.means[o.metric]) for o in study.objectives) for each in whole]
    if not whole:
        return None
    members = front(points)
    scale = [study.point(trial) for trial in study.front(trials)]
    return whole[members[central([points[place] for place in members], scale)[0]]]


def noise(repeated: list[Repeated]) -> dict[str, float]:
    """By how much another seed moves each objective: the standard deviation pooled over candidates."""
    whole = [each.deviations for each in repeated if each.deviations]
    return {
        metric: (sum(each[metric] ** 2 for each in whole) / len(whole)) ** 0.5 for metric in (whole[0] if whole else ())
    }


def mean_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float, float, float]:
    """Mean, standard deviation and Student's t interval of the mean.

    >>> [round(each, 3) for each in mean_interval([1.0, 2.0, 3.0])]
    [2.0, 1.0, -0.484, 4.484]
    """
    from scipy.special import stdtrit

    n = len(values)
    mean = sum(values) / n
    deviation = (sum((value - mean) ** 2 for value in values) / (n - 1)) ** 0.5
    half = float(stdtrit(n - 1, (1 + level) / 2)) * deviation / n**0.5
    return mean, deviation, mean - half, mean + half


def _repeated(study: "Study", trial: "TrialRecord", runs: "tuple[TrialRecord, ...]") -> Repeated:
    means: dict[str, float] = {}
    deviations: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    if len(runs) == len(further_seeds(study)) and all(run.state == "complete" for run in runs):
        for objective in study.objectives:
            name = objective.metric
            means[name], deviations[name], low, high = mean_interval([run.values[name] for run in runs])
            intervals[name] = (low, high)
    return Repeated(trial, runs, means, deviations, intervals)


def _runs_still(repeated: Repeated) -> bool:
    return any(run.state == "running" for run in repeated.runs)
