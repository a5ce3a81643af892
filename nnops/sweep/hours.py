"""When a study was driven, and so in which parts of its time a trial that a kill, a stop or a pause cut really ran.

The record knows when a trial was asked and when it ended; between them may lie a night in which nothing ran. So the
conductor keeps from when to when trials ran under it: noted with reports, so a kill loses what came after the last.
"""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnops.sweep.study import Study, TrialRecord

#: Seconds between two notes at least, and as a share of the time since trials began to run: a long study has few.
NOTE_S, NOTE_SHARE = 1.0, 0.01

Span = tuple[float, float]


class Hours:
    """Notes in a study when it is driven.

    Args:
        study: The study; its lease is held.
    """

    def __init__(self, study: "Study") -> None:
        self._study = study
        self._spans: list[list[float]] = [list(span) for span in study.attrs.get("hours", ())]
        self._open = False

    def begin(self) -> None:
        """Trials run from now on, unless they do already."""
        if not self._open:
            now = time.time()
            self._spans.append([now, now])
            self._open = True
            self._keep(now)

    def note(self) -> None:
        """Trials still run; kept where the last note is long enough ago."""
        if not self._open:
            return
        now, (began, noted) = time.time(), self._spans[-1]
        if now >= noted + max(NOTE_S, NOTE_SHARE * (noted - began)):
            self._keep(now)

    def end(self) -> None:
        """Nothing runs any more, until the next :meth:`begin`."""
        if self._open:
            self._keep(time.time())
        self._open = False

    def _keep(self, now: float) -> None:
        self._spans[-1][1] = now
        self._study.set("hours", self._spans)


def hours(study: "Study", records: "list[TrialRecord]") -> list[Span]:
    """From when to when a study was driven, in seconds since 1970; empty where its record does not say.

    A trial that was asked or ended after the last note of a driver that was killed makes its time longer.
    """
    noted = sorted((float(begin), float(end)) for begin, end in study.attrs.get("hours", ()))
    moments = [moment for record in records for moment in (record.began, record.ended) if moment]
    found: list[Span] = []
    for place, (begin, end) in enumerate(noted):
        until = noted[place + 1][0] if place + 1 < len(noted) else float("inf")
        found.append((begin, max([end, *(moment for moment in moments if begin <= moment < until)])))
    return found


def parts(trial: "TrialRecord", driven: list[Span]) -> list[Span]:
    """The parts of its time in which a trial that has ended ran.

    Args:
        trial: The trial.
        driven: See :func:`hours`. A trial of another time, such as one of a study that this one grew from, is whole.

    >>> from nnops.sweep.study import TrialRecord
    >>> trial = TrialRecord(0, "complete", 1.0, 3, {}, 2.0, "", {}, began=4.0, ended=60.0, again=(52.0,))
    >>> parts(trial, [(0.0, 10.0), (50.0, 70.0)])
    [(4.0, 10.0), (52.0, 60.0)]
    """
    assert trial.ended is not None
    found: list[Span] = []
    for begin, end in driven:
        # Whoever took the study over may have had others to go on with first.
        first = max([trial.began, begin, *(again for again in trial.again if begin <= again <= end)])
        last = min(trial.ended, end)
        if first < last:
            found.append((first, last))
    return found or [(trial.began, trial.ended)]
