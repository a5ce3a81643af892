"""Engine virtual: trials replay learning curves on a virtual clock, by any number of asynchronous workers.

The conductor, the study, the sampler and the pruner are the real ones; only the training is not. A search of hours
takes seconds, and the same seed gives the same table of trials to the bit.
"""

import heapq
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from nnops import __version__
from nnops.params import Params
from nnops.report import Report
from nnops.sweep.budget import Limits
from nnops.sweep.conductor import Conductor
from nnops.sweep.lease import Lease
from nnops.sweep.objective import Objective
from nnops.sweep.space import Config, Space
from nnops.sweep.study import Study
from nnops.sweep.trial import Bench, Outcome


class Curves(Protocol):
    """Learning curves of any config: recorded ones, a surrogate's, or a formula's."""

    def __call__(self, config: Config) -> Iterator[tuple[float, float]]:
        """The value and the seconds of every epoch up to the full fidelity; only as many are drawn as are run."""
        ...


@dataclass(frozen=True)
class Moment:
    """An epoch that was run.

    Attributes:
        clock_s: When it ended, in virtual seconds since the start.
        number: The trial.
        epoch: Of the trial, from 1.
        value: What it reported.
        complete: Whether it was the last one of a trial that spent its full fidelity.
    """

    clock_s: float
    number: int
    epoch: int
    value: float
    complete: bool


class Virtual:
    """So many workers, none of them real.

    Args:
        workers: Trials at once.
        curves: What trials would report; a trial's value is its last one.
        epochs: Leave after so many, with what runs released for a resume; None goes on to the study's budget.
    """

    name = "virtual"

    def __init__(self, workers: int, curves: Curves, epochs: int | None = None) -> None:
        self.workers = workers
        self.moments: list[Moment] = []
        self._curves, self._epochs = curves, epochs

    def check(self) -> None:
        """Nothing is occupied."""

    def start(self) -> None:
        """Nothing to start."""

    def run(self, conductor: Conductor, bench: Bench) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        metric = bench.metric
        # Who ends an epoch first comes first; of several at once, the one with the lowest number.
        running: list[tuple[float, int, int, float, float]] = []
        curves: dict[int, Iterator[tuple[float, float]]] = {}
        pauses: dict[int, int | None] = {}
        waiting: dict[int, int] = {}
        clock_s = 0.0
        while True:
            while len(running) + len(waiting) < self.workers and (assignment := conductor.next()) is not None:
                curves[assignment.number] = iter(self._curves(assignment.config))
                pauses[assignment.number] = assignment.until
                value, seconds = next(curves[assignment.number])
                heapq.heappush(running, (clock_s + seconds, assignment.number, 1, value, seconds))
            if not running or (self._epochs is not None and len(self.moments) >= self._epochs):
                break
            clock_s, number, epoch, value, seconds = heapq.heappop(running)
            goes_on = conductor.report(number, Report(epoch, {metric: value}, seconds))
            waiting[number] = len(self.moments)
            self.moments.append(Moment(clock_s, number, epoch, value, complete=False))
            # What one reports may be what others, under a fixed order, wait for; the lowest number never waits.
            for other in sorted(waiting):
                verdict = goes_on if other == number and goes_on is not None else conductor.judge(other)
                if verdict is None:
                    continue
                place = waiting.pop(other)
                moment = self.moments[place]
                following = next(curves[other], None) if verdict and moment.epoch != pauses[other] else None
                if following is not None:
                    heapq.heappush(running, (clock_s + following[1], other, moment.epoch + 1, *following))
                    continue
                if verdict and moment.epoch == pauses[other]:
                    ended = Outcome("paused", epochs=moment.epoch)
                elif verdict:
                    self.moments[place] = replace(moment, complete=True)
                    ended = Outcome("complete", moment.value, best_epoch=moment.epoch, epochs=moment.epoch)
                else:
                    ended = Outcome("told")
                conductor.finish(other, ended)
        for number in [*(each[1] for each in running), *waiting]:
            conductor.release(number)

    def close(self, wait: bool = True) -> None:
        """Nothing to end."""

    def aloud(self, tell: Callable[[], None]) -> None:
        """Nothing is silenced."""
        tell()


class HeldLease(Lease):
    """The lease of a study that no other process can see."""

    def __init__(self) -> None:
        super().__init__(Path(), "")

    def beat(self, force: bool = False) -> None:
        """Nobody listens."""


def memory_study(name: str, folder: Path, params: Params) -> Study:
    """Begin a study whose record is in the memory of this process, with the space and first objective of params.

    Args:
        name: Its name.
        folder: Holds nothing, but the conductor looks there for a wish to stop.
        params: Their space need not name keys of params.
    """
    import optuna

    written = params.sweep.objectives[0]
    objective = Objective(written.metric, written.direction)
    made = optuna.create_study(
        study_name=name, direction=objective.direction, sampler=optuna.samplers.RandomSampler(seed=params.seed)
    )
    attrs = {
        "nnops": __version__,
        "uid": f"{name}-{uuid.uuid4().hex[:8]}",
        "created": time.time(),
        "params": params.record(),
        "space_hash": Space.parse(params.sweep.space).hash,
        "objective": asdict(objective),
        "seed": params.seed,
        "budget": Limits.of(params.sweep.budget).record(),
        "data_hash": "",
    }
    for key, value in attrs.items():
        made.set_user_attr(key, value)
    return Study(name, folder, made, None)
