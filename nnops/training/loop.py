"""The training loop, top to bottom: epochs of steps, a look at val, a report, a checkpoint.

Every random stream is derived from (seed, purpose, epoch), so the state at the end of an epoch is the step's tensors
and the history: a training that goes on from there takes the very steps of one that was never broken.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from nnops.data.prepared import Tensors
from nnops.errors import IntegrityError, TrainingError
from nnops.metrics.base import Predictions
from nnops.report import Report, ReportFn
from nnops.seeding import derive
from nnops.training.checkpoint import Checkpoints
from nnops.training.diagnosis import explain_non_finite
from nnops.training.plan import Plan
from nnops.training.state import State, copy_tensors
from nnops.training.step import Step

#: Bytes of inputs that are gathered at once; the batches are views into them.
GATHER_BYTES = 16 << 20
#: Rows that are predicted at once when a split is looked at.
PREDICT_ROWS = 1024


@dataclass
class Progress:
    """All that the loop remembers beside the step's tensors.

    Attributes:
        epoch: Epochs done.
        history: A row of numbers for each of them.
        best_epoch: The best of them, from 1; 0 before the first.
        best: Copies of its weights.
    """

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)


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
    live = step.tensors()
    while progress.epoch < plan.epochs:
        if stalled(progress, plan):
            return "early"
        start_s = perf_counter()
        train_loss, rate = train_epoch(plan, step, train, progress.epoch)
        val_loss, measured = look(plan, step, val, judge, progress.epoch)
        row = {"train_loss": train_loss, "val_loss": val_loss, "lr": rate} | measured
        remember(plan, progress, row, live)
        go_on = report(Report(progress.epoch, row, perf_counter() - start_s))
        if checkpoints is not None:
            checkpoints.offer(lambda: snapshot(live, progress))
        if not go_on:
            return "told"
    return "complete"


def train_epoch(plan: Plan, step: Step, train: Tensors, epoch: int) -> tuple[float, float]:
    """Take the steps of one epoch, counted from 0.

    Returns:
        The mean over the rows of the losses before each step, and the last rate.

    Raises:
        TrainingError: A loss is not finite.
    """
    seed_dropout(plan.seed, epoch, train.target.device)
    bounds = batch_bounds(len(train), plan.batch_size)
    first, rate = epoch * len(bounds), plan.rate
    losses: list[Tensor] = []
    for place, (inputs, target_B) in enumerate(batches(train, bounds, plan.seed, epoch), start=first):
        rate = plan.rate * plan.schedule.factor(place, len(bounds), plan.epochs)
        losses.append(step.train(inputs, target_B, rate))
    loss_S = torch.stack(losses).double().cpu()
    rows_S = torch.tensor([end - start for start, end in bounds], dtype=torch.float64)
    train_loss = float(loss_S @ rows_S) / len(train)
    if not math.isfinite(train_loss):
        raise TrainingError(explain_non_finite(loss_S, epoch, plan.rate, step, train))
    return train_loss, rate


def look(
    plan: Plan, step: Step, val: Tensors, judge: Callable[[Tensor, Tensor], Predictions], epoch: int
) -> tuple[float, dict[str, float]]:
    """Measure val after an epoch, counted from 0.

    Returns:
        The loss, and the metrics as ``val_<name>``.

    Raises:
        TrainingError: The loss is not finite.
    """
    output_NC = predict(step, val.inputs)
    loss = step.loss(output_NC, val.target)
    val_loss = float(loss)
    if not math.isfinite(val_loss):
        raise TrainingError(explain_non_finite(loss, epoch, plan.rate, step, val))
    predictions = judge(output_NC, val.target)
    return val_loss, {f"val_{name}": metric(predictions) for name, metric in plan.metrics.items()}


def remember(plan: Plan, progress: Progress, row: dict[str, float], live: dict[str, Tensor]) -> None:
    """Close an epoch: its row joins the history, and its weights are kept if they are the best so far."""
    progress.history.append(row)
    progress.epoch += 1
    if not improves(progress, plan):
        return
    progress.best_epoch = progress.epoch
    weights = {name.removeprefix("model."): tensor for name, tensor in live.items() if name.startswith("model.")}
    if not progress.best:
        progress.best = {name: torch.empty_like(tensor) for name, tensor in weights.items()}
    copy_tensors([progress.best[name] for name in weights], list(weights.values()))


def seed_dropout(seed: int, epoch: int, device: torch.device) -> None:
    """Set torch's global generators to the stream ``dropout/<epoch>``."""
    stream = derive(seed, f"dropout/{epoch}")
    torch.default_generator.manual_seed(stream)
    if device.type == "cuda":
        torch.cuda.manual_seed(stream)


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
    """Whether the last epoch is the best so far; a metric that is no number (one class only, say) never is."""
    if not progress.best_epoch:
        return True
    now = progress.history[-1][plan.watched]
    best = progress.history[progress.best_epoch - 1][plan.watched]
    if math.isnan(best):
        return not math.isnan(now)
    gain = now - best if plan.maximize else best - now
    return gain > (plan.early_stopping.min_delta if plan.early_stopping else 0.0)


def stalled(progress: Progress, plan: Plan) -> bool:
    """Whether patience has run out."""
    return plan.early_stopping is not None and progress.epoch - progress.best_epoch >= plan.early_stopping.patience


def snapshot(live: dict[str, Tensor], progress: Progress) -> State:
    """The state of a training at the end of an epoch; its tensors are live."""
    tensors = live | {f"best.{name}": tensor for name, tensor in progress.best.items()}
    return State(tensors, progress.epoch, progress.best_epoch, progress.history)


def restore(state: State, step: Step, folder: Path) -> Progress:
    """Put a state back into the step and the loop's memory.

    Raises:
        IntegrityError: The state is of another network or optimizer.
    """
    best = {name.removeprefix("best."): tensor for name, tensor in state.tensors.items() if name.startswith("best.")}
    live = step.tensors()
    shapes = {name: tensor.shape for name, tensor in state.tensors.items() if not name.startswith("best.")}
    if shapes != {name: tensor.shape for name, tensor in live.items()}:
        raise IntegrityError(
            f"{folder}: the checkpoint is of another network or optimizer; delete it to start this training anew."
        )
    step.load(state.tensors)
    best = {name: tensor.to(live[f"model.{name}"].device) for name, tensor in best.items()}
    return Progress(state.epoch, state.history, state.best_epoch, best)
