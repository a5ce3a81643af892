"""The plan: what the loop is told once, made of params and judged against the task."""

from dataclasses import dataclass

from nnops.batch import Spec
from nnops.catalog import unknown
from nnops.errors import ParamsError
from nnops.metrics import METRICS, SHOWN
from nnops.metrics.base import Metric
from nnops.params import EarlyStopping, Params
from nnops.training.schedule import SCHEDULES, Schedule

LOSSES_SHOWN = ("train_loss", "val_loss")


@dataclass(frozen=True)
class Plan:
    """What the loop is told once.

    Attributes:
        seed: The seed in params.yaml.
        epochs: The full fidelity.
        batch_size: Rows in a step; a last batch of one row joins the batch before it.
        rate: The learning rate that the schedule scales.
        schedule: The factor on the rate.
        watched: ``train_loss``, ``val_loss`` or a val metric's name; the best epoch is the best of it.
        maximize: Whether more of ``watched`` is better.
        early_stopping: When to stop for want of improvement.
        metrics: What is measured on val after each epoch, by name, as ``val_<name>``.
    """

    seed: int
    epochs: int
    batch_size: int
    rate: float
    schedule: Schedule
    watched: str
    maximize: bool
    early_stopping: EarlyStopping | None
    metrics: dict[str, Metric]


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
    watched = train.early_stopping.metric if train.early_stopping else "val_loss"
    fitting = [f"val_{name}" for name in METRICS.names() if spec.task in METRICS.load(name).tasks]
    wanted = [f"val_{SHOWN[spec.task]}"]
    for where, name in (
        ("train.early_stopping.metric", watched),
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
    return Plan(
        seed=params.seed,
        epochs=train.epochs,
        batch_size=train.batch_size,
        rate=rate,
        schedule=SCHEDULES.build(train.schedule.name, train.schedule.options, where="train.schedule"),
        watched=watched,
        maximize=watched not in LOSSES_SHOWN and metrics[watched.removeprefix("val_")].direction == "maximize",
        early_stopping=train.early_stopping,
        metrics=metrics,
    )
