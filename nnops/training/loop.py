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

from nnops.batch import PREDICT_ROWS
from nnops.data.disk import OnDisk
from nnops.data.prepared import Tensors
from nnops.errors import IntegrityError, TrainingError
from nnops.metrics.base import Predictions
from nnops.metrics.tokens import join
from nnops.models.dropout import masks_ahead
from nnops.report import Report, ReportFn
from nnops.seeding import derive, torch_stream
from nnops.training.checkpoint import Checkpoints
from nnops.training.diagnosis import explain_non_finite
from nnops.training.order import gather_blocks, shuffle
from nnops.training.plan import Plan
from nnops.training.state import State, copy_tensors
from nnops.training.step import Step

#: Bytes of inputs that are gathered at once; the batches are views into them.
GATHER_BYTES = 16 << 20
#: Losses that are kept one by one.
LOSSES = 64


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
    until: int | None = None,
) -> str:
    """Train until the last epoch, until nothing improves, or until told to stop.

    Args:
        plan: What is told once.
        step: What is trained.
        train: The train split.
        val: The val split.
        progress: What was done before; it is brought up to date.
        judge: Makes predictions of outputs and targets.
        report: Called after each epoch.
        checkpoints: Where states are kept.
        until: The last epoch here, if it is not the plan's.

    Returns:
        ``complete``, ``early`` (nothing improved) or ``told`` (the report was answered with stop).

    Raises:
        TrainingError: A loss is not finite.
    """
    live = step.tensors()
    last = plan.epochs if until is None else until
    while progress.epoch < last:
        if stalled(progress, plan):
            return "early"
        start_s = perf_counter()
        train_loss, rate = train_epoch(plan, step, train, progress.epoch, plan.rate_after(progress.history))
        val_loss, measured = look(plan, step, val, judge, progress.epoch)
        row = {"train_loss": train_loss, "val_loss": val_loss, "lr": rate} | measured
        remember(plan, progress, row, live)
        go_on = report(Report(progress.epoch, row, perf_counter() - start_s))
        if plan.ranks is not None:
            go_on = plan.ranks.all_agree(go_on, train.target.device)
        if checkpoints is not None:
            checkpoints.offer(lambda: snapshot(live, progress))
        if not go_on:
            return "told"
    return "complete"


