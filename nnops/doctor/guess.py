"""What is reached without looking at the inputs: the loss of the best constant answer, and of an answer of zeros."""

from collections.abc import Callable

import torch
from torch import Tensor

from nnops.batch import QUANTITIES, TOKENS, Spec

#: The mean loss of outputs against the target.
LossFn = Callable[[Tensor, Tensor], Tensor]


def constant_answer(spec: Spec, target: Tensor) -> Tensor:
    """The best answer that is the same for all rows, ``[1, *answer]``: the shares of classes as logits, or the mean."""
    if spec.task in QUANTITIES:
        return target.float().reshape(len(target), -1).mean(0).reshape(1, *spec.answer)
    if spec.task in ("binary", "multilabel"):
        share = (target.float().reshape(len(target), -1).sum(0) + 0.5) / (len(target) + 1)
        return torch.logit(share).reshape(1, *spec.answer)
    code = target.long().flatten()
    if spec.task in TOKENS:
        code = code[code != 0]
    count_C = torch.bincount(code, minlength=spec.outputs).float() + 0.5
    logit_C = (count_C / count_C.sum()).log()
    if spec.task == "segmentation":
        return logit_C.view(1, -1, 1, 1).expand(1, *spec.answer).contiguous()
    return logit_C.expand(1, *spec.answer).contiguous()


def constant_loss(spec: Spec, loss: LossFn, known: Tensor, target: Tensor) -> float:
    """The loss on ``target`` of the constant answer that fits ``known``, and not the worse one of zeros."""
    rows = target[: spec.rows_at_once]
    answer = constant_answer(spec, known[: spec.rows_at_once])
    return min(float(loss(one.expand(len(rows), *spec.answer), rows)) for one in (answer, torch.zeros_like(answer)))


def zero_loss(spec: Spec, loss: LossFn, target: Tensor) -> float:
    """The loss of an answer of zeros: classes all alike, quantities 0; ln C for a cross entropy of C classes."""
    return float(loss(torch.zeros(len(target), *spec.answer, device=target.device), target))
