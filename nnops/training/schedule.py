"""Learning-rate schedules: pure functions of the step, so that a resume needs nothing of them."""

import math
from abc import abstractmethod
from typing import Self

from pydantic import Field

from nnops.catalog import Catalog, Component


class Schedule(Component):
    """A factor on the optimizer's rate."""

    warmup_epochs: float = Field(default=0.0, ge=0, description="Linear rise from 0 over these epochs")

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """The factor at ``step`` (from 0), in [0, 1]."""
        warmup = self.warmup_epochs * steps_per_epoch
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return self.after_warmup(step - warmup, max(epochs * steps_per_epoch - warmup, 1), steps_per_epoch)

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


SCHEDULES: Catalog[Schedule] = Catalog(
    "schedule",
    {
        "constant": "nnops.training.schedule:Constant",
        "cosine": "nnops.training.schedule:Cosine",
        "step": "nnops.training.schedule:Step",
    },
)