@masks_ahead()
def train_epoch(plan: Plan, step: Step, train: Tensors, epoch: int, top: float) -> tuple[float, float]:
    """Take the steps of one epoch, counted from 0, at the rates that the schedule makes of ``top``.

    Returns:
        The mean over the rows of the losses before each step, and the last rate.

    Raises:
        TrainingError: A loss is not finite.
    """
    seed_dropout(plan.seed, epoch, train.target.device, plan.ranks.rank if plan.ranks else 0)
    bounds = batch_bounds(len(train), plan.batch_size or len(train))
    steps = -(-len(bounds) // plan.accumulate)
    first, rate = epoch * steps, top
    parts = shares(bounds, plan.accumulate)
    order_N = row_order(train.target, plan.seed, epoch, weighted=plan.weighted, block=train.block)
    losses, together = list[Tensor](), list[Tensor]()
    chance = torch_stream(plan.seed, f"augment/{epoch}") if plan.augment else None
    for place, (inputs, target_B) in enumerate(batches(train, bounds, order_N)):
        rate = top * plan.schedule.factor(first + place // plan.accumulate, steps, plan.epochs)
        if plan.augment and chance:
            inputs, target_B = plan.augment(inputs, target_B, chance)
        share, more = parts[place]
        if len(losses) == LOSSES:
            # Small tensors that stay lie between the large ones that come and go, and keep their memory from them.
            together.append(torch.stack(losses))
            losses.clear()
        if plan.ranks is None:
            losses.append(step.train(inputs, target_B, rate, share, more))
            continue
        start, end = plan.ranks.part(len(target_B))
        mine = (end - start) / len(target_B)
        inputs = tuple(tensor[start:end] for tensor in inputs)
        losses.append(step.train(inputs, target_B[start:end], rate, share * mine, more) * mine)
    loss_S = torch.cat([*together, torch.stack(losses)])
    if plan.ranks is not None:
        plan.ranks.sum([loss_S])
        step.agree()
    loss_S = loss_S.double().cpu()
    rows_S = torch.tensor([end - start for start, end in bounds], dtype=torch.float64)
    train_loss = float(loss_S @ rows_S) / len(train)
    if not math.isfinite(train_loss):
        raise TrainingError(explain_non_finite(loss_S, epoch, top, step, train))
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
    if plan.tokens:
        # Of several processes each looks at all of it: what is put together is small, what is looked at is not.
        loss, predictions = look_at_tokens(plan.rows_at_once, step, val, judge)
    else:
        if plan.ranks is None:
            output_NC = predict(step, val.inputs, plan.rows_at_once)
        else:
            output_NC = plan.ranks.gather(
                len(val),
                lambda start, end: predict(step, tuple(tensor[start:end] for tensor in val.inputs), plan.rows_at_once),
            )
        loss = step.loss(output_NC, val.target)
        predictions = judge(output_NC, val.target)
    val_loss = float(loss)
    if not math.isfinite(val_loss):
        raise TrainingError(explain_non_finite(loss, epoch, plan.rate, step, val))
    return val_loss, {f"val_{name}": metric(predictions) for name, metric in plan.metrics.items()}


def look_at_tokens(
    at_once: int, step: Step, val: Tensors, judge: Callable[[Tensor, Tensor], Predictions]
) -> tuple[Tensor, Predictions]:
    """The loss over all tokens, a scalar, and what was predicted, a few rows at a time: all logits would not fit."""
    losses: list[Tensor] = []
    counts: list[int] = []
    parts: list[Predictions] = []
    for start in range(0, len(val), at_once):
        target_BT = val.target[start : start + at_once]
        output_BTC = step.predict(tuple(tensor[start : start + at_once] for tensor in val.inputs))
        losses.append(step.loss(output_BTC, target_BT))
        counts.append(int((target_BT != 0).sum()))
        parts.append(judge(output_BTC, target_BT))
    told_S = torch.tensor(counts, dtype=torch.float64)
    return torch.stack(losses).double().cpu() @ told_S / told_S.sum(), join(parts)


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


def seed_dropout(seed: int, epoch: int, device: torch.device, rank: int = 0) -> None:
    """Set torch's global generators to the stream ``dropout/<epoch>``, or another one for each further process."""
    stream = derive(seed, f"dropout/{epoch}/{rank}" if rank else f"dropout/{epoch}")
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


def shares(bounds: list[tuple[int, int]], accumulate: int) -> list[tuple[float, bool]]:
    """For each batch, its part of the rows of its step, and whether another batch of the step follows.

    >>> shares([(0, 4), (4, 8), (8, 10)], 2)
    [(0.5, True), (0.5, False), (1.0, False)]
    """
    found: list[tuple[float, bool]] = []
    for start in range(0, len(bounds), accumulate):
        part = bounds[start : start + accumulate]
        rows = part[-1][1] - part[0][0]
        found += [((end - begin) / rows, end != part[-1][1]) for begin, end in part]
    return found


def row_order(target: Tensor, seed: int, epoch: int, *, weighted: bool = False, block: int = 0) -> Tensor:
    """The rows of an epoch in its own order, drawn from the stream ``shuffle/<epoch>``.

    Args:
        target: Of the split; its device is that of the order.
        seed: The seed in params.yaml.
        epoch: Counted from 0.
        weighted: Draw with replacement, a row with one over the number of rows of its class as its weight.
        block: See :func:`nnops.training.order.shuffle`.
    """
    generator = torch_stream(seed, f"shuffle/{epoch}")
    if not weighted:
        return shuffle(len(target), block, generator).to(target.device)
    code_N = target.long().cpu()
    edge_N = torch.bincount(code_N).double().reciprocal()[code_N].cumsum(0)
    drawn_N = torch.rand(len(target), generator=generator, dtype=torch.float64) * edge_N[-1]
    # Rounding may put a draw on the last edge.
    order_N = torch.searchsorted(edge_N, drawn_N, right=True).clamp_max(len(target) - 1)
    return gather_blocks(order_N, block, generator).to(target.device)


def batches(
    split: Tensors, bounds: list[tuple[int, int]], order_N: Tensor
) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """The batches of an epoch in the order of :func:`row_order`.

    Rows are gathered many batches at a time, and a batch is a view: the same bits as one gather a batch, and faster.
    Of a split that stays on disk the next rows are read while the network learns from these.
    """
    row_bytes = sum(tensor[0].numel() * tensor.element_size() for tensor in split.inputs)
    size = bounds[0][1] - bounds[0][0]
    group = max(1, GATHER_BYTES // max(row_bytes * size, 1))
    for start in range(0, len(bounds), group):
        part, coming = bounds[start : start + group], bounds[start + group : start + 2 * group]
        rows = order_N[part[0][0] : part[-1][1]]
        sizes = [end - begin for begin, end in part]
        columns = [tensor.index_select(0, rows).split(sizes) for tensor in (*split.inputs, split.target)]
        for column in split.inputs:
            if coming and isinstance(column, OnDisk):
                column.expect(order_N[coming[0][0] : coming[-1][1]])
        for *inputs, target_B in zip(*columns, strict=True):
            yield tuple(inputs), target_B


def predict(step: Step, inputs: tuple[Tensor, ...], at_once: int = PREDICT_ROWS) -> Tensor:
    """Outputs for all rows, some at a time."""
    rows = inputs[0].shape[0]
    if rows <= at_once:
        return step.predict(tuple(tensor[:rows] for tensor in inputs))
    parts = [
        step.predict(tuple(tensor[start : start + at_once] for tensor in inputs)) for start in range(0, rows, at_once)
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


def carry(tensors: dict[str, Tensor], step: Step) -> None:
    """Take a step's tensors over into one with other options; what only the new optimizer remembers begins at zero."""
    live = step.tensors()
    step.load(live | {name: tensor for name, tensor in tensors.items() if name in live})


def restore(state: State, step: Step, folder: Path | None, changed: bool = False) -> Progress:
    """Put a state back into the step and the loop's memory.

    Args:
        state: Of a training that goes on.
        step: Takes its tensors over.
        folder: Where it was found, for messages.
        changed: Whether the optimizer has other options from here on.

    Raises:
        IntegrityError: The state is of another network or optimizer.
    """
    live = step.tensors()

    def shapes(tensors: dict[str, Tensor]) -> dict[str, torch.Size]:
        parts = ("model.",) if changed else ("model.", "optimizer.")
        return {name: tensor.shape for name, tensor in tensors.items() if name.startswith(parts)}

    if shapes(state.tensors) != shapes(live):
        raise IntegrityError(
            f"{folder}: the checkpoint is of another network or optimizer; delete it to start this training anew."
        )
    carry(state.tensors, step)
    best = {name.removeprefix("best."): tensor for name, tensor in state.tensors.items() if name.startswith("best.")}
    best = {name: tensor.to(live[f"model.{name}"].device) for name, tensor in best.items()}
    return Progress(state.epoch, list(state.history), state.best_epoch, best)
