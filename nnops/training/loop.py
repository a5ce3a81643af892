"""The training loop, top to bottom: epochs of steps, a look at val, a report, a checkpoint.

Every random stream is derived from (seed, purpose, epoch), so the state at the end of an epoch is the step's tensors
and the history: a training that goes on from there takes the very steps of one that was never broken.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import Tensor

from nnops.data.prepared import Tensors
from nnops.errors import TrainingError
from nnops.metrics.base import Metric, Predictions
from nnops.params import EarlyStopping
from nnops.report import Report, ReportFn
from nnops.seeding import derive
from nnops.training.checkpoint import Checkpoints, State
from nnops.training.schedule import Schedule
from nnops.training.step import Step

#: Bytes of inputs that are gathered at once; the batches are views into them.
GATHER_BYTES = 16 << 20
#: Rows that are predicted at once when a split is looked at.
PREDICT_ROWS = 4096


@dataclass
class Progress:
    """All that the loop remembers beside the step's tensors."""

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)


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


def run(
    plan: Plan,
    step: Step,
    train: Tensors,
    val: Tensors,
    progress: Progress,
    *,
    judge: Callable[[Tensor, Tensor], Predictions],
    report: ReportFn,
    checkpoints: Checkpoints | None,
) -> str:
    """Train until the last epoch, until nothing improves, or until told to stop.

    Returns:
        ``complete``, ``early`` (nothing improved) or ``told`` (the report was answered with stop).

    Raises:
        TrainingError: A loss is not finite.
    """
    bounds = batch_bounds(len(train), plan.batch_size)
    while progress.epoch < plan.epochs:
        if stalled(progress, plan):
            return "early"
        start_s = perf_counter()
        epoch = progress.epoch
        torch.default_generator.manual_seed(derive(plan.seed, f"dropout/{epoch}"))
        if train.target.is_cuda:
            torch.cuda.manual_seed(derive(plan.seed, f"dropout/{epoch}"))
        losses: list[Tensor] = []
        first = epoch * len(bounds)
        for place, (inputs, target_B) in enumerate(batches(train, bounds, plan.seed, epoch)):
            rate = plan.rate * plan.schedule.factor(first + place, len(bounds), plan.epochs)
            losses.append(step.train(inputs, target_B, rate))
        loss_S = torch.stack(losses)
        train_loss = float(loss_S.mean())
        if not torch.isfinite(loss_S).all():
            raise TrainingError(_explain_non_finite(loss_S, epoch, plan))

        output_NC = predict(step, val.inputs)
        row = {"train_loss": train_loss, "val_loss": float(step.loss(output_NC, val.target)), "lr": rate}
        predictions = judge(output_NC, val.target)
        row |= {f"val_{name}": metric(predictions) for name, metric in plan.metrics.items()}
        progress.history.append(row)
        progress.epoch = epoch + 1
        if improves(progress, plan):
            progress.best_epoch = progress.epoch
            progress.best = _weights(step)
        go_on = report(Report(progress.epoch, row, perf_counter() - start_s))
        if checkpoints is not None:
            checkpoints.offer(lambda: snapshot(step, progress))
        if not go_on:
            return "told"
    return "complete"


def batch_bounds(rows: int, batch_size: int) -> list[tuple[int, int]]:
    """First and last-plus-one row of each batch.

    >>> batch_bounds(9, 4)
    [(0, 4), (4, 9)]
    """
    starts = list(range(0, rows, batch_size))
    if len(starts) > 1 and rows - starts[-1] == 1:
        starts.pop()
    return [(start, end) for start, end in zip(starts, [*starts[1:], rows], strict=True)]


def batches(
    split: Tensors, bounds: list[tuple[int, int]], seed: int, epoch: int
) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """The batches of an epoch in its own order, drawn from the stream ``shuffle/<epoch>``.

    Rows are gathered many batches at a time, and a batch is a view: the same bits as one gather a batch, and faster.
    """
    generator = torch.Generator().manual_seed(derive(seed, f"shuffle/{epoch}"))
    order_N = torch.randperm(len(split), generator=generator).to(split.target.device)
    row_bytes = sum(tensor[0].numel() * tensor.element_size() for tensor in split.inputs)
    size = bounds[0][1] - bounds[0][0]
    group = max(1, GATHER_BYTES // max(row_bytes * size, 1))
    for start in range(0, len(bounds), group):
        part = bounds[start : start + group]
        rows = order_N[part[0][0] : part[-1][1]]
        sizes = [end - begin for begin, end in part]
        columns = [tensor.index_select(0, rows).split(sizes) for tensor in (*split.inputs, split.target)]
        for *inputs, target_B in zip(*columns, strict=True):
            yield tuple(inputs), target_B


def predict(step: Step, inputs: tuple[Tensor, ...]) -> Tensor:
    """Outputs for all rows, some thousand at a time."""
    rows = inputs[0].shape[0]
    if rows <= PREDICT_ROWS:
        return step.predict(inputs)
    parts = [
        step.predict(tuple(tensor[start : start + PREDICT_ROWS] for tensor in inputs))
        for start in range(0, rows, PREDICT_ROWS)
    ]
    return torch.cat(parts)


def improves(progress: Progress, plan: Plan) -> bool:
    """Whether the last epoch is the best so far."""
    if not progress.best_epoch:
        return True
    now = progress.history[-1][plan.watched]
    best = progress.history[progress.best_epoch - 1][plan.watched]
    gain = now - best if plan.maximize else best - now
    return gain > (plan.early_stopping.min_delta if plan.early_stopping else 0.0)


def stalled(progress: Progress, plan: Plan) -> bool:
    """Whether patience has run out."""
    return plan.early_stopping is not None and (
        progress.epoch - progress.best_epoch >= plan.early_stopping.patience and progress.epoch > 0
    )


def snapshot(step: Step, progress: Progress) -> State:
    """The state of a training at the end of an epoch."""
    tensors = step.state() | {f"best.{name}": tensor for name, tensor in progress.best.items()}
    record = {"epoch": progress.epoch, "best_epoch": progress.best_epoch, "history": list(progress.history)}
    return State(tensors, record)


def restore(state: State, step: Step) -> Progress:
    """Put a state back into the step and the loop's memory."""
    step.load({name: tensor for name, tensor in state.tensors.items() if not name.startswith("best.")})
    best = {name.removeprefix("best."): tensor for name, tensor in state.tensors.items() if name.startswith("best.")}
    record = state.record
    return Progress(record["epoch"], record["history"], record["best_epoch"], best)


def _weights(step: Step) -> dict[str, Tensor]:
    return {name.removeprefix("model."): tensor for name, tensor in step.state().items() if name.startswith("model.")}


def _explain_non_finite(loss_S: Tensor, epoch: int, plan: Plan) -> str:
    place = int((~torch.isfinite(loss_S)).nonzero()[0])
    value = float(loss_S[place])
    if epoch == 0 and place == 0:
        cause = "the inputs or the target hold values that are not finite or far too large; look at data.scaling"
    else:
        cause = (
            f"the learning rate {plan.rate:g} is likely too high;"
            " try a smaller train.optimizer.options.lr or train.clip_norm: 1.0"
        )
    return f"the training loss became {value} at epoch {epoch + 1}, step {place + 1} of {len(loss_S)}: {cause}."
