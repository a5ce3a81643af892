"""train(): builds the parts that params name, and runs the loop over prepared data."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from nnops.batch import TOKENS, Spec
from nnops.data.augmentations import AUGMENTATIONS
from nnops.data.augmentations.base import build_augment
from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.fingerprint import environment, fingerprint
from nnops.losses import DEFAULT, LOSSES
from nnops.losses.base import Loss
from nnops.metrics.base import Predictions
from nnops.metrics.tokens import tally
from nnops.models import MODELS
from nnops.models.graph import hold_graph
from nnops.params import Params, overlay
from nnops.report import Report, ReportFn, keep_going
from nnops.seeding import derive
from nnops.training.adversary import build_adversary
from nnops.training.checkpoint import Checkpoints, read
from nnops.training.device import choose_device, settle_device
from nnops.training.fairness import check_fairness, fair_loss, with_groups
from nnops.training.loop import Progress, carry, restore, run, snapshot
from nnops.training.optimizer import OPTIMIZERS, Optimizer
from nnops.training.penalty import Penalty
from nnops.training.phases import Phase, phases
from nnops.training.plan import Plan, build_plan
from nnops.training.precision import build_precision
from nnops.training.ranks import Ranks
from nnops.training.state import State
from nnops.training.step import SoloStep, trainable
from nnops.training.transfer import begin, build_update, freeze, transfer_of, weights_file


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        weights: The tensors of the model, of the best epoch or the last one as ``train.restore_best`` says.
        history: One row of numbers an epoch: ``train_loss``, ``val_loss``, ``lr``, ``val_<metric>``.
        best_epoch: The epoch whose weights these are, from 1.
        ended: ``complete``, ``early``, ``told`` or ``paused``.
        fingerprint: Names this result; equal fingerprints promise equal weights.
        seconds: Wall time of this call.
    """

    weights: dict[str, Tensor]
    history: list[dict[str, float]]
    best_epoch: int
    ended: str
    fingerprint: str
    seconds: float

    @property
    def weights_sha256(self) -> str:
        """The hash of the weights, see :func:`hash_weights`."""
        return hash_weights(self.weights)

    @property
    def best(self) -> dict[str, float]:
        """The row of the history that the weights belong to."""
        return self.history[self.best_epoch - 1]


def train(
    params: Params,
    data: Prepared,
    *,
    report: ReportFn = keep_going,
    checkpoints: Path | None = None,
    checkpoint_every_s: float = 0.0,
    monitor: tuple[str, ...] = (),
    until: int | None = None,
    start: State | None = None,
    keep: Callable[[dict[str, float]], bool] | None = None,
    ranks: Ranks | None = None,
) -> Trained:
    """Train one model.

    Args:
        params: The sections ``seed``, ``model``, ``loss`` and ``train`` are read.
        data: The prepared data.
        report: Called after each epoch; its answer False ends the training.
        checkpoints: A folder to keep checkpoints in and to go on from; they are deleted by the caller when the result
            is safe.
        checkpoint_every_s: Least seconds between two checkpoints.
        monitor: Further ``val_<metric>`` names to measure each epoch; they do not change the weights.
        until: Pause after this epoch, with a checkpoint; schedules and changes are those of the whole training.
        start: Go on from here where there is no checkpoint: the state of a training that was the same so far.
        keep: Told the best row once the training is whole; its answer True leaves a checkpoint of the last epoch.
        ranks: The processes of this training, of which this is one; the first one alone writes checkpoints.

    Raises:
        ParamsError: A component or an option does not fit the data.
        TrainingError: A loss is not finite.
        IntegrityError: The checkpoint is damaged.
    """
    start_s = perf_counter()
    params.train.batch(data.rows("train"))
    device = choose_device(params)
    settle_device(device, params.train.threads)
    # All are judged before the first one is trained.
    parts = Parts.build_all(params, data, monitor, ranks)
    judge = build_judge(data)
    rows_of = data.streamed if params.train.stream else data.tensors

    keeper = None if checkpoints is None or (ranks and ranks.rank) else Checkpoints(checkpoints, checkpoint_every_s)
    state = (None if checkpoints is None else read(checkpoints)) or start
    begun, before = (state.epoch if state else 0), 0
    progress, step, ended = Progress(), None, "complete"
    try:
        for part in parts:
            phase, since, before = part.phase, before, part.phase.until
            if begun >= phase.until and part is not parts[-1]:
                continue
            old, step = step, part.step(data, device)
            if old is not None:
                carry(old.tensors(), step)
            elif state is not None:
                progress = restore(state, step, checkpoints, changed=begun == since > 0)
                for epoch, row in enumerate(progress.history, start=1):
                    report(Report(epoch, row, 0.0))
            ended = run(
                part.plan,
                step,
                with_groups(rows_of("train", device), params, data),
                rows_of("val", device),
                progress,
                judge=judge,
                report=report,
                checkpoints=keeper,
                until=min(phase.until, until or phase.until),
            )
            if ended == "complete" and until is not None and progress.epoch == until < params.train.epochs:
                ended = "paused"
                if keeper is not None:
                    keeper.save(snapshot(step.tensors(), progress))
            if ended != "complete":
                break
        if keeper is not None and keep is not None and ended in ("complete", "early"):
            assert step is not None
            best = progress.history[(progress.best_epoch if params.train.restore_best else progress.epoch) - 1]
            if keep(best):
                keeper.save(snapshot(step.tensors(), progress))
    finally:
        if keeper is not None:
            keeper.close()
    assert step is not None
    if params.train.restore_best:
        weights, best_epoch = progress.best, progress.best_epoch
    else:
        weights, best_epoch = {k: v.detach().clone() for k, v in step.model.state_dict().items()}, progress.epoch
    return Trained(
        weights={name: tensor.cpu() for name, tensor in weights.items()},
        history=progress.history,
        best_epoch=best_epoch,
        ended=ended,
        fingerprint=name_result(params, data, device),
        seconds=perf_counter() - start_s,
    )


