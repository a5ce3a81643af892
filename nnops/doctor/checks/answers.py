"""What an untrained network answers: the right shape and type, of each row by itself, of every input."""

import copy
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.remedy import other_network, plain_network

#: Rows that are asked.
ASKED = 32


class Answers(Check):
    """Shape, type, finite values; rows that are mixed; inputs that change nothing; softmax before the loss's own."""

    name: ClassVar[str] = "answers"
    about: ClassVar[str] = "shapes and types, mixed rows, ignored inputs, an activation that the loss has already"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"
    same: float = 1e-3

    @torch.no_grad()
    def look(self, case: Case) -> list[Finding]:
        """The first thing that is wrong."""
        inputs, _ = case.batch(0, min(ASKED, len(case.train)))
        network = case.network.eval()
        output = network(*inputs)
        due = (len(inputs[0]), *case.spec.answer)
        if tuple(output.shape) != due or not output.is_floating_point():
            return [
                self._wrong(
                    case,
                    f"The network answers {list(output.shape)} {str(output.dtype).removeprefix('torch.')}, and the loss"
                    f" takes {list(due)} float32.",
                    {"outputs": list(output.shape)[-1] if output.ndim else 0, "wanted": due[-1]},
                    "End in a linear layer with spec.outputs outputs.",
                )
            ]
        if not bool(torch.isfinite(output).all()):
            bad = int((~torch.isfinite(output)).sum())
            return [
                self._wrong(
                    case,
                    f"The untrained network gives {bad} answers that are not finite.",
                    {"values": bad, "of": output.numel()},
                    "Look for a division by zero or a logarithm of zero in it, and begin with smaller weights.",
                )
            ]
        return (
            self._rows(case, inputs, output)
            or self._activation(case, inputs, output)
            or self._ignored(case, inputs, output)
        )

    def _rows(self, case: Case, inputs: tuple[Tensor, ...], output: Tensor) -> list[Finding]:
        """Whether a row's answer is another one when it is asked alone."""
        alone = torch.cat([case.network(*(tensor[row : row + 1] for tensor in inputs)) for row in range(2)])
        size = float(output.abs().max())
        apart = float((alone - output[:2]).abs().max())
        if len(inputs[0]) < 3 or apart <= self.same * max(size, 1e-6):
            return []
        return [
            self._wrong(
                case,
                f"A row's answer depends on the other rows of its batch: asked alone it differs by {apart:.3g}.",
                {"difference": apart, "largest_answer": size},
                "Look for a view, transpose or softmax over the batch axis; every operation must keep axis 0.",
            )
        ]

    def _activation(self, case: Case, inputs: tuple[Tensor, ...], output: Tensor) -> list[Finding]:
        """Whether outputs are probabilities already, where the loss takes logits, or never below zero."""
        task, axis = case.spec.task, 1 if case.spec.task == "segmentation" else -1
        quantities = task in ("regression", "forecasting")
        least = float(case.train.target.min()) if quantities else 0.0
        low, high = float(output.min()), float(output.max())
        evidence = {"lowest": low, "highest": high}
        if low < 0 or (quantities and least >= 0) or (not quantities and high > 1 + 1e-6):
            return []
        # By chance a few first answers may lie so; with other weights they will not.
        others = [_scaled(case.network, by)(*inputs) for by in (10.0, -10.0)]
        if quantities:
            if any(float(other.min()) < 0 for other in others):
                return []
            return [
                self._wrong(
                    case,
                    f"The network never answers below zero, and targets go down to {least:.3g}.",
                    evidence | {"lowest_target": least},
                    "End in a linear layer without an activation.",
                )
            ]
        if any(float(other.min()) < 0 or float(other.max()) > 1 + 1e-6 for other in others):
            return []
        one = case.spec.outputs > 1 and task != "multilabel" and float((output.sum(axis) - 1).abs().max()) < 1e-3
        name = "softmax" if one else "sigmoid"
        return [
            self._wrong(
                case,
                f"The network ends in a {name}, and the loss takes one of its own, so it cannot become sure of anything"
                " and its gradients nearly vanish.",
                evidence,
                "End in the linear layer; probabilities are made of its outputs where they are needed.",
            )
        ]

    def _ignored(self, case: Case, inputs: tuple[Tensor, ...], output: Tensor) -> list[Finding]:
        """Whether answers stay the same when the rows of an input change places."""
        size = float((output - output.mean(0)).abs().max())
        if size <= 1e-7 * max(float(output.abs().max()), 1e-6):
            return [
                self._wrong(
                    case,
                    "The untrained network answers all rows alike, so nothing of the inputs reaches its output.",
                    {"spread": size, "largest_answer": float(output.abs().max())},
                    "Look for an activation that is zero or at its bound for every row, weights of zero, or a part that"
                    " is not called.",
                )
            ]
        # A network of a graph has the columns from there, one without sees no node: neither is a mistake.
        several = len(inputs) > 1 and not case.spec.nodes
        for place, name in enumerate(case.spec.inputs if several else ()):
            changed = list(inputs)
            changed[place] = inputs[place].roll(1, 0)
            apart = float((case.network(*changed) - output).abs().max())
            moved = not torch.equal(changed[place], inputs[place])
            if moved and apart == 0:
                return [
                    self._wrong(
                        case,
                        f"The input '{name}' changes no answer, so the network does not use it.",
                        {"input": name, "difference": apart},
                        "Call the part of the network that takes it, or leave its columns out.",
                    )
                ]
        return []

    def _wrong(self, case: Case, sentence: str, evidence: dict[str, Any], remedy: str) -> Finding:
        return self.found(case, "error", sentence, evidence, remedy, plain_network(case.spec), other_network(case.spec))


def _scaled(network: nn.Module, by: float) -> nn.Module:
    """The same network with other weights."""
    other = copy.deepcopy(network)
    for weight in other.parameters():
        weight.mul_(by)
    return other
