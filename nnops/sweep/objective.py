"""The objective: the metric that a study optimises, and which way is better."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from nnops.batch import Task
from nnops.catalog import nearest
from nnops.errors import ParamsError
from nnops.metrics import METRICS
from nnops.params import Params, SweepObjective

LOSSES = ("train_loss", "val_loss")
#: What the name of a gap between groups begins with; a column follows.
GAP = "fairness_gap."
#: Groups of fewer val rows are left out of a fairness gap.
GROUP_ROWS = 10


@dataclass(frozen=True)
class Objective:
    """A metric of a report and its direction.

    Attributes:
        metric: ``val_loss``, ``train_loss`` or ``val_<metric>``.
        direction: Which way is better.
    """

    metric: str
    direction: Literal["minimize", "maximize"]

    @classmethod
    def of(cls, written: SweepObjective, task: Task) -> "Objective":
        """The objective that params name, judged.

        Raises:
            ParamsError: It is not measured each epoch, does not fit the task, or is optimised the wrong way round.
        """
        where, metric = "params.yaml: sweep.objective", written.metric
        fitting = [f"val_{name}" for name in METRICS.names() if task in METRICS.load(name).tasks]
        measured = [*fitting, *LOSSES]
        if metric not in measured:
            name = metric.removeprefix("val_")
            if name in METRICS.names() and metric.startswith("val_"):
                raise ParamsError(
                    f"{where}.metric: '{metric}' does not fit the task {task}; write {' or '.join(measured)}."
                )
            guess = nearest(f"val_{metric.rpartition('_')[2]}", measured) or nearest(metric, measured)
            hint = f"did you mean '{guess}'?" if guess else f"write {' or '.join(measured)}."
            raise ParamsError(f"{where}.metric: '{metric}' is not measured after each epoch; {hint}")
        better = "minimize" if metric in LOSSES else METRICS.load(metric.removeprefix("val_")).direction
        if written.direction != better:
            _wrong_way(where, metric, better)
        return cls(metric, written.direction)

    @classmethod
    def written(cls, params: Params) -> "tuple[Objective, ...]":
        """The objectives as params name them, not judged."""
        return tuple(cls(each.metric, each.direction) for each in params.sweep.objectives)

    @classmethod
    def several(
        cls,
        written: Sequence[SweepObjective],
        task: Task,
        known: Callable[[], Mapping[str, str]],
    ) -> "tuple[Objective, ...]":
        """All objectives; the first is measured each epoch, the others once a trial is complete.

        Args:
            written: As params name them.
            task: What is predicted.
            known: Gives what can be measured of a trial, and which way is better; asked only where it is needed.

        Raises:
            ParamsError: One is not measured, or is optimised the wrong way round.
        """
        found = [cls.of(written[0], task)]
        for place, other in enumerate(written[1:], start=1):
            where, measured = f"params.yaml: sweep.objective.{place}", known()
            if other.metric not in measured:
                raise ParamsError(f"{where}.metric: {explain_unmeasured(other.metric, measured)}")
            if other.direction != measured[other.metric]:
                _wrong_way(where, other.metric, measured[other.metric])
            found.append(cls(other.metric, other.direction))
        return tuple(found)

    def value(self, metrics: Mapping[str, float]) -> float:
        """The objective's number in a report."""
        return metrics[self.metric]

    def loss(self, value: float) -> float:
        """The value turned so that more is worse."""
        return -value if self.direction == "maximize" else value


def explain_unmeasured(name: str, measured: Iterable[str]) -> str:
    """One sentence for a name that is not measured of a trial, with the nearest one or all of them."""
    names = list(measured)
    gaps = [each for each in names if each.startswith(GAP)]
    guess = nearest(name, gaps if name.startswith(GAP) else names)
    if guess:
        hint = f"did you mean '{guess}'?"
    elif name.startswith(GAP):
        hint = (
            f"gaps are known between groups of a categorical column that have {GROUP_ROWS} val rows or more, where"
            f" classes are predicted; write {' or '.join(gaps)}."
            if gaps
            else f"the data have no categorical column with two groups of {GROUP_ROWS} val rows or more, or no classes"
            " are predicted; leave it out."
        )
    else:
        hint = f"write one of {', '.join(names)}."
    return f"'{name}' is not measured of a trial; {hint}"


def _wrong_way(where: str, metric: str, better: str) -> NoReturn:
    more = "larger" if better == "maximize" else "smaller"
    raise ParamsError(f"{where}.direction: {metric} is better when it is {more}; write direction: {better}.")
