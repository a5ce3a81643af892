"""The conductor: stands between the study, which decides, and an engine, which runs; the only writer of the study.

An engine asks :meth:`Conductor.next` for a trial, hands every report to :meth:`Conductor.report` and the end of a
training to :meth:`Conductor.finish`, all from one thread. What happens is told to listeners as events.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nnops.errors import InputError, StudyError
from nnops.report import Report
from nnops.sweep.budget import Limits
from nnops.sweep.constraint import broken
from nnops.sweep.control import PAUSE, STOP, asked, forget
from nnops.sweep.event import Asked, Ended, Listener, Note, Reported
from nnops.sweep.hours import Hours
from nnops.sweep.keep import Kept
from nnops.sweep.lease import Lease
from nnops.sweep.order import Async, Fixed, Order
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Curve
from nnops.sweep.repeat import missing
from nnops.sweep.samplers.auto import chosen
from nnops.sweep.samplers.base import PARENT, as_given, luck, propose
from nnops.sweep.scale import Scale
from nnops.sweep.shelf import open_shelf
from nnops.sweep.space import Config
from nnops.sweep.spending import Spending
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.trial import Assignment, Outcome
from nnops.sweep.warm import frozen

#: Seconds between two looks at what somebody asks of the study, in its folder and in a record on a server.
LOOK_S, ASK_S = 0.5, 3.0
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
        last: The epoch and value that it waits to be judged by.
        repeat: The trial that it repeats under another seed, or None.
    """

    config: Config
    epochs: int
    known: dict[int, float]
    seconds: float = 0.0
    last: tuple[int, float] = (0, 0.0)
    repeat: int | None = None


