"""One scale for trainings of unlike length: where ``train.epochs`` is tuned, trials are compared at equal shares of it.

A schedule ends with its training, so a short one is nearly done where a long one has hardly begun; held against each
other at the same epoch, the short one looks better than it is. So pruners and samplers count in epochs of the longest
training of the space, here called steps: epoch e of a training of E epochs lies at step e R / E, R being the longest.
Between two epochs a value is taken from the straight line; before its first epoch a training has none, so what judges
there passes it by. Where the length is not tuned a step is an epoch.
"""

from collections.abc import Callable, Mapping
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
        usual: The epochs of a training whose config does not say.

    >>> scale = Scale(10, 10)
    >>> scale.steps(3, 10), scale.steps(1, 4), scale.steps(2, 4)
    (range(3, 4), range(2, 3), range(3, 6))
    """

    full: int
    usual: int

    @classmethod
    def of(cls, params: Params, space: Space) -> "Scale":
        """The scale of a space, whose longest training counts."""
        usual, tuned = params.train.epochs, space.by_key.get(EPOCHS)
        if tuned is None:
            return cls(usual, usual)
        return cls(max([*tuned.extremes(), *([usual] if tuned.when else [])]), usual)

    @classmethod
    def tuned(cls, space: Space) -> "Scale | None":
        """The scale of a space whose every config says its length, which needs no params; else None."""
        tuned = space.by_key.get(EPOCHS)
        if tuned is None or tuned.when:
            return None
        return cls(max(tuned.extremes()), max(tuned.extremes()))

    def own(self, config: Mapping[str, Any]) -> int:
        """The epochs of a config's training."""
        return int(config.get(EPOCHS, self.usual))

    def steps(self, epoch: int, epochs: int) -> range:
        """The steps whose values are known once epoch ``epoch`` of a training of ``epochs`` has ended."""
        last = epoch * self.full // epochs
        return range(last if epoch == 1 else (epoch - 1) * self.full // epochs + 1, last + 1)

    def values(self, reports: Mapping[int, float], epoch: int, epochs: int) -> dict[int, float]:
        """What a training with these reports shows at the steps of an epoch.

        >>> Scale(10, 10).values({1: 1.0, 2: 0.0}, 2, 4)
        {3: 0.8, 4: 0.4, 5: 0.0}
        """
        value, before = reports[epoch], reports.get(epoch - 1, reports[epoch])
        return {
            step: value + (before - value) * (epoch * self.full - step * epochs) / self.full
            for step in self.steps(epoch, epochs)
        }

    def spread(self, reports: Mapping[int, float], epochs: int) -> dict[int, float]:
        """All reports of a training as values by step."""
        if epochs == self.full:
            return dict(reports)
        return {step: value for epoch in reports for step, value in self.values(reports, epoch, epochs).items()}

    def at(self, reports: Mapping[int, float], step: int, epochs: int) -> float:
        """What a training with these reports shows at a step; before its first epoch that one's, at the end its last.

        >>> [Scale(10, 10).at({1: 1.0, 2: 0.0}, step, 4) for step in (1, 2, 4, 5, 9)]
        [1.0, 1.0, 0.4, 0.0, 0.0]
        """
        epoch = min(-(-step * epochs // self.full), max(reports))
        return self.values(reports, epoch, epochs).get(step, reports[epoch])

    def rung(self, epoch: int, epochs: int, judges: Callable[[int], bool]) -> int | None:
        """The last step of an epoch at which somebody judges, or None."""
        return next((step for step in reversed(self.steps(epoch, epochs)) if judges(step)), None)
