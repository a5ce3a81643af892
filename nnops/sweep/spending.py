"""Spending: what a study has spent of its budget, and why it is over; nothing is spent beyond it.

trials      that were asked
time        seconds of all drivers of the study
epochs      that trials of the search have reported; one is granted at a time, so that no worker trains one too many
gpu_hours   that workers held GPUs, whether they trained or waited
patience    trials in a row that ended without a better best

Repeats come on top. A trial that still runs may better the best, so patience lets it end.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnops.sweep.budget import Limits
from nnops.sweep.scale import Scale

if TYPE_CHECKING:
    from nnops.sweep.samplers.base import Sampler
    from nnops.sweep.study import Study, TrialRecord

#: Why a trial that ran when something was spent ended before its full fidelity.
CUT = {
    "time": "the time budget is spent",
    "gpu_hours": "the budget of GPU hours is spent",
    "epochs": "the budget of epochs is spent",
}


class Spending:
    """What one study has spent, and may still spend.

    Under a fixed order epochs are granted by number: trial n may spend what all trials before it have left. It waits
    for their ends where that is not surely enough for it, so the last epochs are trained one trial after the other.

    Args:
        limits: The budget.
        study: The study.
        records: Its trials so far, by number.
        sampler: Says how many trials there are to try.
        gpus: How many the workers hold together.
        clock: Gives seconds.
    """

    def __init__(
        self,
        limits: Limits,
        study: "Study",
        records: "Sequence[TrialRecord]",
        sampler: "Sampler",
        *,
        gpus: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self._study, self._sampler, self._gpus, self._clock = limits, study, sampler, gpus, clock
        self._most = sampler.limit(study.space)
        if self._most is not None and sampler.lists:
            self._most += len(study.attrs.get("queue", ())) + study.attrs.get("grown", 0)
        self.trials = min((each for each in (limits.trials, self._most) if each is not None), default=None)
        self._start_s = clock()
        self._spent_before_s = float(study.attrs.get("spent_s", 0.0))
        self._gpu_hours_before = float(study.attrs.get("gpu_hours", 0.0))
        sweep = study.params.sweep
        self._lag = sweep.lag if sweep.order == "fixed" else None
        self._scale = Scale.of(study.params, study.space)
        self.epochs = 0
        #: Epochs reported by each trial, and of those that run the last one before they ask for no more.
        self._done: dict[int, int] = {}
        self._until: dict[int, int] = {}
        #: Epochs that trials inherited, of a trial of this study or of the one that it grew from.
        self._inherited = {int(number): epochs for number, epochs in study.attrs.get("inherits", {}).items()}
        self._free: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._points: dict[int, tuple[float, ...] | None] = {}
        self._heard = self._since = 0
        self._front: list[tuple[float, ...]] = []
        for record in records:
            self.begin(record.number, record.config, record.parent)
            for _ in range(record.epochs):
                self.report(record.number)
            if record.state != "running":
                del self._until[record.number]
        ended = [record for record in records if record.state != "running"]
        for record in sorted(ended, key=lambda each: (each.ended or 0.0, each.number)):
            self._hear(record.number, study.point(record) if record.state == "complete" else None)

    @property
    def spent_s(self) -> float:
        """Seconds that drivers have spent on the study."""
        return self._spent_before_s + self._clock() - self._start_s

    @property
    def gpu_hours(self) -> float:
        """Hours that workers have held GPUs."""
        return self._gpu_hours_before + self._gpus * (self._clock() - self._start_s) / 3600

    def begin(self, number: int, config: Mapping[str, Any], parent: int | None = None) -> None:
        """A trial runs that has reported nothing yet; epochs that it inherits are not spent again."""
        if self._lag is not None and self.limits.epochs is not None and not self._enough():
            self._last[number] = self.limits.epochs - self.epochs
        full = self._scale.own(config)
        self._done[number] = 0
        self._until[number] = self._sampler.until(number, full) or full
        self._free[number] = self._done.get(parent, 0) if parent is not None else self._inherited.get(number, 0)

    def report(self, number: int) -> None:
        """A trial has reported one more epoch."""
        self._done[number] += 1
        self.epochs += self._done[number] > self._free[number]

    def end(self, number: int, values: Sequence[float] | None) -> None:
        """A trial has its final state.

        Args:
            number: The trial.
            values: Its objectives, where it may be the best.
        """
        del self._until[number]
        objectives = self._study.objectives
        self._hear(number, tuple(o.loss(v) for o, v in zip(objectives, values, strict=True)) if values else None)

    def ready(self) -> bool:
        """Whether it is known how many epochs the next trial may spend."""
        return self._lag is None or self.limits.epochs is None or not self._until or self._enough()

    def why(self, asked: int) -> str | None:
        """Why no further trial may be asked now, or None.

        Args:
            asked: Trials that were.

        Returns:
            ``time``, ``gpu_hours``, ``trials``, ``epochs``, ``patience``, or what the sampler says.
        """
        spent = self._clock_says()
        if spent is not None:
            return spent
        if self.limits.epochs is not None and not self._left():
            return "epochs"
        if self.trials is not None and asked >= self.trials:
            return self._sampler.spent if self.trials == self._most else "trials"
        return "patience" if self._stale(asked) else None

    def cuts(self, number: int, epoch: int) -> str | None:
        """Why a trial must end at an epoch that it has reported, though it could go on; None where it may."""
        spent = self._clock_says()
        if spent is None and self.limits.epochs is not None and epoch >= self._free[number]:
            if self._lag is not None:
                over = epoch - self._free[number] >= self._last.get(number, epoch + 1)
            else:
                # Of what is left, every trial that runs holds one epoch; this one asks for its next.
                over = self.epochs + self._held() > self.limits.epochs
            spent = "epochs" if over else None
        return None if spent is None else CUT[spent]

    def asks(self, number: int, epochs: int) -> Sequence[int]:
        """Epochs after which a trial must not go on unasked."""
        if self.limits.epochs is None:
            return ()
        if self._lag is None:
            return range(1, epochs)
        last = self._free[number] + self._last.get(number, epochs)
        return [last] if last < epochs else []

    def note(self) -> None:
        """Keep in the study what no trial tells."""
        self._study.set("spent_s", self.spent_s)
        if self.gpu_hours:
            self._study.set("gpu_hours", self.gpu_hours)

    def _clock_says(self) -> str | None:
        if self.limits.seconds is not None and self.spent_s >= self.limits.seconds:
            return "time"
        if self.limits.gpu_hours is not None and self.gpu_hours >= self.limits.gpu_hours:
            return "gpu_hours"
        return None

    def _enough(self) -> bool:
        """Whether the next trial may spend its full fidelity, whatever those before it will spend."""
        ended = self.epochs - sum(max(0, self._done[number] - self._free[number]) for number in self._until)
        return ended + (len(self._until) + 1) * self._scale.full <= (self.limits.epochs or 0)

    def _held(self) -> int:
        """How many trials train an epoch that they have not reported."""
        return sum(self._done[number] < until for number, until in self._until.items())

    def _left(self) -> bool:
        """Whether an epoch is left for a further trial, as far as is known."""
        limit = self.limits.epochs or 0
        if self._lag is None:
            return self.epochs + self._held() < limit
        return bool(self._until) or self.epochs < limit

    def _hear(self, number: int, point: tuple[float, ...] | None) -> None:
        if self._lag is None:
            self._weigh(point)
        else:
            self._points[number] = point

    def _stale(self, asked: int) -> bool:
        """Whether patience is at its end; under a fixed order, by the trials that a proposal may know."""
        if self.limits.patience is None:
            return False
        if self._lag is not None:
            while self._heard <= asked - self._lag and self._heard in self._points:
                self._weigh(self._points.pop(self._heard))
                self._heard += 1
        return bool(self._front) and self._since >= self.limits.patience

    def _weigh(self, point: tuple[float, ...] | None) -> None:
        if point is None or any(all(x <= y for x, y in zip(other, point, strict=True)) for other in self._front):
            self._since += 1
            return
        self._since = 0
        self._front = [other for other in self._front if not all(x <= y for x, y in zip(point, other, strict=True))]
        self._front.append(point)
