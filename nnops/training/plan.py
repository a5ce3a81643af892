"""The plan: what the loop is told once, made of params and judged against the task."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor

from nnops.batch import PREDICT_ROWS, TOKENS, Spec
from nnops.catalog import unknown
from nnops.errors import ParamsError
from nnops.metrics import METRICS, SHOWN
from nnops.metrics.base import Metric
from nnops.params import EarlyStopping, Params
from nnops.training.ranks import Ranks
from nnops.training.schedule import SCHEDULES, Schedule

LOSSES_SHOWN = ("train_loss", "val_loss")

Inputs = tuple[Tensor, ...]
#: Makes another batch of one: inputs and target as the model and the loss are to see them. It draws from the generator
#: alone, a CPU one with a stream of its own each epoch, and changes nothing in place, since a batch is a view.
Augment = Callable[[Inputs, Tensor, Generator], tuple[Inputs, Tensor]]


@dataclass(frozen=True)
class Plan:
    """What the loop is told once.

    Attributes:
        seed: The seed in params.yaml.
        epochs: The full fidelity.
        batch_size: Rows in a batch, None for all of them; a last batch of one row joins the batch before it.
        rate: The learning rate that the schedule scales.
        schedule: The factor on the rate.
        watched: ``train_loss``, ``val_loss`` or a val metric's name; the best epoch is the best of it.
        maximize: Whether more of ``watched`` is better.
        early_stopping: When to stop for want of improvement.
        metrics: What is measured on val after each epoch, by name, as ``val_<name>``.
        augment: What is done to each batch of train before the step, or None.
        accumulate: Batches whose gradients make one step.
        weighted: Whether rows are drawn with replacement so that classes come equally often.
        follow_maximize: Whether more of what the schedule follows is better.
        rows_at_once: Rows that are predicted at once when a split is looked at.
        tokens: Whether each token is told, so that all outputs of a split would be too many.
        ranks: The processes that share each batch, or None where there is one.
    """

    seed: int
    epochs: int
    batch_size: int | None
    rate: float
    schedule: Schedule
    watched: str
    maximize: bool
    early_stopping: EarlyStopping | None
    metrics: dict[str, Metric]
    augment: Augment | None = None
    accumulate: int = 1
    weighted: bool = False
    follow_maximize: bool = False
    rows_at_once: int = PREDICT_ROWS
    tokens: bool = False
    ranks: Ranks | None = None

    def rate_after(self, history: list[dict[str, float]]) -> float:
        """The rate that the schedule scales, after what was measured so far."""
        if not self.schedule.follows:
            return self.rate
        values = [row[self.schedule.follows] for row in history]
        return self.rate * self.schedule.decline(values, self.follow_maximize)


def build_plan(params: Params, spec: Spec, rate: float, monitor: tuple[str, ...] = ()) -> Plan:
    """Build the plan.

    Args:
        params: The sections ``seed`` and ``train`` are read.
        spec: Its task says which metrics fit.
        rate: The optimizer's learning rate.
        monitor: Further names to measure each epoch.

    Raises:
        ParamsError: A metric that is unknown or does not fit the task, a schedule's option that is wrong.
    """
    train = params.train
    schedule = SCHEDULES.build(train.schedule.name, train.schedule.options, where="train.schedule")
    watched = train.early_stopping.metric if train.early_stopping else "val_loss"
    fitting = [f"val_{name}" for name in METRICS.names() if spec.task in METRICS.load(name).tasks]
    wanted = [f"val_{SHOWN[spec.task]}"]
    for where, name in (
        ("train.early_stopping.metric", watched),
        *([("train.schedule.options.metric", schedule.follows)] if schedule.follows else []),
        *(("sweep.objective.metric", one) for one in monitor),
    ):
        if name in LOSSES_SHOWN:
            continue
        if name not in fitting:
            guess = unknown(f"metric of the task {spec.task}", name, [*LOSSES_SHOWN, *fitting])
            raise ParamsError(f"params.yaml: {where}: {guess}")
        wanted.append(name)
    metrics = {
        name.removeprefix("val_"): METRICS.build(name.removeprefix("val_"), {}) for name in dict.fromkeys(wanted)
    }

    def maximize(name: str) -> bool:
        return name not in LOSSES_SHOWN and metrics[name.removeprefix("val_")].direction == "maximize"

    if train.sampler == "weighted" and spec.task not in ("binary", "multiclass"):
        raise ParamsError(
            f"params.yaml: train.sampler: weighted draws classes equally often, and the task {spec.task} has none;"
            " write shuffled."
        )
    return Plan(
        seed=params.seed,
        epochs=train.epochs,
        batch_size=train.batch_size if isinstance(train.batch_size, int) else None,
        rate=rate,
        schedule=schedule,
        watched=watched,
        maximize=maximize(watched),
        early_stopping=train.early_stopping,
        metrics=metrics,
        accumulate=train.accumulate,
        weighted=train.sampler == "weighted",
        follow_maximize=bool(schedule.follows) and maximize(schedule.follows),
        rows_at_once=spec.rows_at_once,
        tokens=spec.task in TOKENS,
    )
