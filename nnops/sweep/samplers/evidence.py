"""Evidence: the results of a study at the highest fidelity that has enough of them, which samplers learn from.

Results of unlike fidelities are not comparable, and under early stopping few trials see the full one. So a model is
fitted at one fidelity, the highest with at least so many results (Falkner, Klein and Hutter 2018, section 3.2). It is
read from the reports of all trials, those that run included. What is kept from one proposal to the next follows from
trials that have ended, so a study that goes on after a kill gives the same evidence.
"""

import math
from bisect import bisect, insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nnops.sweep.scale import Scale

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

Rank = tuple[float, float, int]
"""By how much constraints are broken, the value (more is worse), the number."""

_LEDGERS: "WeakKeyDictionary[Study, dict[tuple[frozenset[str], Scale | None], _Ledger]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Evidence:
    """What is known at one fidelity.

    Attributes:
        epoch: The fidelity, in epochs or steps; infinite where enough trials are complete, 0 without evidence.
        ranked: Values of the trials seen there as Optuna stores them, the best first; infeasible ones are the last.
        pending: The same of trials that run and have not come there.
    """

    epoch: float
    ranked: tuple[dict[str, Any], ...]
    pending: tuple[dict[str, Any], ...]


def gather(
    study: "Study", keys: Collection[str], least: int, share: float = 0.0, scale: Scale | None = None
) -> Evidence:
    """The evidence on some dimensions.

    Args:
        study: Its first objective counts.
        keys: Only trials that have all of them are looked at.
        least: Results that a fidelity must have.
        share: Of the longest training so far that a fidelity must be; below it, who begins fast looks good.
        scale: Of the study, where the length of a training is tuned: fidelities are steps then.
    """
    needed = frozenset(keys)
    ledgers = _LEDGERS.setdefault(study, {})
    if (needed, scale) not in ledgers:
        ledgers[needed, scale] = _Ledger(study, needed, scale)
    return ledgers[needed, scale].evidence(study.get_trials(deepcopy=False), max(least, 1), share)


class _Ledger:
    """What a study's ended trials came to, which changes no more: a proposal looks at those alone that ran before.

    Args:
        study: Whose directions count.
        needed: Keys that a trial must have.
        scale: See :func:`gather`.
    """

    def __init__(self, study: "Study", needed: frozenset[str], scale: Scale | None) -> None:
        from optuna.study import StudyDirection

        self._scale = scale
        self._sign = -1.0 if study.directions[0] == StudyDirection.MAXIMIZE else 1.0
        self._needed = needed
        self._seen = 0
        self._running: list[int] = []
        self._longest = 0
        self._bad: list[tuple[int, dict[str, Any]]] = []
        #: Ended trials by the epoch that they came to, infinity where they are complete.
        self._reached: dict[float, list[FrozenTrial]] = {}
        #: Those that came to ``_epoch``, the best first: what they are ranked by, and their values.
        self._epoch = math.inf
        self._ranks: list[Rank] = []
        self._ranked: list[dict[str, Any]] = []

    def evidence(self, trials: "Sequence[FrozenTrial]", least: int, share: float) -> Evidence:
        """See :func:`gather`; ``trials`` are those of the last call, in their order, and new ones."""
        running = self._take(trials)
        counts = {last: len(ended) for last, ended in self._reached.items()}
        for last, _ in running:
            if last:
                counts[last] = counts.get(last, 0) + 1
        epoch = _highest(counts, least)
        longest = max((last for last, _ in running), default=0)
        if not epoch or epoch < share * max(self._longest, longest):
            return Evidence(0, (), tuple(trial.params for _, trial in running))
        if epoch != self._epoch:
            self._rank_anew(epoch)
        ranks, ranked = self._ranks.copy(), self._ranked.copy()
        for last, trial in running:
            if last >= epoch:
                _insert(ranks, ranked, self._rank(trial), trial.params)
        bad = [params for _, params in self._bad]
        return Evidence(epoch, (*ranked, *bad), tuple(trial.params for last, trial in running if last < epoch))

    def _take(self, trials: "Sequence[FrozenTrial]") -> "list[tuple[float, FrozenTrial]]":
        """Keep what has ended; what runs is given back, with the epoch that it came to."""
        from optuna.trial import TrialState

        running: list[tuple[float, FrozenTrial]] = []
        places = [*self._running, *range(self._seen, len(trials))]
        self._seen = len(trials)
        self._running = []
        for place in places:
            trial = trials[place]
            runs = not trial.state.is_finished()
            if runs:
                self._running.append(place)
            if trial.state == TrialState.FAIL or not self._needed <= trial.params.keys():
                continue
            if trial.state == TrialState.PRUNED and is_infeasible(trial):
                insort(self._bad, (trial.number, trial.params), key=lambda each: each[0])
                continue
            reached = self._steps(trial, max(trial.intermediate_values, default=0))
            last = math.inf if trial.state == TrialState.COMPLETE else reached
            if runs:
                running.append((last, trial))
            elif last:
                self._longest = max(self._longest, reached)
                self._reached.setdefault(last, []).append(trial)
                if last >= self._epoch:
                    _insert(self._ranks, self._ranked, self._rank(trial), trial.params)
        return running

    def _rank_anew(self, epoch: float) -> None:
        self._epoch = epoch
        found = [(self._rank(trial), trial) for last, some in self._reached.items() if last >= epoch for trial in some]
        # No two have the same number, so trials themselves are never compared.
        found.sort()
        self._ranks = [rank for rank, _ in found]
        self._ranked = [trial.params for _, trial in found]

    def _rank(self, trial: "FrozenTrial") -> Rank:
        broken = _breach(trial) if trial.system_attrs else 0.0
        return broken, self._sign * self._value(trial), trial.number

    def _steps(self, trial: "FrozenTrial", epoch: int) -> int:
        """The fidelity that an epoch of a trial stands for."""
        if self._scale is None or not epoch:
            return epoch
        return self._scale.steps(epoch, self._scale.own(trial.params))[-1]

    def _value(self, trial: "FrozenTrial") -> float:
        """What a trial reported at the fidelity that is learned from."""
        if trial.values and self._epoch == math.inf:
            return trial.values[0]
        reports, epoch = trial.intermediate_values, self._epoch
        if self._scale is not None:
            return self._scale.at(reports, int(epoch), self._scale.own(trial.params))
        if epoch in reports:
            return reports[int(epoch)]
        if trial.values:
            # A complete trial that has fewer epochs has the same value at all fidelities after them.
            return trial.values[0]
        return reports[max(at for at in reports if at <= epoch)]


def _highest(counts: Mapping[float, int], least: int) -> float:
    """The highest epoch that so many came to, or 0."""
    found = 0
    for epoch in sorted(counts, reverse=True):
        found += counts[epoch]
        if found >= least:
            return epoch
    return 0


def _insert(ranks: list[Rank], ranked: list[dict[str, Any]], rank: Rank, params: dict[str, Any]) -> None:
    place = bisect(ranks, rank)
    ranks.insert(place, rank)
    ranked.insert(place, params)


def is_infeasible(trial: "FrozenTrial") -> bool:
    """Whether a trial ended because its config cannot be trained."""
    return trial.user_attrs.get("result", {}).get("state") == "infeasible"


def _breach(trial: "FrozenTrial") -> float:
    """By how much a trial breaks constraints; Optuna keeps them in system attributes and takes long to find none."""
    return sum(value for value in trial.constraints.values() if value > 0)
