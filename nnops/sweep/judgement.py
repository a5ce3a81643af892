"""Judgements made again: why a trial was stopped or went on, against whom, and by what it missed.

The study keeps what was reported and in which order. Here its own pruner and its own order of events are asked again,
so what is said is what was decided; the value that would have been enough is found by asking the pruner for others.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from nnops.sweep.moment import read_moments
from nnops.sweep.order import Async, Fixed, Order
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Curve
from nnops.sweep.scale import Scale
from nnops.sweep.study import Study, TrialRecord

#: Halvings of the gap in which the value lies that would have been enough.
HALVINGS = 60


@dataclass(frozen=True)
class Judgement:
    """A trial held against others at one epoch.

    Attributes:
        epoch: Where.
        value: What the trial reported there; where lengths are tuned, what counts at the step that was judged.
        peers: ``(trial, value)`` of those it was compared to, the best first.
        limit: The worst value that would have gone on, or None where none would or every one would.
        stopped: Whether the trial had to stop.
        belief: The rank correlation with later, of trials that went on, for which a pruner did not believe what it
            saw there; None where it did.
    """

    epoch: int
    value: float
    peers: tuple[tuple[int, float], ...]
    limit: float | None
    stopped: bool
    belief: float | None = None


class Judge:
    """Judges the trials of one study again; quickest for trials in the order in which they ended.

    Args:
        study: The study.
        trials: Of the search, by number.
    """

    def __init__(self, study: Study, trials: list[TrialRecord]) -> None:
        sweep = study.params.sweep
        self._study = study
        self._pruner = PRUNERS.build(sweep.pruner.name, sweep.pruner.options, where="sweep.pruner")
        self._scale = Scale.of(study.params, study.space)
        self._fixed = sweep.order == "fixed"
        self._moments = read_moments(study)
        self._seed = study.params.seed
        self._trials = {trial.number: trial for trial in trials}
        ends = [(self._moments.ends.get(trial.number, math.inf), trial.number, 0) for trial in trials]
        reports = [(place, number, epoch) for (number, epoch), place in self._moments.reports.items()]
        self._events = sorted([*ends, *(each for each in reports if each[1] in self._trials)])
        self._forget()

    def stop_of(self, trial: TrialRecord, *, limit: bool = True) -> Judgement | None:
        """The judgement that stopped a trial, or None where no pruner did."""
        step = self._rung(trial, trial.epochs) if trial.state == "pruned" else None
        if step is None:
            return None
        found = self._judge(trial, trial.epochs, step, limit)
        return found if found.stopped else None

    def judgements(self, trial: TrialRecord) -> list[Judgement]:
        """A trial of the search wherever it was judged."""
        found = ((epoch, self._rung(trial, epoch)) for epoch in trial.reports)
        return [self._judge(trial, epoch, step, True) for epoch, step in found if step is not None]

    def _rung(self, trial: TrialRecord, epoch: int) -> int | None:
        """The step at which an epoch of a trial was judged, or None."""
        epochs, full = self._scale.own(trial.config), self._scale.full
        if not 0 < epoch < epochs:
            return None
        return self._scale.rung(epoch, epochs, lambda step: self._pruner.judges(step, trial.number, full, self._seed))

    def _judge(self, trial: TrialRecord, epoch: int, step: int, limit: bool) -> Judgement:
        loss, sign = self._study.objective.loss, self._study.objective.loss(1.0)
        reports = {e: loss(value) for e, value in trial.reports.items() if e <= epoch}
        full, epochs = self._scale.full, self._scale.own(trial.config)
        own = Curve(trial.number, self._scale.spread(reports, epochs), every=full / epochs).until(step)
        # Under a fixed order what counts follows from numbers alone, whenever it came.
        known = self._known_at(math.inf if self._fixed else self._moments.of(trial, epoch))
        unfinished = () if self._fixed else self._unfinished
        others = self._order.peers(trial.number, step, {**known, trial.number: own}, unfinished) or []
        peers = self._pruner.peers(trial.number, step, others, full, self._seed)
        values = sorted((peer.values[step], peer.number) for peer in peers)

        def goes_on(value: float) -> bool:
            curve = replace(own, values={**own.values, step: value})
            return not self._pruner.prunes(curve, others, full, self._seed)

        enough = None
        if limit:
            enough = _highest(sorted({*(value for value, _ in values), *own.values.values()}), goes_on)
        return Judgement(
            epoch,
            sign * own.values[step],
            tuple((number, sign * value) for value, number in values),
            None if enough is None else loss(enough),
            not goes_on(own.values[step]),
            self._pruner.disbelieves(own, others, full),
        )

    def _known_at(self, moment: float) -> dict[int, Curve]:
        """What was known of all trials at a moment."""
        if moment < self._moment:
            self._forget()
        self._moment = moment
        loss = self._study.objective.loss
        while self._next < len(self._events) and self._events[self._next][0] < moment:
            _, number, epoch = self._events[self._next]
            self._next += 1
            trial, curve = self._trials[number], self._curves[number]
            if epoch in trial.reports:
                steps = self._scale.values(trial.reports, epoch, self._scale.own(trial.config))
                curve.values.update((step, loss(value)) for step, value in steps.items())
            elif epoch == 0:
                self._unfinished.discard(number)
                broke = trial.state == "infeasible" and bool(trial.values)
                self._curves[number] = replace(curve, complete=trial.state == "complete", feasible=not broke)
        return self._curves

    def _forget(self) -> None:
        study = self._study
        # An order goes with time, too.
        lag = study.params.sweep.lag
        self._order: Order = Fixed(study, lag, self._pruner) if self._fixed else Async(study)
        full, own = self._scale.full, self._scale.own
        self._curves = {n: Curve(n, every=full / own(trial.config)) for n, trial in self._trials.items()}
        self._unfinished = set(self._trials)
        self._next, self._moment = 0, -math.inf


def _highest(known: list[float], goes_on: Callable[[float], bool]) -> float | None:
    """The highest loss that goes on, at or between known ones; None where all do or none does."""
    if goes_on(known[-1]) or not goes_on(known[0]):
        return None if not goes_on(known[0]) or goes_on(math.inf) else known[-1]
    first, last = 0, len(known) - 1
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if goes_on(known[middle]) else (first, middle)
    low, high = known[first], known[last]
    if not goes_on(math.nextafter(low, math.inf)):
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if goes_on(middle) else (low, middle)
    return low