class Conductor:
    """Drives one study until its budget is spent or it is told to stop.

    Args:
        study: The study; its lease is held.
        lease: The held lease.
        stop: Set from outside to leave the study resumable.
        tell: Takes events.
        trials: Trials in all, those of earlier drivers included, or None.
        seconds: Seconds in all, or None.
        epochs: Epochs in all, or None.
        gpu_hours: Hours of a GPU in all, or None.
        patience: Trials in a row without a better best, or None.
        gpus: How many the workers hold together.

    Attributes:
        study: The study.
        budget: What it has spent, and may spend.
        paused_s: Seconds that the study was paused.
    """

    def __init__(
        self,
        study: Study,
        lease: Lease,
        *,
        stop: threading.Event,
        tell: Listener,
        trials: int | None = None,
        seconds: float | None = None,
        epochs: int | None = None,
        gpu_hours: float | None = None,
        patience: int | None = None,
        gpus: float = 0.0,
    ) -> None:
        self.study = study
        self._lease, self._tell, self._stop = lease, tell, stop
        self._shelf = open_shelf(study.checkpoints)
        self._inherited = {int(number) for number in study.attrs.get("inherits", ())}
        sweep = study.params.sweep
        self._sampler = chosen(study.params).sampler
        self._luck = luck(study.params)
        self._scale = Scale.of(study.params, study.space)
        self._pruner = PRUNERS.build(sweep.pruner.name, sweep.pruner.options, where="sweep.pruner")
        #: Configs that are tried first, by number; before them may lie the trials of a study that has grown.
        self._queue: dict[int, Config] = dict(enumerate(study.attrs.get("queue", ()), study.attrs.get("grown", 0)))
        self._first = study.attrs.get("grown", 0) + len(self._queue)
        told = frozen(study, self._sampler)
        fixed = sweep.order == "fixed"
        self._order: Order = Fixed(study, sweep.lag, self._pruner, told) if fixed else Async(study, told)
        self._hours = Hours(study)
        self.paused_s = 0.0
        self._next_look_s = self._next_ask_s = 0.0
        self._next_spent_s = time.monotonic() + SPENT_EVERY_S

        records = study.trials()
        limits = Limits(trials, seconds, epochs, gpu_hours, patience)
        self.budget = Spending(limits, study, records, self._sampler, gpus=gpus, clock=self._clock)
        # The trials of a population go on with each other's states, and are not grown.
        self._kept = Kept(study, records, 0 if self._sampler.reach else sweep.keep)
        runs = study.repeats() if sweep.repeats is not None else []
        self._asked = len(records)
        self._curves = {record.number: self._curve(record) for record in records}
        self._again = deque(record for record in [*records, *runs] if record.state == "running")
        if runs and sweep.order == "fixed" and self.budget.why(self._asked) is None:
            raise InputError(
                f"study '{study.name}' has order fixed and repeats of its best {self._asked} trials, so no more trials"
                " can be asked; start a new study with 'nnops sweep start NAME'."
            )
        self._repeats: deque[tuple[TrialRecord, int]] | None = None
        self._live: dict[int, Live] = {}
        self._released: set[int] = set()
        self._front = study.front(records)
        self._ends = [record.state for record in records if record.state != "running"]

    @property
    def running(self) -> int:
        """How many trials run."""
        return len(self._live)

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing more will."""
        return not self._live and self._why_no_more() is not None and not self._repeats_left()

    @property
    def why(self) -> str:
        """Why the study is over: ``stop``, or as :meth:`Spending.why` says."""
        return self._why_no_more() or "stop"

    @property
    def interrupted(self) -> bool:
        """Whether the study was told to stop."""
        return self._stop.is_set()

    def runs(self, number: int) -> bool:
        """Whether a trial has no final state yet and is somebody's to train."""
        return number in self._live

    def judged(self, number: int) -> tuple[int, ...]:
        """The epochs at which a trial may be stopped by the pruner; in between a worker need not wait for an answer."""
        epochs = self._live[number].epochs
        if self._live[number].repeat is not None:
            return ()
        judged = {epoch for epoch in range(1, epochs) if self._rung(number, epoch, epochs) is not None}
        return tuple(sorted(judged.union(self.budget.asks(number, epochs))))

    def tick(self) -> None:
        """Keep the lease and the record, look whether somebody asked to stop, note the time spent."""
        now_s = time.monotonic()
        self._lease.beat()
        self.study.flush(due=True)
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_S
            self._obey(now_s)
        if now_s >= self._next_spent_s:
            self._next_spent_s = now_s + SPENT_EVERY_S
            self.budget.note()
            self._hours.note()

    def _clock(self) -> float:
        """Seconds, which stand still while the study is paused."""
        return time.monotonic() - self.paused_s

    def _obey(self, now_s: float) -> None:
        """Do what somebody asked of the study from elsewhere."""
        everywhere = now_s >= self._next_ask_s
        if everywhere:
            self._next_ask_s = now_s + ASK_S
        word = asked(self.study, everywhere)
        if word == STOP:
            self._stop.set()
        elif word == PAUSE:
            self._pause()

    def _pause(self) -> None:
        """Wait until the study may go on; engines and trials wait for the conductor, and the time does not count."""
        began_s = time.monotonic()
        self._hours.end()
        self.study.set("paused", True)
        self.study.flush()
        self._tell(Note(f"paused; go on with 'nnops sweep resume {self.study.name}'"))
        while not self._stop.is_set():
            time.sleep(LOOK_S)
            self._lease.beat()
            word = asked(self.study)
            if word == STOP:
                self._stop.set()
            elif word is None:
                break
        self.paused_s += time.monotonic() - began_s
        self.study.set("paused", None)
        if self._live:
            self._hours.begin()
        if not self._stop.is_set():
            self._tell(Note("goes on"))

    def next(self) -> Assignment | None:
        """The next trial to run, or None: the study is :attr:`over`, or waits for trials that run."""
        self.tick()
        if self._again and not self._stop.is_set():
            record = self._again.popleft()
            self._hours.begin()
            self.study.note(record.number, "again", [*record.again, time.time()])
            return self._assign(
                record.number, record.config, record.reports, record.repeat, record.seed, record.parent, again=True
            )
        if self._why_no_more():
            return self._next_repeat()
        study, number = self.study, self._asked
        if not (
            self._order.ready(number, self._live) and self._sampler.ready(number, self._live) and self.budget.ready()
        ):
            return None
        known, notes = self._order.known(number), dict[str, Any]()
        if number in self._queue:
            born = as_given(self._sampler, known, study.space, self._queue[number], notes)
        else:
            place = number - self._first if self._sampler.lists else number
            born = propose(self._sampler, known, study.space, self._luck, place, notes)
        config, values, distributions = born
        self._hours.begin()
        number = study.begin(config, values, distributions, notes)
        self._asked += 1
        self._curves[number] = Curve(number, every=self._scale.full / self._scale.own(config))
        self.budget.begin(number, config, notes.get(PARENT))
        return self._assign(number, config, {}, None, None, notes.get(PARENT), again=False)

    def report(self, number: int, report: Report) -> bool | None:
        """Keep what a trial reports.

        Returns:
            True: it goes on; False: its training ends; None: that depends on others, ask :meth:`judge` later.
        """
        self.tick()
        self._hours.note()
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
            if live.repeat is None:
                steps = self._scale.values(live.known, report.epoch, live.epochs)
                self._curves[number].values.update((s, self.study.objective.loss(v)) for s, v in steps.items())
                self.budget.report(number)
        live.last = (report.epoch, value)
        return self.judge(number)

    def judge(self, number: int) -> bool | None:
        """Judge a trial by its last report; see :meth:`report` for the answer."""
        live = self._live.get(number)
        if live is None:
            return False
        epoch, value = live.last
        prunes = self._prunes(number, epoch, live)
        if prunes:
            self._end(number, "pruned", value, None)
            return False
        if epoch < live.epochs:
            spent = self.budget.cuts(number, epoch) if live.repeat is None else None
            if spent:
                self._end(number, "pruned", value, spent)
                return False
            if self._stop.is_set():
                self.release(number)
                return False
        return None if prunes is None else True

    def finish(self, number: int, outcome: Outcome) -> None:
        """Give a trial whose training has ended its final state, unless it has one."""
        if number in self._live:
            if outcome.ended == "told":
                raise StudyError(f"trial {number} was stopped by nobody.")
            if outcome.ended in ("complete", "early"):
                self._end(number, "complete", outcome.value, None, outcome)
            elif outcome.ended == "paused":
                self._end(number, "pruned", self._live[number].last[1], f"paused after epoch {outcome.epochs}", outcome)
            else:
                self._end(number, outcome.ended, None, outcome.reason, outcome)
        if number not in self._released and number not in self._kept and outcome.ended != "paused":
            self._shelf.drop(number)

    def note(self, text: str, number: int | None = None) -> None:
        """Tell listeners something that a person should know."""
        self._tell(Note(text, number))

    def release(self, number: int) -> None:
        """Let go of a trial that stays unfinished, for whoever resumes the study."""
        self._live.pop(number, None)
        self._released.add(number)

    def close(self) -> None:
        """Note why the study is over, and clean up behind trials that are."""
        self.budget.note()
        self._hours.end()
        unfinished = {record.number for record in self.study.records() if record.state == "running"}
        over = not unfinished and not self._stop.is_set() and self.over
        # Where an error ends the driver, the study may be far from its end.
        if over:
            self.study.set("ended", self.why)
        self.study.flush()
        needed = unfinished | self._kept.numbers | {number for number in self._inherited if number >= self._asked}
        if not over:
            needed |= set(range(self._asked - self._sampler.reach, self._asked))
        self._shelf.clean(needed)
        forget(self.study)

    def _why_no_more(self) -> str | None:
        if self._again and not self._stop.is_set():
            return None
        return "stop" if self._stop.is_set() else self.budget.why(self._asked)

    def _prunes(self, number: int, epoch: int, live: Live) -> bool | None:
        step = None if live.repeat is not None or epoch >= live.epochs else self._rung(number, epoch, live.epochs)
        if step is None:
            return False
        unfinished = {*self._live, *(record.number for record in self._again)}
        others = self._order.peers(number, step, self._curves, unfinished)
        if others is None:
            return None
        return self._pruner.prunes(self._curves[number].until(step), others, self._scale.full, self.study.params.seed)

    def _rung(self, number: int, epoch: int, epochs: int) -> int | None:
        """The step at which the pruner judges an epoch of a training of ``epochs``."""
        full, seed = self._scale.full, self.study.params.seed
        return self._scale.rung(epoch, epochs, lambda step: self._pruner.judges(step, number, full, seed))

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
        study, epochs = self.study, max(live.known, default=0)
        result: dict[str, Any] = {"seconds": live.seconds, "reason": reason}
        measures = outcome.measures if outcome is not None else {}
        values: tuple[float, ...] | None = None
        if outcome is not None:
            result |= {
                "ended": outcome.ended,
                "best_epoch": outcome.best_epoch,
                "weights_sha256": outcome.weights_sha256,
                "fingerprint": outcome.fingerprint,
            } | ({"measures": measures} if measures else {})
        if state == "complete" and value is not None:
            state, reason, values = self._weigh(value, measures)
            result["reason"] = reason
        study.end(number, state, values, result, self._violations(state, values, measures, epochs / live.epochs))
        self._ends.append(state)
        if live.repeat is None:
            self.budget.end(number, values if state == "complete" else None)
        if live.repeat is not None:
            values = None
        if values is not None and state == "complete":
            point = tuple(each.loss(value) for each, value in zip(study.objectives, values, strict=True))
            for other in self._kept.hear(number, point):
                self._shelf.drop(other)
        if values is not None:
            # A config that breaks a constraint may do well because of it.
            whole = state == "complete"
            self._curves[number] = replace(self._curves[number], complete=whole, feasible=whole)
        best = False
        if state == "complete" and values is not None:
            names = [objective.metric for objective in study.objectives]
            config, numbers = dict(live.config), dict(zip(names, values, strict=True))
            record = TrialRecord(number, state, value, epochs, config, live.seconds, "", {}, values=numbers)
            self._front = study.front([*self._front, record])
            best = any(member.number == number for member in self._front)
        ended = Ended(
            number, state, value, epochs, live.seconds, live.config, reason,
            best=best, measures=measures, repeat=live.repeat,
        )  # fmt: skip
        if outcome is not None:
            ended = replace(ended, weights_sha256=outcome.weights_sha256, fingerprint=outcome.fingerprint)
        self._tell(replace(ended, front=len(self._front)))
        if len(self._ends) >= FAILED_AT_ONCE and all(end == "failed" for end in self._ends):
            raise StudyError(
                f"study '{self.study.name}': all of the first {len(self._ends)} trials failed, the last: {reason}"
            )

    def _weigh(self, value: float, measures: Mapping[str, float]) -> tuple[str, str | None, tuple[float, ...] | None]:
        """What a trial that spent its full fidelity comes to: its state, why, and every objective."""
        reasons = broken(self.study.constraints, measures)
        values = (value, *(measures[objective.metric] for objective in self.study.objectives[1:]))
        if not all(math.isfinite(each) for each in values):
            names = ", ".join(f"{o.metric} is {v}" for o, v in zip(self.study.objectives, values, strict=True))
            return "infeasible", f"{names}.", None
        return ("infeasible", f"{'; '.join(reasons)}.", values) if reasons else ("complete", None, values)

    def _violations(
        self, state: str, values: tuple[float, ...] | None, measures: Mapping[str, float], share: float
    ) -> dict[str, float]:
        """What samplers hear as constraints; one that is not measured yet is not broken.

        With several objectives Optuna cannot rank trials that were stopped early by a value, so the part of the
        fidelity that they did not spend is one more violation: they come after all complete ones, the longest first.
        """
        if state == "failed":
            return {}
        told = {
            str(each): each.violation(measures[each.metric]) if each.metric in measures else 0.0
            for each in self.study.constraints
        }
        if len(self.study.objectives) > 1 and values is None:
            told["stopped"] = 2.0 if state == "infeasible" else 1.0 - share + 1e-3
        return told

    def _assign(
        self,
        number: int,
        config: Config,
        known: dict[int, float],
        repeat: int | None,
        seed: int | None,
        parent: int | None,
        *,
        again: bool,
    ) -> Assignment:
        if seed is not None:
            config = {**config, "seed": seed}
        epochs = self._scale.own(config)
        self._live[number] = Live(config, epochs, dict(known), repeat=repeat)
        self._tell(Asked(number, config, again=again, repeat=repeat, parent=parent))
        until = None if repeat is not None else self._sampler.until(number, epochs)
        if self._sampler.reach and not again:
            self._shelf.drop(number - self._sampler.reach)
        return Assignment(number, config, until, parent, bar=None if repeat is not None else self._kept.bar)

    def _next_repeat(self) -> Assignment | None:
        """The next repeat, once the search has ended: only then it is known which trials are the best."""
        if any(live.repeat is None for live in self._live.values()) or not self._repeats_left():
            return None
        assert self._repeats
        trial, seed = self._repeats.popleft()
        self._hours.begin()
        number = self.study.begin_repeat(trial, seed)
        return self._assign(number, trial.config, {}, trial.number, seed, None, again=False)

    def _repeats_left(self) -> bool:
        if self.study.params.sweep.repeats is None or self._stop.is_set():
            return False
        if self._repeats is None:
            self._repeats = deque(missing(self.study, self.study.trials(), self.study.repeats()))
        return bool(self._repeats)

    def _curve(self, record: TrialRecord) -> Curve:
        loss = self.study.objective.loss
        epochs = self._scale.own(record.config)
        values = {step: loss(value) for step, value in self._scale.spread(record.reports, epochs).items()}
        broke = record.state == "infeasible" and bool(record.values)
        every = self._scale.full / epochs
        return Curve(record.number, values, record.state == "complete", feasible=not broke, every=every)
