"""Gradients by layer, of an untrained network or a trained one: vanishing, exploding, or not there at all."""

import math
from typing import ClassVar, Literal

from torch import nn

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.layer import Flow, measure_flow
from nnops.doctor.remedy import Sets, other_network, plain_network


class Gradients(Check):
    """The norm of each weight's gradient as a part of the weight's own, first layers beside the last one."""

    name: ClassVar[str] = "gradients"
    about: ClassVar[str] = "gradients that vanish, explode, or do not arrive"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"
    least: float = 1e-4
    most: float = 1e3

    def look(self, case: Case) -> list[Finding]:
        """Of the untrained network, or of the trained one where there is one with weights."""
        found = self._judge(case, case.flows, "At the start")
        inputs, target_B = case.batch(0)
        for past in case.pasts if not found else ():
            if past.module is not None:
                flows = measure_flow(past.module.to(case.device), case.loss, inputs, target_B)
                found += self._judge(case, flows, "After the training", trained=True)
        return found

    def _judge(self, case: Case, flows: list[Flow], when: str, *, trained: bool = False) -> list[Finding]:
        if not flows:
            return []
        if cut := [flow for flow in flows if flow.norm is None or (flow.norm == 0 and flow.weight > 0)]:
            return self._cut(case, flows, cut, when, trained=trained)
        # What begins at zero, such as a token of its own, has no size to compare with.
        flows = [flow for flow in flows if flow.weight > 0] or flows
        largest = max(flows, key=lambda flow: flow.relative if math.isfinite(flow.relative) else math.inf)
        # Of the first layers the one that gets most: attention may leave single weights nearly alone at first.
        last, first = flows[-1], max(flows[: -(-len(flows) // 4)], key=lambda flow: flow.relative)
        evidence = {"first_layer": first.relative, "last_layer": last.relative, "layers": len(flows)}
        if not math.isfinite(largest.relative) or largest.relative > self.most * max(last.relative, 1.0):
            return [
                self.found(
                    case,
                    "error",
                    f"{when}, gradients explode: that of '{largest.name}' is {largest.relative:.2g} times its weight.",
                    {"layer": largest.name, "largest": largest.relative, "last_layer": last.relative},
                    "Normalise between layers, scale the inputs and the target, and clip the whole gradient's norm.",
                    *([{"data.scaling": "standard"}] if case.params.data.scaling == "none" else []),
                    {"train.clip_norm": 1.0, "model.options.norm": "layer"},
                    {"train.clip_norm": 1.0},
                    {"train.clip_norm": 0.1},
                )
            ]
        if trained or len(flows) < 3 or last.relative == 0 or first.relative > self.least * last.relative:
            return []
        return [
            self.found(
                case,
                "error",
                f"{when}, gradients vanish on their way back: '{first.name}' gets {first.relative / last.relative:.1g}"
                f" of what '{last.name}' gets, so it will not learn.",
                {"layer": first.name, **evidence, "part": first.relative / last.relative},
                "Use an activation that does not flatten (relu), normalise between layers, or take a shallower network"
                " or one with skip connections.",
                *_livelier(case),
            )
        ]

    def _cut(self, case: Case, flows: list[Flow], cut: list[Flow], when: str, *, trained: bool) -> list[Finding]:
        if trained and len(cut) < len(flows):
            # At zero loss a gradient may end; only a network that gets none at all is dead.
            return []
        names = ", ".join(f"'{flow.name}'" for flow in cut[:3]) + (", ..." if len(cut) > 3 else "")
        whole = len(cut) == len(flows)
        return [
            self.found(
                case,
                "error",
                f"{when}, no gradient reaches {names}: {'nothing learns' if whole else 'they will stay as they are'}.",
                {"weights": len(cut), "of": len(flows), "first": cut[0].name},
                "Look for a detach, a rounding or an argmax on the way to the loss, a part that is not called, or units"
                " that are all dead.",
                *_livelier(case),
            )
        ]


def _livelier(case: Case) -> list[Sets]:
    options = case.params.model.options
    tries: list[Sets] = []
    if options.get("activation") in ("sigmoid", "tanh"):
        tries.append({"model.options.activation": "relu"})
    if options.get("activation", "relu") == "relu" and _has(case.network, nn.ReLU):
        tries.append({"model.options.activation": "leaky_relu"})
    if not _has(case.network, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
        tries.append({"model.options.norm": "batch"})
    return [*tries, plain_network(case.spec), other_network(case.spec)]


def _has(network: nn.Module, kind: type[nn.Module] | tuple[type[nn.Module], ...]) -> bool:
    return any(isinstance(part, kind) for part in network.modules())
