"""The interface of a pruner: one judgement over what all trials have reported."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from nnops.catalog import Component


@dataclass(frozen=True, slots=True)
class Curve:
    """What a trial has reported so far.

    Attributes:
        number: The trial.
        values: The objective by epoch; more is worse, whatever the study's direction.
        complete: Whether the trial has spent its full fidelity.
        feasible: Whether it keeps to the constraints, as far as is known; nobody is compared to one that does not.
        every: Where trainings differ in length, so many of the epochs that values are given for are one of its own.
    """

    number: int
    values: dict[int, float] = field(default_factory=dict)
    complete: bool = False
    feasible: bool = True
    every: float = 1.0

    def until(self, epoch: int) -> "Curve":
        """What had been reported up to an epoch."""
        if max(self.values, default=0) <= epoch:
            return self
        return replace(self, values={each: value for each, value in self.values.items() if each <= epoch})


class Pruner(Component):
    """A rule that stops trials; it keeps nothing, so a study that goes on after a kill is judged as before."""

    #: Whether what running trials have reported counts; under a fixed order it is waited for.
    waits: ClassVar[bool] = True

    def check(self, epochs: int) -> None:
        """Hold the options against the full fidelity.

        Raises:
            ParamsError: They do not fit.
        """
        del epochs

    @abstractmethod
    def judges(self, epoch: int, number: int, epochs: int, seed: int) -> bool:
        """Whether trial ``number`` may be stopped at ``epoch``; elsewhere nobody waits for an answer.

        Args:
            epoch: The fidelity reached, from 1.
            number: The trial.
            epochs: The full fidelity.
            seed: Of the study.
        """

    @abstractmethod
    def prunes(self, curve: Curve, others: Sequence[Curve], epochs: int, seed: int) -> bool:
        """Whether to stop a trial at its last reported epoch, one that :meth:`judges`.

        Args:
            curve: The trial.
            others: All other trials of the study that reported.
            epochs: The full fidelity.
            seed: Of the study.
        """

    def peers(self, number: int, epoch: int, others: Sequence[Curve], epochs: int, seed: int) -> list[Curve]:
        """Those of ``others`` that trial ``number`` is compared to at ``epoch``: all that reported there."""
        del number, epochs, seed
        return [other for other in others if epoch in other.values]

    def disbelieves(self, curve: Curve, others: Sequence[Curve], epochs: int) -> float | None:
        """The rank correlation with later for which the rung of a trial's last report stops nobody, or None."""
        del curve, others, epochs

    def expected_epochs(self, epochs: int) -> float:
        """Epochs that a trial spends on average, for plans."""
        return float(epochs)