@dataclass(frozen=True)
class Parts:
    """What a phase is trained with, and the step that it is trained by."""

    phase: Phase
    loss: Loss
    optimizer: Optimizer
    plan: Plan
    ranks: Ranks | None

    @classmethod
    def build_all(
        cls, params: Params, data: Prepared, monitor: tuple[str, ...], ranks: Ranks | None = None
    ) -> "list[Parts]":
        """Those of each phase.

        Raises:
            ParamsError: A component or an option does not fit the data, or the number of processes the batch.
        """
        if params.train.batch_size != "auto":
            _check_workers(params, data.rows("train"), ranks)
        return [cls.build(phase, data, monitor, ranks) for phase in phases(params)]

    @classmethod
    def build(cls, phase: Phase, data: Prepared, monitor: tuple[str, ...], ranks: Ranks | None) -> "Parts":
        """Those of one phase."""
        spec = data.spec
        check_fairness(phase.params, data)
        named = phase.params.train.optimizer
        optimizer = OPTIMIZERS.build(named.name, named.options, where="train.optimizer")
        loss = build_loss(phase.params, spec)
        plan = build_plan(phase.params, spec, optimizer.lr, monitor)
        augment = build_augment(phase.params.train.augment, data)
        return cls(phase, loss, optimizer, replace(plan, augment=augment, ranks=ranks), ranks)

    def step(self, data: Prepared, device: str) -> SoloStep:
        """The untrained step."""
        params = self.phase.params
        train, transfer = params.train, transfer_of(params)
        model = build_model(params, data.spec)
        hold_graph(model, data.graph)
        begun = None if transfer is None else begin(model, transfer)
        if transfer is not None and begun is not None:
            freeze(model, begun, transfer)
        model = model.to(device)
        _check_norm(model, params, data.rows("train"))
        weights = trainable(model)
        if transfer is not None and begun is not None:
            update = build_update(self.optimizer, model, begun, transfer)
        else:
            update = self.optimizer.build(weights)
        return SoloStep(
            model,
            fair_loss(fit_loss(self.loss, data, device), params, data, device),
            update,
            train.clip_norm,
            Penalty(weights, train.l1, train.l2) if train.l1 or train.l2 else None,
            build_precision(train.precision, torch.device(device)),
            self.ranks,
            build_adversary(params, data, device),
        )


