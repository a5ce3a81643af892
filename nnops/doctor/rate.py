"""The learning-rate range test (Smith 2017, section 3.3): one run whose rate rises at every step, and what it tells.

The loss stays, falls, and rises again. A rate is too high from where the run lost half of what it had gained; it is too
low where all steps of the training together move the weights less than the test had moved them when the loss began to
fall. Symbols: r the rate, D the sum of all rates so far, which bounds how far weights have moved.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnops.doctor.guess import zero_loss

if TYPE_CHECKING:
    from nnops.doctor.case import Case

#: The first and the last rate, unless params name one beyond them.
FIRST, LAST = 1e-6, 10.0
#: Steps to each side that a loss is averaged over.
SMOOTH = 3
#: Steps at rates that change nothing.
START = 10
#: The least gain, as a part of the loss of an answer of zeros, that is called learning.
GAIN = 0.05
#: Rows in a batch at least: the loss of fewer is mostly chance.
FEWEST_ROWS = 32
#: A run ends where its loss is so many times the one at the start.
BLOWN = 4.0


@dataclass(frozen=True)
class RateRange:
    """What a range test gave.

    Attributes:
        rates: One for each step.
        losses: Before each step; infinite from where they are no longer followed.
        smooth: The same, averaged over neighbours.
        falls: The rate at which a tenth of the gain was reached; None where nothing was gained.
        best: The rate with the lowest loss.
        breaks: The rate at which half of the gain was lost again; None where it never was.
        moved: D at ``falls``.
        rows: Rows in each batch.
    """

    rates: list[float]
    losses: list[float]
    smooth: list[float]
    falls: float | None
    best: float
    breaks: float | None
    moved: float
    rows: int

    @property
    def start(self) -> float:
        """The loss at rates that change nothing."""
        return sum(self.smooth[:START]) / len(self.smooth[:START])

    @property
    def gain(self) -> float:
        """How far the loss fell."""
        return self.start - min(self.smooth)

    @property
    def suggested(self) -> float | None:
        """A tenth of the rate with the lowest loss, but not one that had no effect; in two digits."""
        if self.falls is None:
            return None
        return float(f"{min(max(self.best / 10, self.falls), self.best):.1e}")


def measure_rates(case: "Case") -> RateRange:
    """Run the range test on the untrained network, with the batches and the optimizer of the training."""
    step, count = case.fresh(), case.most_steps
    rows = max(case.rows, min(FEWEST_ROWS, len(case.train)))
    first, last = min(FIRST, case.lr / 10), max(LAST, case.lr * 10)
    rates = [first * (last / first) ** (place / (count - 1)) for place in range(count)]
    losses: list[float] = []
    for place, rate in enumerate(rates):
        inputs, target_B = case.batch(place, rows)
        loss = float(step.train(inputs, target_B, rate))
        if not math.isfinite(loss) or (place > 5 and loss > BLOWN * max(losses[0], 1e-12) + 1e-12):
            break
        losses.append(loss)
    losses += [math.inf] * (count - len(losses))
    return read_rates(rates, losses, rows, GAIN * zero_loss(case.spec, step.loss, case.batch(0, rows)[1]))


def read_rates(rates: list[float], losses: list[float], rows: int, least: float) -> RateRange:
    """What a range test tells; a gain below ``least`` is none.

    >>> read_rates([1e-3, 1e-2, 0.1], [2.0, 2.0, 2.0], 32, 0.1).suggested is None
    True
    """
    smooth = [_mean(losses[max(0, place - SMOOTH) : place + SMOOTH + 1], one) for place, one in enumerate(losses)]
    lowest = min(range(len(smooth)), key=smooth.__getitem__)
    start = sum(smooth[:START]) / len(smooth[:START])
    gain = start - smooth[lowest]
    if not gain > least:
        return RateRange(rates, losses, smooth, None, rates[lowest], None, 0.0, rows)
    # From where on it stays below: at rates that change nothing, batches differ by chance.
    above = [place for place in range(lowest) if smooth[place] > start - gain / 10]
    falls = min(above[-1] + 1 if above else 0, lowest)
    breaks = next((rates[place] for place in range(lowest, len(smooth)) if smooth[place] > start - gain / 2), None)
    return RateRange(rates, losses, smooth, rates[falls], rates[lowest], breaks, sum(rates[: falls + 1]), rows)


def _mean(near: list[float], here: float) -> float:
    known = [one for one in near if math.isfinite(one)]
    return sum(known) / len(known) if math.isfinite(here) else math.inf


def warms_up(case: "Case") -> bool:
    """Whether the schedule begins below its full rate."""
    schedule = case.part.plan.schedule
    return schedule.rises or schedule.warmup_epochs > 0


def short_run(case: "Case", rate: float, steps: int) -> list[float]:
    """The losses of the first steps of a training at one rate, reached after a few where the schedule warms up."""
    step = case.fresh()
    rises = warms_up(case)
    losses: list[float] = []
    for place in range(steps):
        factor = min(1.0, (place + 1) / (steps // 2)) if rises else 1.0
        inputs, target_B = case.batch(place)
        losses.append(float(step.train(inputs, target_B, rate * factor)))
        if not math.isfinite(losses[-1]):
            break
    return losses


def mean_factor(case: "Case") -> float:
    """The mean of the schedule's factor over the training."""
    epochs = case.params.train.epochs
    per_epoch = max(1, case.steps // epochs)
    places = range(0, per_epoch * epochs, max(1, per_epoch * epochs // 200))
    factors = [case.part.plan.schedule.factor(place, per_epoch, epochs) for place in places]
    return sum(factors) / len(factors)
