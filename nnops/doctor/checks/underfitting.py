"""A training that has learned little of what there is to learn, on train as on val."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from nnops.batch import Spec
from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.guess import constant_answer
from nnops.doctor.judged import known_loss
from nnops.doctor.past import Past
from nnops.doctor.remedy import larger, other_network, rate


class Underfitting(Check):
    """Losses that stay near those of a constant answer, where the nearest rows of train tell more than the network."""

    name: ClassVar[str] = "underfitting"
    about: ClassVar[str] = "a network that learns less than there is"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "training"
    left: float = 0.35
    worse: float = 1.15
    neighbours: int = 10
    rows: int = 512

    def look(self, case: Case) -> list[Finding]:
        """One finding a training."""
        return [found for past in case.pasts if (found := self._judge(case, past)) is not None]

    def _judge(self, case: Case, past: Past) -> Finding | None:
        if case.spec.task not in ("binary", "multiclass", "regression") or "text" in case.spec.inputs:
            return None
        if case.params.train.sampler == "weighted":
            # The nearest rows know how often classes come; a network that is shown them equally often does not.
            return None
        known = known_loss(case, "val")
        best = past.history[past.best - 1]
        # Augmentation and dropout hold the loss on train up, so val counts as well.
        if min(best["train_loss"], best["val_loss"]) < self.left * known or best["val_loss"] > 0.97 * known:
            return None
        near = self._nearest(case)
        if best["val_loss"] < self.worse * near or best["train_loss"] < 0.5 * best["val_loss"]:
            return None
        still = past.best == len(past.history)
        more = {"train.epochs": 3 * case.params.train.epochs}
        tries = [more, rate(case.lr * 3)] if still else [larger(case.params.model.options)]
        return self.found(
            case,
            "warning",
            f"The network learns less than there is: train has {best['train_loss']:.3g} and val {best['val_loss']:.3g},"
            f" while the {self.neighbours} nearest rows of train alone reach {near:.3g} on val.",
            {
                "train_loss": best["train_loss"],
                "val_loss": best["val_loss"],
                "nearest_rows": near,
                "constant": known,
                "epochs": len(past.history),
            },
            "Give it more to learn with: more epochs, a higher rate, a larger network, less regularisation.",
            *tries,
            larger(case.params.model.options),
            other_network(case.spec),
        )

    def _nearest(self, case: Case) -> float:
        """The loss on val of what the nearest rows of train say, in the network's own outputs."""
        train_NF, val_MF = (_flat(split.inputs, case.spec) for split in (case.train, case.val))
        count = min(self.rows, len(val_MF))
        val_MF, target_M = val_MF[:count], case.val.target[:count]
        place_MK = torch.cdist(val_MF, train_NF).topk(min(self.neighbours, len(train_NF)), largest=False).indices
        near_MK = case.train.target[place_MK]
        if case.spec.task == "multiclass":
            prior_1C = constant_answer(case.spec, case.train.target).softmax(1)
            count_MC = torch.nn.functional.one_hot(near_MK.long(), case.spec.outputs).sum(1).float()
            output_MC = ((count_MC + prior_1C) / (count_MC.sum(1, keepdim=True) + 1)).log()
        elif case.spec.task == "binary":
            share_M1 = (near_MK.float().sum(1, keepdim=True) + 0.5) / (near_MK.shape[1] + 1)
            output_MC = torch.logit(share_M1)
        else:
            output_MC = near_MK.float().mean(1, keepdim=True)
        return float(case.loss(output_MC, target_M))


def _flat(inputs: tuple[Tensor, ...], spec: Spec) -> Tensor:
    """All inputs of a row as numbers; a code is one, which tells its equals apart; a node is none."""
    named = zip(spec.inputs, inputs, strict=True)
    return torch.cat([tensor.flatten(1).float() for name, tensor in named if name != "node"], 1)