def build_judge(data: Prepared) -> Callable[[Tensor, Tensor], Predictions]:
    """What makes predictions of outputs and targets."""
    task, (mean, std), characters_C = data.spec.task, data.target_scale, data.characters

    def judge(output_NC: Tensor, target_N: Tensor) -> Predictions:
        output, target = output_NC.cpu().numpy(), target_N.cpu().numpy()
        if task in TOKENS:
            return tally(task, output, target, characters_C)
        return Predictions(task, output, target, mean, std)

    return judge


def build_model(params: Params, spec: Spec) -> nn.Module:
    """The untrained model, its weights drawn from the stream ``init``."""
    family = MODELS.build(params.model.name, params.model.options, where="model")
    if family.dense not in ("any", "mask" if spec.task == "segmentation" else "vector"):
        has = "a class for each pixel" if family.dense == "mask" else "one for each row"
        other = "unet" if spec.task == "segmentation" else "cnn"
        raise ParamsError(
            f"params.yaml: model.name: '{params.model.name}' answers with {has}, but the task is {spec.task}; write"
            f" '{other}'."
        )
    torch.default_generator.manual_seed(derive(params.seed, "init"))
    return family.build(spec)


def build_loss(params: Params, spec: Spec) -> Loss:
    """The loss that params name, or the one that fits the task."""
    if params.loss is None:
        return LOSSES.build(DEFAULT[spec.task], {}, where="loss")
    loss = LOSSES.build(params.loss.name, params.loss.options, where="loss")
    if spec.task not in loss.tasks:
        fitting = [name for name in LOSSES.names() if spec.task in LOSSES.load(name).tasks]
        raise ParamsError(
            f"params.yaml: loss.name: '{params.loss.name}' does not fit the task {spec.task};"
            f" write {' or '.join(fitting)}."
        )
    return loss


def fit_loss(loss: Loss, data: Prepared, device: str = "cpu") -> Loss:
    """The loss as it is for these data: class weights are counted in train.

    Raises:
        ParamsError: A class that does not exist is weighed.
    """
    target = torch.from_numpy(np.array(data.arrays("train")["target"])).to(device)
    return loss.fitted(data.spec.task, data.classes, target)


def name_result(params: Params, data: Prepared, device: str | None = None) -> str:
    """The fingerprint of the training that these params and data stand for."""
    device = device or choose_device(params)
    sections = params.record("seed", "model", "loss", "train")
    return fingerprint(
        params=sections,
        data=data.hash,
        environment=environment(params.train.threads, device),
        own=own_sources(params),
    )


def own_sources(params: Params) -> dict[str, Path]:
    """Files beside the data that decide the network, or all members of an ensemble, by name."""
    found: dict[str, Path] = {}
    for one in (params, *(overlay(params, config) for config in params.train.ensemble)):
        transfer = transfer_of(one)
        if transfer is not None:
            path = weights_file(transfer)
            found[path.as_posix()] = path
        for augmentation in one.train.augment:
            found |= AUGMENTATIONS.build(augmentation.name, augmentation.options, where="train.augment").sources()
        found |= MODELS.build(one.model.name, one.model.options, where="model").sources()
    return found


def hash_weights(weights: dict[str, Tensor]) -> str:
    """One sha256 over names, types, shapes and bytes of weights."""
    whole = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def _check_workers(params: Params, rows: int, ranks: Ranks | None) -> None:
    workers, batch = params.train.workers, min(params.train.batch(rows), rows)
    if workers != (ranks.size if ranks else 1):
        raise ParamsError(
            f"params.yaml: train.workers: {workers} processes train in the stage train, and here there is one; write 1."
        )
    if batch < workers:
        raise ParamsError(
            f"params.yaml: train.workers must be at most the rows of a batch, which its processes share, got {workers}"
            f" for {batch} rows; write a larger train.batch_size or fewer of them."
        )


def _check_norm(model: nn.Module, params: Params, rows: int) -> None:
    if params.train.batch_size == "auto" or not any(
        isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in model.modules()
    ):
        return
    least = 2 * params.train.workers
    if min(params.train.batch(rows), rows) < least:
        raise ParamsError(
            f"params.yaml: train.batch_size must be at least {least} for batch normalisation, which needs several rows"
            f" to take a mean of, got {params.train.batch_size} with {rows} rows in train."
        )
