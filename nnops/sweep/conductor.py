"""The conductor: stands between the study, which decides, and an engine, which runs; the only writer of the study.

An engine asks :meth:`Conductor.next` for a trial, hands every report to :meth:`Conductor.report` and the end of a
training to :meth:`Conductor.finish`, all from one thread. What happens is told to listeners as events.
"""

import math
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from nnops.errors import StudyError
from nnops.report import Report
from nnops.sweep.event import Asked, Ended, Listener, Note, Reported
from nnops.sweep.lease import Lease
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Curve
from nnops.sweep.samplers import SAMPLERS
from nnops.sweep.samplers.base import propose
from nnops.sweep.space import Config
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.trial import Assignment, Outcome

#: Seconds between two looks at the stop file.
LOOK_S = 0.5
#: Seconds between two notes of the time spent.
SPENT_EVERY_S = 10.0
#: A study whose first trials all fail is stopped after so many.
FAILED_AT_ONCE = 5


@dataclass
class Live:
    """A trial that runs.

    Attributes:
        config: What it tries.
        epochs: Its full fidelity.
        known: The reports that the study has; a worker that died, or a driver, makes them again.
        seconds: Spent in epochs so far.
    """

    config: Config
    epochs: int
    known: dict[int, float]
    seconds: float = 0.0


