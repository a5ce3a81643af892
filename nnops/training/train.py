"""train(): builds the parts that params name, and runs the loop over prepared data."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.fingerprint import environment, fingerprint
from nnops.losses import DEFAULT, LOSSES
from nnops.metrics.base import Predictions
from nnops.models import MODELS
from nnops.params import Params
from nnops.report import Report, ReportFn, keep_going
from nnops.seeding import derive
from nnops.training.checkpoint import Checkpoints, read
from nnops.training.device import choose_device, settle_device
from nnops.training.loop import Progress, restore, run
from nnops.training.optimizer import OPTIMIZERS
from nnops.training.plan import build_plan
from nnops.training.step import SoloStep, trainable


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        weights: The tensors of the model, of the best epoch or the last one as ``train.restore_best`` says.
        history: One row of numbers an epoch: ``train_loss``, ``val_loss``, ``lr``, ``val_<metric>``.
        best_epoch: The epoch whose weights these are, from 1.
        ended: ``complete``, ``early`` or ``told``.
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

    Raises:
        ParamsError: A component or an option does not fit the data.
        TrainingError: A loss is not finite.
        IntegrityError: The checkpoint is damaged.
    """
    start_s = perf_counter()
    device = choose_device(params)
    settle_device(device, params.train.threads)
    spec = data.spec
    model = build_model(params, spec).to(device)
    _check_norm(model, params, data.rows("train"))
    loss = build_loss(params, spec)
    optimizer = OPTIMIZERS.build(params.train.optimizer.name, params.train.optimizer.options, where="train.optimizer")
    step = SoloStep(model, loss, optimizer.build(trainable(model)), params.train.clip_norm)
    plan = build_plan(params, spec, optimizer.lr, monitor)

    progress = Progress()
    keeper = None
    if checkpoints is not None:
        keeper = Checkpoints(checkpoints, checkpoint_every_s)
        state = read(checkpoints)
        if state is not None:
            progress = restore(state, step, checkpoints)
            for epoch, row in enumerate(progress.history, start=1):
                report(Report(epoch, row, 0.0))
    mean, std = data.target_scale

    def judge(output_NC: Tensor, target_N: Tensor) -> Predictions:
        return Predictions(spec.task, output_NC.cpu().numpy(), target_N.cpu().numpy(), mean, std)

    try:
        ended = run(
            plan,
            step,
            data.tensors("train", device),
            data.tensors("val", device),
            progress,
            judge=judge,
            report=report,
            checkpoints=keeper,
        )
    finally:
        if keeper is not None:
            keeper.close()
    if params.train.restore_best:
        weights, best_epoch = progress.best, progress.best_epoch
    else:
        weights, best_epoch = {k: v.detach().clone() for k, v in model.state_dict().items()}, progress.epoch
    return Trained(
        weights={name: tensor.cpu() for name, tensor in weights.items()},
        history=progress.history,
        best_epoch=best_epoch,
        ended=ended,
        fingerprint=name_result(params, data, device),
        seconds=perf_counter() - start_s,
    )


def build_model(params: Params, spec: Spec) -> nn.Module:
    """The untrained model, its weights drawn from the stream ``init``."""
    family = MODELS.build(params.model.name, params.model.options, where="model")
    torch.default_generator.manual_seed(derive(params.seed, "init"))
    return family.build(spec)


def build_loss(params: Params, spec: Spec) -> Any:
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


def name_result(params: Params, data: Prepared, device: str | None = None) -> str:
    """The fingerprint of the training that these params and data stand for."""
    device = device or choose_device(params)
    sections = params.record("seed", "model", "loss", "train")
    return fingerprint(params=sections, data=data.hash, environment=environment(params.train.threads, device))


def hash_weights(weights: dict[str, Tensor]) -> str:
    """One sha256 over names, types, shapes and bytes of weights."""
    whole = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def _check_norm(model: nn.Module, params: Params, rows: int) -> None:
    norms = (nn.BatchNorm1d, nn.BatchNorm2d)
    if min(params.train.batch_size, rows) == 1 and any(isinstance(part, norms) for part in model.modules()):
        raise ParamsError(
            f"params.yaml: train.batch_size must be at least 2 for batch normalisation, which needs several rows"
            f" to take a mean of, got {params.train.batch_size} with {rows} rows in train."
        )
