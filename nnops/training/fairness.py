"""Fairness in training: rows that weigh by their group and class, or a term for what is to be the same in all groups.

Both change the gradient alone. The losses that are reported stay the plain ones, so that train and val compare, and
early stopping looks at what it always does. The group of each row of train travels beside its target.

Legend of shape suffixes: N rows of train, B of a batch, C classes (1: the positive one), J groups, Y classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.data.prepared import Prepared, Tensors
from nnops.errors import ParamsError
from nnops.losses.base import Loss
from nnops.params import Fairness, Params

WHERE = "train.fairness"
TASKS: tuple[Task, ...] = ("binary", "multiclass")


class FairLoss:
    """A loss that minds the groups of the rows that it is given with.

    Args:
        loss: The plain loss, a mean over rows.
        asked: What is done for the groups.
        task: What is predicted.
        weight_JY: Of a row by group and class, float32; None for a penalty.
        groups: How many there are.
    """

    def __init__(self, loss: Loss, asked: Fairness, task: Task, weight_JY: Tensor | None, groups: int) -> None:
        self._loss, self._asked, self._task, self._weight_JY, self._groups = loss, asked, task, weight_JY, groups

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """The plain loss, whose slope is a fair one where groups are told.

        Args:
            output_BC: Logits.
            target_B: ``[B]``; or ``[B, 2]``, the second column holding the code of the group.
        """
        if target_B.ndim == 1:
            return self._loss(output_BC, target_B)
        target_B, group_B = target_B[:, 0].contiguous(), target_B[:, 1].long()
        if self._weight_JY is not None:
            if output_BC.requires_grad:
                weight_B1 = self._weight_JY[group_B, target_B.long()].unsqueeze(1)
                # The loss is a mean over rows, so a row's weight is that of its slope.
                output_BC.register_hook(lambda slope_BC: slope_BC * weight_B1)
            return self._loss(output_BC, target_B)
        term = self._asked.weight * self.term(output_BC, target_B, group_B)
        return self._loss(output_BC, target_B) + (term - term.detach())

    def term(self, output_BC: Tensor, target_B: Tensor, group_B: Tensor) -> Tensor:
        """How far groups are apart in a batch: the variance between them of the mean score, summed over classes.

        ``sum_j n_j / n (m_j - m)^2``, m_j being the mean probability of a class in group j; for equal odds among the
        rows of each class and then the mean over these, for equal opportunity of a class among its own rows.
        """
        score_BC = output_BC.sigmoid() if self._task == "binary" else F.softmax(output_BC, 1)
        member_BJ = F.one_hot(group_B, self._groups).to(score_BC.dtype)
        if self._asked.goal == "demographic_parity":
            return _between(score_BC, member_BJ).sum()
        classes = 2 if self._task == "binary" else score_BC.shape[1]
        given_BY = F.one_hot(target_B.long(), classes).to(score_BC.dtype)
        parts_YC = torch.stack([_between(score_BC, member_BJ * given_BY[:, y : y + 1]) for y in range(classes)])
        if self._asked.goal == "equalized_odds":
            return parts_YC.mean(0).sum()
        return parts_YC[-1].sum() if self._task == "binary" else parts_YC.diagonal().sum()


def _between(score_BC: Tensor, member_BJ: Tensor) -> Tensor:
    """The variance between groups of the mean score ``[C]``, over the rows that are members of one."""
    rows_J = member_BJ.sum(0)
    total = rows_J.sum().clamp_min(1)
    mean_JC = member_BJ.T @ score_BC / rows_J.clamp_min(1).unsqueeze(1)
    share_J1 = (rows_J / total).unsqueeze(1)
    mean_C = (share_J1 * mean_JC).sum(0)
    return (share_J1 * (mean_JC - mean_C) ** 2).sum(0)


def check_fairness(params: Params, data: Prepared) -> int | None:
    """The place of the column among those whose groups are compared; None where nothing is done for them.

    Raises:
        ParamsError: The task has no classes, the column is not compared, or a part of the training does not go with it.
    """
    asked = params.train.fairness
    if asked is None:
        return None
    if data.spec.task not in TASKS:
        raise ParamsError(
            f"params.yaml: {WHERE} is for classes, and the task is {data.spec.task}; leave it out, or write"
            f" data.task: {' or '.join(TASKS)}."
        )
    names = [grouping.name for grouping in data.groupings]
    if not names or (asked.column not in names and (asked.column is not None or len(names) > 1)):
        got = "nothing" if asked.column is None else f"'{asked.column}'"
        listed = f"[{', '.join(names)}]" if names else "not set"
        raise ParamsError(
            f"params.yaml: {WHERE}.column must be one of data.groups, which is {listed}, got {got}; write the column in"
            " both."
        )
    if params.train.sampler == "weighted":
        raise ParamsError(
            f"params.yaml: {WHERE}: train.sampler: weighted draws classes equally often whatever their groups; write"
            " shuffled."
        )
    if asked.method == "penalty" and (params.train.workers > 1 or params.train.accumulate > 1):
        key = "workers" if params.train.workers > 1 else "accumulate"
        raise ParamsError(
            f"params.yaml: {WHERE}: a penalty looks at all rows of a step at once, and train.{key} parts them; write"
            f" train.{key}: 1, or method: reweighing."
        )
    return 0 if asked.column is None else names.index(asked.column)


def fair_loss(loss: Loss, params: Params, data: Prepared, device: str) -> Loss | FairLoss:
    """The loss that minds groups as params say, or the same one.

    Raises:
        ParamsError: See :func:`check_fairness`.
    """
    place, asked = check_fairness(params, data), params.train.fairness
    if place is None or asked is None:
        return loss
    groups, spec = len(data.groupings[place].groups), data.spec
    weight_JY = None
    if asked.method == "reweighing":
        code_N = torch.from_numpy(data.groups("train")[:, place])
        target_N = torch.from_numpy(data.arrays("train")["target"].astype("int64"))
        weight_JY = reweigh(code_N, target_N, groups, 2 if spec.task == "binary" else spec.outputs).to(device)
    return FairLoss(loss, asked, spec.task, weight_JY, groups)


def reweigh(code_N: Tensor, target_N: Tensor, groups: int, classes: int) -> Tensor:
    """Weights under which group and class are independent, float32 ``[J, Y]``; their mean over rows is 1.

    W(j, y) = P(j) P(y) / P(j, y) (Kamiran and Calders 2012, "Data preprocessing techniques for classification without
    discrimination", section 4.3, algorithm 3).

    Args:
        code_N: The group of each row.
        target_N: Its class.
        groups: How many groups there are.
        classes: How many classes.
    """
    count_JY = torch.bincount(code_N * classes + target_N, minlength=groups * classes).double().view(groups, classes)
    expected_JY = count_JY.sum(1, keepdim=True) * count_JY.sum(0, keepdim=True) / count_JY.sum()
    return torch.where(count_JY > 0, expected_JY / count_JY.clamp_min(1), 1.0).float()


def with_groups(split: Tensors, params: Params, data: Prepared) -> Tensors:
    """The train split with the group of each row beside its target, where params do something for them."""
    place = check_fairness(params, data)
    if place is None:
        return split
    code_N = torch.from_numpy(data.groups("train")[:, place]).to(split.target.device, split.target.dtype)
    return Tensors(split.inputs, torch.stack([split.target, code_N], 1), split.block)