class Conductor:
    """Drives one study until its budget is spent or it is told to stop.

    Args:
        study: The study; its lease is held.
        lease: The held lease.
        trials: Trials in all, those of earlier drivers included, or None.
        seconds: Seconds in all, those of earlier drivers included, or None.
        stop: Set from outside to leave the study resumable.
        tell: Takes events.

    Attributes:
        study: The study.
        budget: Trials in all, or None.
        budget_s: Seconds in all, or None.
    """

    def __init__(
        self,
        study: Study,
        lease: Lease,
        *,
        trials: int | None,
        seconds: float | None,
        stop: threading.Event,
        tell: Listener,
    ) -> None:
        self.study = study
        self._lease, self._tell, self._stop = lease, tell, stop
        sweep = study.params.sweep
        self._sampler = SAMPLERS.build(sweep.sampler.name, sweep.sampler.options, where="sweep.sampler")
        self._pruner = PRUNERS.build(sweep.pruner.name, sweep.pruner.options, where="sweep.pruner")
        limit = self._sampler.limit(study.space)
        self._limits = {"trials": trials, "grid": limit}
        self.budget = min((each for each in (trials, limit) if each is not None), default=None)
        self.budget_s = seconds
        self._start_s = time.monotonic()
        self._spent_before_s = float(study.attrs.get("spent_s", 0.0))
        self._next_look_s = 0.0
        self._next_spent_s = self._start_s + SPENT_EVERY_S

        records = study.trials()
        self._asked = len(records)
        self._curves = {record.number: self._curve(record) for record in records}
        self._again = deque(record for record in records if record.state == "running")
        self._live: dict[int, Live] = {}
        self._released: set[int] = set()
        self._best = study.best(records)
        self._ends = [record.state for record in records if record.state != "running"]

    @property
    def running(self) -> int:
        """How many trials run."""
        return len(self._live)

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing more will."""
        return not self._live and self._why_no_more() is not None

    @property
    def why(self) -> str:
        """Why the study is over: ``trials``, ``time``, ``grid`` or ``stop``."""
        return self._why_no_more() or "stop"

    @property
    def interrupted(self) -> bool:
        """Whether the study was told to stop."""
        return self._stop.is_set()

    @property
    def spent_s(self) -> float:
        """Seconds that drivers have spent on the study."""
        return self._spent_before_s + time.monotonic() - self._start_s

    def judged(self, number: int) -> tuple[int, ...]:
        """The epochs at which a trial may be stopped by the pruner; in between a worker need not wait for an answer."""
        epochs, seed = self._live[number].epochs, self.study.params.seed
        return tuple(epoch for epoch in range(1, epochs) if self._pruner.judges(epoch, number, epochs, seed))

    def tick(self) -> None:
        """Keep the lease, look whether somebody asked to stop, note the time spent."""
        now_s = time.monotonic()
        self._lease.beat()
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_S
            if (self.study.folder / "stop").exists():
                self._stop.set()
        if now_s >= self._next_spent_s:
            self._next_spent_s = now_s + SPENT_EVERY_S
            self.study.set("spent_s", self.spent_s)

    def next(self) -> Assignment | None:
        """The next trial to run, or None: see :attr:`over`."""
        self.tick()
        if self._again and not self._stop.is_set():
            record = self._again.popleft()
            self._live[record.number] = self._live_of(record.config, record.reports)
            self._tell(Asked(record.number, record.config, again=True))
            return Assignment(record.number, record.config)
        if self._why_no_more():
            return None
        study, number = self.study, self._asked
        config, values, distributions = propose(self._sampler, study.optuna, study.space, study.params.seed, number)
        number = study.begin(config, values, distributions)
        self._asked = number + 1
        self._live[number] = self._live_of(config, {})
        self._curves[number] = Curve(number)
        self._tell(Asked(number, config, again=False))
        return Assignment(number, config)

    def report(self, number: int, report: Report) -> bool:
        """Keep what a trial reports; the answer False ends its training."""
        self.tick()
        live = self._live.get(number)
        if live is None:
            return False
        value = self.study.objective.value(report.metrics)
        live.seconds += report.seconds
        known = live.known.get(report.epoch)
        self._tell(Reported(number, report.epoch, value, report.metrics, report.seconds, replayed=known is not None))
        if known is not None:
            self._compare(number, report.epoch, known, value)
            if report.epoch < max(live.known):
                return True
        elif not math.isfinite(value):
            self._end(number, "infeasible", None, f"{self.study.objective.metric} is {value} at epoch {report.epoch}.")
            return False
        else:
            self.study.report(number, report.epoch, value)
            live.known[report.epoch] = value
            self._curves[number].values[report.epoch] = self.study.objective.loss(value)
        if self._prunes(number, report.epoch, live):
            self._end(number, "pruned", value, None)
            return False
        if report.epoch < live.epochs:
            if self._time_is_up():
                self._end(number, "pruned", value, "the time budget is spent")
                return False
            if self._stop.is_set():
                self.release(number)
                return False
        return True

    def finish(self, number: int, outcome: Outcome) -> None:
        """Give a trial whose training has ended its final state, unless it has one."""
        if number in self._live:
            if outcome.ended == "told":
                raise StudyError(f"trial {number} was stopped by nobody.")
            if outcome.ended in ("complete", "early"):
                self._end(number, "complete", outcome.value, None, outcome)
            else:
                self._end(number, outcome.ended, None, outcome.reason, outcome)
        if number not in self._released:
            shutil.rmtree(self._checkpoints / str(number), ignore_errors=True)

    def note(self, text: str, number: int | None = None) -> None:
        """Tell listeners something that a person should know."""
        self._tell(Note(text, number))

    def release(self, number: int) -> None:
        """Let go of a trial that stays unfinished, for whoever resumes the study."""
        self._live.pop(number, None)
        self._released.add(number)

    def close(self) -> None:
        """Note why the study is over, and clean up behind trials that are."""
        self.study.set("spent_s", self.spent_s)
        unfinished = {record.number for record in self.study.trials() if record.state == "running"}
        if not unfinished and not self._stop.is_set():
            self.study.set("ended", self.why)
        self.study.flush()
        for folder in self._checkpoints.glob("*"):
            if not (folder.name.isdigit() and int(folder.name) in unfinished):
                shutil.rmtree(folder, ignore_errors=True)
        (self.study.folder / "stop").unlink(missing_ok=True)

    def _why_no_more(self) -> str | None:
        if self._again and not self._stop.is_set():
            return None
        if self._stop.is_set():
            return "stop"
        if self._time_is_up():
            return "time"
        if self.budget is not None and self._asked >= self.budget:
            return "grid" if self.budget == self._limits["grid"] else "trials"
        return None

    def _time_is_up(self) -> bool:
        return self.budget_s is not None and self.spent_s >= self.budget_s

    def _prunes(self, number: int, epoch: int, live: Live) -> bool:
        seed = self.study.params.seed
        if epoch >= live.epochs or not self._pruner.judges(epoch, number, live.epochs, seed):
            return False
        others = [curve for other, curve in self._curves.items() if other != number and curve.values]
        return self._pruner.prunes(self._curves[number], others, live.epochs, seed)

    def _compare(self, number: int, epoch: int, known: float, value: float) -> None:
        if known == value:
            return
        text = f"epoch {epoch} made again gives {value!r}, the study has {known!r}: code, data or machine have changed."
        self.study.note(number, f"differs_{epoch}", [known, value])
        self.note(f"trial {number}: {text}", number)

    def _end(
        self, number: int, state: str, value: float | None, reason: str | None, outcome: Outcome | None = None
    ) -> None:
        live = self._live.pop(number)
        curve = self._curves[number]
        result: dict[str, object] = {"seconds": live.seconds, "reason": reason}
        if outcome is not None:
            result |= {
                "ended": outcome.ended,
                "best_epoch": outcome.best_epoch,
                "weights_sha256": outcome.weights_sha256,
                "fingerprint": outcome.fingerprint,
            }
        self.study.end(number, state, value, result)
        self._ends.append(state)
        epochs = max(curve.values, default=0)
        best = False
        if state == "complete" and value is not None:
            self._curves[number] = Curve(number, curve.values, complete=True)
            loss = self.study.objective.loss
            if self._best is None or self._best.value is None or loss(value) < loss(self._best.value):
                best = True
                self._best = TrialRecord(number, state, value, epochs, dict(live.config), live.seconds, "", {})
        sha256, fingerprint = (outcome.weights_sha256, outcome.fingerprint) if outcome else (None, None)
        self._tell(Ended(number, state, value, epochs, live.seconds, live.config, reason, sha256, fingerprint, best))
        if len(self._ends) >= FAILED_AT_ONCE and all(end == "failed" for end in self._ends):
            raise StudyError(
                f"study '{self.study.name}': all of the first {len(self._ends)} trials failed, the last: {reason}"
            )

    def _live_of(self, config: Config, known: dict[int, float]) -> Live:
        return Live(config, config.get("train.epochs", self.study.params.train.epochs), dict(known))

    def _curve(self, record: TrialRecord) -> Curve:
        loss = self.study.objective.loss
        values = {epoch: loss(value) for epoch, value in record.reports.items()}
        return Curve(record.number, values, complete=record.state == "complete")

    @property
    def _checkpoints(self) -> Path:
        return self.study.folder / "checkpoints"
