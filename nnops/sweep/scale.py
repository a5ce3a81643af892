"""One scale for trainings of unlike length: where ``train.epochs`` is tuned, trials are compared at equal shares of it.

A schedule ends with its training, so a short one is nearly done where a long one has hardly begun; held against each
other at the same epoch, the short one looks better than it is. So pruners and samplers count in epochs of the longest
training of the space, here called steps: epoch e of a training of E epochs stands for the steps from (e - 1) R / E to
e R / E, R being the longest. Where the length is not tuned a step is an epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnops.params import Params
from nnops.sweep.space import Space

EPOCHS = "train.epochs"


@dataclass(frozen=True)
class Scale:
    """Epochs of trials as steps.

    Attributes:
        full: R, the steps of every whole training.

    >>> Scale(10).steps(1, 10), Scale(10).steps(2, 4)
    (range(1, 2), range(3, 6))
    """

    full: int

    @classmethod
    def of(cls, params: Params, space: Space) -> "Scale":
        """The scale of a space, whose longest training counts."""
        tuned = space.by_key.get(EPOCHS)
        if tuned is None:
            return cls(params.train.epochs)
        return cls(max([*tuned.extremes(), *([params.train.epochs] if tuned.when else [])]))

    @classmethod
    def tuned(cls, space: Space) -> "Scale | None":
        """The scale of a space that tunes the length, as far as it is known without params; None where it does not."""
        tuned = space.by_key.get(EPOCHS)
        return cls(max(tuned.extremes())) if tuned else None

    def own(self, config: Mapping[str, Any]) -> int:
        """The length of a config, or of a trial as Optuna stores it; where a condition left it out, the longest."""
        return int(config.get(EPOCHS, self.full))

    def steps(self, epoch: int, epochs: int) -> range:
        """The steps that epoch ``epoch`` of a training of ``epochs`` stands for."""
        return range((epoch - 1) * self.full // epochs + 1, epoch * self.full // epochs + 1)

    def epoch(self, step: float, epochs: int) -> int:
        """The epoch of a training of ``epochs`` that stands for a step.

        >>> [Scale(10).epoch(step, 4) for step in (1, 2, 3, 5, 6, 10)]
        [1, 1, 2, 2, 3, 4]
        """
        return -int(-step * epochs // self.full)

    def spread(self, values: Mapping[int, float], epochs: int) -> dict[int, float]:
        """Values by epoch, as values by step."""
        if epochs == self.full:
            return dict(values)
        return {step: value for epoch, value in values.items() for step in self.steps(epoch, epochs)}
