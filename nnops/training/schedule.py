"""Learning-rate schedules: pure functions of the step and the history, so that a resume needs nothing of them."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from nnops.catalog import Catalog, Component


class Schedule(Component):
    """A factor on the optimizer's rate.

    Attributes:
        rises: Whether it begins below the full rate by itself, so that it takes no warm-up.
    """

    rises: ClassVar[bool] = False
    warmup_epochs: float = Field(default=0.0, ge=0, description="Linear rise from 0 over these epochs")

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """The factor at ``step`` (from 0), in [0, 1]."""
        warmup = self.warmup_epochs * steps_per_epoch
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return self.after_warmup(step - warmup, max(epochs * steps_per_epoch - warmup, 1), steps_per_epoch)

    @property
    def follows(self) -> str:
        """The number of the history that :meth:`decline` reads, such as ``val_loss``; "" for none."""
        return ""

    def decline(self, values: Sequence[float], maximize: bool) -> float:
        """A further factor, of what the followed number was after each epoch so far; ``maximize``: more is better."""
        del values, maximize
        return 1.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rises and self.warmup_epochs:
            raise ValueError("warmup_epochs must be 0 for a schedule that rises by itself; remove it.")
        return self

    @abstractmethod
    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """The factor ``step`` steps after the warm-up, of ``steps`` in all."""


class Constant(Schedule):
    """The same rate all along."""

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Always 1."""
        return 1.0


class Step(Schedule):
    """Multiplied by ``gamma`` every ``every_epochs`` epochs after the warm-up."""

    every_epochs: int = Field(default=10, ge=1)
    gamma: float = Field(default=0.1, gt=0, le=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """A fall every two epochs."""
        return [cls(every_epochs=2, gamma=0.5)]

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Gamma ** (epochs // every_epochs)."""
        return self.gamma ** math.floor(step / (self.every_epochs * steps_per_epoch))


class Cosine(Schedule):
    """Half a cosine from 1 to ``floor`` (Loshchilov and Hutter 2017, eq. 5, without restarts)."""

    floor: float = Field(default=0.0, ge=0, le=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """Down to zero, and with a warm-up down to a floor."""
        return [cls(), cls(floor=0.1, warmup_epochs=1)]

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Floor + (1 - floor) (1 + cos(pi step / steps)) / 2."""
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2


class Exponential(Schedule):
    """Multiplied by ``gamma`` over each epoch after the warm-up, evenly at every step."""

    gamma: float = Field(default=0.95, gt=0, le=1)

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Gamma ** epochs."""
        return self.gamma ** (step / steps_per_epoch)


class OneCycle(Schedule):
    """One rise and one longer fall, each half a cosine (Smith and Topin 2018; the shape and defaults of torch's).

    The rate goes from ``start`` to 1 over the share ``rise`` of all steps, then down to ``floor``.
    """

    rises: ClassVar[bool] = True
    rise: float = Field(default=0.3, gt=0, lt=1, description="Share of the steps until the full rate")
    start: float = Field(default=0.04, gt=0, le=1)
    floor: float = Field(default=4e-6, gt=0, le=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and a slow rise to a short fall."""
        return [cls(), cls(rise=0.6, start=0.2, floor=0.01)]

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Half a cosine from start to 1, then one from 1 to floor."""
        top = self.rise * steps - 1
        if step <= top:
            return _half_cosine(self.start, 1.0, step / max(top, 1))
        return _half_cosine(1.0, self.floor, min((step - top) / max(steps - 1 - top, 1), 1.0))


class Cyclical(Schedule):
    """A triangle between ``floor`` and 1, over and over (Smith 2017), its height times ``gamma`` after each.

    ``gamma: 0.5`` is the paper's triangular2.
    """

    rises: ClassVar[bool] = True
    cycle_epochs: float = Field(default=4.0, gt=0, description="Epochs of a rise and a fall")
    floor: float = Field(default=0.1, gt=0, le=1)
    gamma: float = Field(default=1.0, gt=0, le=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """The same triangle, and one that halves."""
        return [cls(), cls(cycle_epochs=2.5, floor=0.01, gamma=0.5)]

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Floor + (1 - floor) gamma ** cycle * max(0, 1 - x), x the distance from the top in half cycles."""
        half = self.cycle_epochs * steps_per_epoch / 2
        cycle = math.floor(step / (2 * half))
        distance = abs(step / half - 2 * cycle - 1)
        return self.floor + (1 - self.floor) * self.gamma**cycle * max(0.0, 1 - distance)


class Plateau(Schedule):
    """Multiplied by ``gamma`` each time that a metric has not improved for more than ``patience`` epochs.

    What was is read from the history, which checkpoints hold, so that a resume needs nothing else.
    """

    metric: str = Field(default="val_loss", description="val_loss, train_loss or val_<metric>")
    gamma: float = Field(default=0.1, gt=0, lt=1)
    patience: int = Field(default=5, ge=0, description="Epochs without improvement that are borne")
    min_delta: float = Field(default=0.0, ge=0)
    cooldown: int = Field(default=0, ge=0, description="Epochs after a fall that do not count")
    floor: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and with every option in use."""
        return [cls(), cls(metric="train_loss", gamma=0.5, patience=0, min_delta=0.01, cooldown=1, floor=0.1)]

    @property
    def follows(self) -> str:
        """See :class:`Schedule`."""
        return self.metric

    def decline(self, values: Sequence[float], maximize: bool) -> float:
        """Gamma ** falls, at least floor; a value that is no number is no improvement."""
        sign = 1.0 if maximize else -1.0
        best, bad, rest, factor = -math.inf, 0, 0, 1.0
        for value in values:
            if sign * value > best + self.min_delta:
                best, bad = sign * value, 0
            else:
                bad += 1
            if rest:
                rest, bad = rest - 1, 0
            if bad > self.patience:
                factor, rest, bad = max(factor * self.gamma, self.floor), self.cooldown, 0
        return factor

    def after_warmup(self, step: float, steps: float, steps_per_epoch: int) -> float:
        """Always 1; see :meth:`decline`."""
        return 1.0


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES: Catalog[Schedule] = Catalog(
    "schedule",
    {
        "constant": "nnops.training.schedule:Constant",
        "cosine": "nnops.training.schedule:Cosine",
        "cyclical": "nnops.training.schedule:Cyclical",
        "exponential": "nnops.training.schedule:Exponential",
        "one_cycle": "nnops.training.schedule:OneCycle",
        "plateau": "nnops.training.schedule:Plateau",
        "step": "nnops.training.schedule:Step",
    },
)
