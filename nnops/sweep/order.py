"""The order of events that decisions may look at: as they happen, or fixed, so that a seed gives one table."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from nnops.sweep.pruners.base import Curve, Pruner
from nnops.sweep.pruners.crowd import Crowd, Settled
from nnops.sweep.study import Study
from nnops.sweep.view import search_of

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


class Order(Protocol):
    """What a decision about a trial may know."""

    def ready(self, number: int, unfinished: Collection[int]) -> bool:
        """Whether trial ``number`` may be proposed while others are not finished."""
        ...

    def known(self, number: int) -> "optuna.Study":
        """What the proposal of trial ``number`` is drawn from."""
        ...

    def peers(
        self, number: int, epoch: int, curves: Mapping[int, Curve], unfinished: Collection[int]
    ) -> Sequence[Curve] | None:
        """The curves that trial ``number`` is judged by at ``epoch``, or None: one of them is still to come.

        Args:
            number: The trial.
            epoch: Its last report's.
            curves: Of all trials, by number.
            unfinished: Trials without a final state.
        """
        ...


class Async:
    """Everything that is known at the moment; nobody waits."""

    def __init__(self, study: Study, evidence: "Sequence[FrozenTrial]" = ()) -> None:
        repeated = study.params.sweep.repeats is not None and study.repeats()
        self._seen = search_of(study.optuna, evidence) if repeated or evidence else study.optuna
        self._settled = Settled()
        self._open: list[int] = []
        self._count = 0

    def ready(self, number: int, unfinished: Collection[int]) -> bool:
        """Always."""
        return True

    def known(self, number: int) -> "optuna.Study":
        """The whole search."""
        return self._seen

    def peers(
        self, number: int, epoch: int, curves: Mapping[int, Curve], unfinished: Collection[int]
    ) -> Sequence[Curve]:
        """All that have reported."""
        candidates = [*self._open, *islice(curves, self._count, None)]
        self._open, self._count = [], len(curves)
        running: list[Curve] = []
        for other in candidates:
            curve = curves[other]
            if other in unfinished:
                self._open.append(other)
                if other != number and _counts(curve):
                    running.append(curve)
            elif _counts(curve):
                self._settled.add(curve)
        return Crowd(self._settled, running)


class Fixed:
    """A set of events that follows from the trial's number alone (infra/adr/0009).

    Trial n is proposed from the ends of trials 0 .. n - lag, and judged at an epoch by lower-numbered trials: by the
    whole curves of 0 .. n - lag and, where the pruner compares trials that run, by what those between had reported
    up to that epoch. Who asks too early waits; nobody waits for a higher number, so somebody can always go on.

    Args:
        study: The study.
        lag: At least 1; so many trials run at once at most.
        pruner: Says whether trials that run count.
        evidence: Trials of earlier studies, known to every proposal.
    """

    def __init__(self, study: Study, lag: int, pruner: Pruner, evidence: "Sequence[FrozenTrial]" = ()) -> None:
        self._study, self._lag, self._waits, self._evidence = study, lag, pruner.waits, evidence
        self._known: optuna.Study | None = None
        self._count = 0
        self._settled = Settled()
        self._ended = 0

    def ready(self, number: int, unfinished: Collection[int]) -> bool:
        """When trials 0 .. n - lag have ended."""
        return min(unfinished, default=number) > number - self._lag

    def known(self, number: int) -> "optuna.Study":
        """A study in memory that holds the first trials alone, each as it ended."""
        import optuna

        if self._known is None:
            self._known = optuna.create_study(
                directions=self._study.optuna.directions, sampler=optuna.samplers.RandomSampler()
            )
            self._known.add_trials(self._evidence)
        count = max(number - self._lag + 1, 0)
        if count > self._count:
            for other in range(self._count, count):
                self._known.add_trial(self._study.stored(other))
            self._count = count
        return self._known

    def peers(
        self, number: int, epoch: int, curves: Mapping[int, Curve], unfinished: Collection[int]
    ) -> Sequence[Curve] | None:
        """See :class:`Order`."""
        first = max(number - self._lag + 1, 0)
        for other in range(self._ended, first):
            if _counts(curves[other]):
                self._settled.add(curves[other])
        self._ended = max(self._ended, first)
        between = [curves[other] for other in range(first, number)] if self._waits else []
        if any(curve.number in unfinished and max(curve.values, default=0) < epoch for curve in between):
            return None
        cut = [
            Curve(curve.number, {each: value for each, value in curve.values.items() if each <= epoch})
            for curve in between
        ]
        # A trial of a lower number was judged by fewer.
        later = [curves[other] for other in range(first, self._ended) if _counts(curves[other])]
        return Crowd(self._settled, [curve for curve in cut if curve.values], later)


def _counts(curve: Curve) -> bool:
    return bool(curve.values) and curve.feasible
