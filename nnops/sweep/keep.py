"""What is kept of a study's best trials: the states in which their trainings ended, so that they can go on.

A trial of the best so far leaves its last checkpoint behind; one that falls out of them loses it. So a study keeps
``sweep.keep`` states at most, however many trials it has.
"""

import math
from collections.abc import Sequence

from nnops.sweep.study import Study, TrialRecord


def best_of(study: Study, records: Sequence[TrialRecord], most: int) -> list[TrialRecord]:
    """The best complete trials by their objectives in order, the best first; of equal ones the one asked first."""
    complete = [record for record in records if record.state == "complete" and record.values]
    return sorted(complete, key=lambda record: (study.point(record), record.number))[:most]


class Kept:
    """The trials whose last states are kept.

    Args:
        study: The study.
        records: Its trials so far.
        most: How many are kept.
    """

    def __init__(self, study: Study, records: Sequence[TrialRecord], most: int) -> None:
        self._most = most
        self._best = [(study.point(record), record.number) for record in best_of(study, records, most)]

    def __contains__(self, number: int) -> bool:
        return any(number == other for _, other in self._best)

    @property
    def numbers(self) -> set[int]:
        """The trials."""
        return {number for _, number in self._best}

    @property
    def bar(self) -> float | None:
        """A trial whose first objective, turned so that more is worse, lies above it is none of them; None: all are."""
        if not self._most:
            return None
        return self._best[-1][0][0] if len(self._best) == self._most else math.inf

    def hear(self, number: int, point: tuple[float, ...]) -> list[int]:
        """A trial is complete; the trials, perhaps this one, that are none of the best any more."""
        ranked = sorted([*self._best, (point, number)])
        self._best = ranked[: self._most]
        return [other for _, other in ranked[self._most :]]
