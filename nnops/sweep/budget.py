"""Limits: what a study may spend, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import ValidationError

from nnops import params
from nnops.catalog import explain
from nnops.errors import InputError
from nnops.sweep.words import duration

#: What gives a study that is over more, by why it is.
MORE = {
    "trials": "--trials N",
    "time": "--time T",
    "epochs": "--epochs N",
    "gpu_hours": "--gpu-hours H",
    "patience": "--patience N",
}


@dataclass(frozen=True)
class Limits:
    """The budget in numbers; None is no limit.

    Attributes:
        trials: Trials in all.
        seconds: Seconds in all.
        epochs: Epochs of all trials together.
        gpu_hours: Hours of a GPU.
        patience: Trials without a better best.
    """

    trials: int | None = None
    seconds: float | None = None
    epochs: int | None = None
    gpu_hours: float | None = None
    patience: int | None = None

    @classmethod
    def of(cls, budget: params.Budget) -> "Limits":
        """As params say."""
        return cls(budget.trials, budget.seconds, budget.epochs, budget.gpu_hours, budget.patience)

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Limits":
        """As a study keeps them; one of an earlier version knows fewer."""
        return cls(**record)

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def given(cls, **written: Any) -> "Limits":
        """As options of a command line say; None is not given.

        Raises:
            InputError: One is not above zero, or no time.
        """
        known = {key: value for key, value in written.items() if value is not None}
        try:
            budget = params.Budget.model_validate(known)
        except ValidationError as error:
            where, _, fault = explain(error, "", params.Budget).removeprefix("params.yaml: ").partition(" ")
            raise InputError(f"--{where.strip(':').replace('_', '-')} {fault}") from error
        return replace(cls.of(budget), trials=known.get("trials"))

    def check(self, gpus: float) -> None:
        """Hold the budget against what trials occupy.

        Args:
            gpus: Of a trial.

        Raises:
            InputError: One is not above zero, or can never be spent.
        """
        for key, value in self.record().items():
            if value is not None and value <= 0:
                raise InputError(f"a budget of {key} must be above zero, got {value}.")
        if self.gpu_hours is not None and not gpus:
            raise InputError(
                f"a budget of {self.gpu_hours:g} GPU hours is never spent, since sweep.resources.gpus is 0; write"
                " sweep.resources: {gpus: 1}, or a budget of time instead."
            )

    def changed(self, other: "Limits") -> "Limits":
        """These, but for what ``other`` limits."""
        return replace(self, **{key: value for key, value in other.record().items() if value is not None})

    def words(self, why: str) -> str:
        """Why a study is over, for people.

        >>> Limits(epochs=1000).words("epochs")
        'the 1,000 epochs of its budget are spent'
        """
        match why:
            case "trials":
                return f"the {self.trials or 0:,} trials of its budget are spent"
            case "time":
                return f"the {duration(self.seconds or 0)} of its budget are spent"
            case "epochs":
                return f"the {self.epochs or 0:,} epochs of its budget are spent"
            case "gpu_hours":
                return f"the {self.gpu_hours or 0:g} GPU hours of its budget are spent"
            case "patience":
                return f"{self.patience or 0:,} trials in a row brought no better best"
            case "grid":
                return "every combination was tried"
            case "generations":
                return "every generation was trained"
            case _:
                return "it was told to stop"
