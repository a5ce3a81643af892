"""Ensembles: several networks, each trained as it would be alone, that answer as one by soft voting.

The members are configs laid over params, such as the best trials of a study or other seeds (deep ensembles:
Lakshminarayanan et al. 2017), or networks that each learn without one fold of train (:mod:`nnops.training.fold`). The
whole is one module with one output, so it is judged, exported, compressed and registered as any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nnops.batch import QUANTITIES, TOKENS, Spec, Task
from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.params import Params, overlay
from nnops.report import Report, ReportFn, keep_going
from nnops.training.checkpoint import Checkpoints, read
from nnops.training.device import choose_device
from nnops.training.fold import folds_of
from nnops.training.loop import look
from nnops.training.optimizer import OPTIMIZERS
from nnops.training.plan import build_plan
from nnops.training.state import State
from nnops.training.train import Trained, build_judge, build_loss, build_model, fit_loss, name_result, train

#: What a member may set: what is not here decides the data, or what is not trained.
SECTIONS = ("seed", "model", "loss", "train")


class Ensemble(nn.Module):
    """Soft voting: the mean of the members' probabilities, as logits; of quantities the mean.

    Args:
        members: Networks for the same spec.
        task: What they predict.
    """

    def __init__(self, members: Sequence[nn.Module], task: Task) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.task: Task = task

    def forward(self, *inputs: Tensor) -> Tensor:
        """The inputs of the spec to ``output_BC``, see :func:`vote`."""
        return vote(torch.stack([member(*inputs) for member in self.members]), self.task)


def vote(output_MBC: Tensor, task: Task) -> Tensor:
    """The outputs of M members as one ``output_BC``.

    Classes: ``log mean_m softmax(z_m)``, of tokens ``[M, B, T, C]`` at each place. Yes or no: the logit of
    ``mean_m sigmoid(z_m)``, so that certain members do not overflow, from logarithms. Quantities: the mean.
    """
    if task in QUANTITIES:
        return output_MBC.mean(0)
    if task in ("binary", "multilabel"):
        # log sigmoid(z) = -softplus(-z)
        return _log_mean(-F.softplus(-output_MBC)) - _log_mean(-F.softplus(output_MBC))
    return _log_mean(F.log_softmax(output_MBC, 3 if task in TOKENS else 2))


def _log_mean(log_MBC: Tensor) -> Tensor:
    """``log mean_m exp``; not by logsumexp, whose ONNX form has no shape to the tools that quantise."""
    highest_BC = log_MBC.amax(0)
    return highest_BC + (log_MBC - highest_BC).exp().mean(0).log()


def members(params: Params) -> list[Params]:
    """The params of each member, those of folds being all alike; of params without an ensemble, these alone.

    Raises:
        ParamsError: A member sets what it cannot, or a key that does not exist.
    """
    configs = params.train.ensemble
    if not params.train.several:
        return [params]
    base = alone(params)
    if params.train.folds is not None:
        return [base] * params.train.folds
    found: list[Params] = []
    for place, config in enumerate(configs):
        for key in config:
            if key.partition(".")[0] not in SECTIONS or key.startswith(("train.ensemble", "train.folds")):
                raise ParamsError(
                    f"params.yaml: train.ensemble.{place}: a member cannot set '{key}'; it can set seed and keys of"
                    " model, loss and train, for all members share the data."
                )
        try:
            found.append(overlay(base, config))
        except ParamsError as error:
            raise ParamsError(f"train.ensemble.{place}: {error}") from error
    seen: list[dict[str, Any]] = []
    for place, member in enumerate(found):
        record = member.record(*SECTIONS)
        if record in seen:
            raise ParamsError(
                f"params.yaml: train.ensemble.{place} is the same as member {seen.index(record)}, so it adds nothing;"
                " give it another seed, or leave it out."
            )
        seen.append(record)
    return found


def alone(params: Params) -> Params:
    """The same without an ensemble."""
    return params.model_copy(update={"train": params.train.model_copy(update={"ensemble": (), "folds": None})})


def build_ensemble(params: Params, spec: Spec) -> nn.Module:
    """The untrained network, or the untrained members as one."""
    networks = [build_model(member, spec) for member in members(params)]
    return Ensemble(networks, spec.task) if params.train.several else networks[0]


def train_model(
    params: Params, data: Prepared, *, report: ReportFn = keep_going, checkpoints: Path | None = None
) -> Trained:
    """Train the network that params name, or all members of their ensemble, one after the other.

    Args:
        params: The sections ``seed``, ``model``, ``loss`` and ``train`` are read.
        data: The prepared data.
        report: Called after each epoch of each member; epochs are counted on.
        checkpoints: A folder to keep checkpoints in and to go on from; members that are done are kept there, too.

    Returns:
        Of an ensemble: the weights of all members as ``members.<place>.<name>``; the history holds the epochs of all of
        them, with a column ``member`` from 1, and a last row, ``member`` 0, of the whole.

    Raises:
        ParamsError: A member does not fit the data; nothing is trained then.
        TrainingError: A loss is not finite.
    """
    if not params.train.several:
        return _trainer(params)(params, data, report=report, checkpoints=checkpoints)
    start_s = perf_counter()
    every = list(zip(members(params), folds_of(params, data), strict=True))
    build_ensemble(params, data.spec)
    history: list[dict[str, float]] = []
    weights: dict[str, Tensor] = {}
    for place, (member, part) in enumerate(every):
        before = len(history)

        def tell(moment: Report, before: int = before, place: int = place) -> bool:
            row = {"member": float(place + 1), **moment.metrics}
            return report(replace(moment, epoch=before + moment.epoch, metrics=row))

        folder = None if checkpoints is None else checkpoints / f"member-{place}"
        done = _member(member, part, tell, folder)
        history += [{"member": float(place + 1), **row} for row in done.history]
        weights |= {f"members.{place}.{name}": tensor for name, tensor in done.tensors.items()}
    row = _measure(params, data, weights)
    names = [name for name in row if all(name in one for one in history)]
    history = [{name: one[name] for name in names} for one in [*history, row]]
    report(Report(len(history), history[-1], 0.0))
    return Trained(
        weights=weights,
        history=history,
        best_epoch=len(history),
        ended="complete",
        fingerprint=name_result(params, data),
        seconds=perf_counter() - start_s,
    )


def _trainer(params: Params) -> Callable[..., Trained]:
    """What trains a network, in this process or in several."""
    if params.train.workers == 1:
        return train
    from nnops.training.together import train_together

    return train_together


def _member(params: Params, data: Prepared, report: ReportFn, folder: Path | None) -> State:
    """Train a member, unless that was done before: its weights and its history."""
    kept = None if folder is None else read(folder / "done")
    if kept is not None:
        for epoch, row in enumerate(kept.history, start=1):
            report(Report(epoch, row, 0.0))
        return kept
    trained = _trainer(params)(params, data, report=report, checkpoints=folder)
    done = State(trained.weights, len(trained.history), trained.best_epoch, trained.history)
    if folder is not None:
        Checkpoints(folder / "done").save(done)
        Checkpoints(folder).clear()
    return done


class _Whole:
    """What :func:`nnops.training.loop.look` measures."""

    def __init__(self, module: nn.Module, loss: Any) -> None:
        self._module = module
        self.loss = loss

    @torch.no_grad()
    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        return self._module(*inputs)


def _measure(params: Params, data: Prepared, weights: dict[str, Tensor]) -> dict[str, float]:
    """The last row of the history: the whole on train and val."""
    device = choose_device(params)
    module = build_ensemble(params, data.spec)
    module.load_state_dict(weights)
    whole: Any = _Whole(module.to(device).eval(), fit_loss(build_loss(params, data.spec), data, device))
    plan = build_plan(
        params, data.spec, OPTIMIZERS.build(params.train.optimizer.name, params.train.optimizer.options).lr
    )
    judge = build_judge(data)
    split = data.streamed if params.train.stream else data.tensors
    train_loss, _ = look(plan, whole, split("train", device), judge, 0)
    val_loss, measured = look(plan, whole, split("val", device), judge, 0)
    return {"member": 0.0, "train_loss": train_loss, "val_loss": val_loss, "lr": 0.0} | measured
