"""Units that say nothing: dead for every row, or stuck at a bound of their activation; at the start and after."""

from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.layer import Layer, measure_units
from nnops.doctor.past import Past
from nnops.doctor.remedy import Sets, other_network, rate


class Units(Check):
    """The part of each layer's units that are zero for all rows, and of its values that lie at a bound."""

    name: ClassVar[str] = "units"
    about: ClassVar[str] = "dead and saturated units"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "network"
    dead: float = 0.5
    saturated: float = 0.6
    rows: int = 512

    def look(self, case: Case) -> list[Finding]:
        """The worst layer at the start, and the worst one after a training."""
        rows = min(self.rows, 8 * case.rows)
        inputs = tuple(tensor[:rows] for tensor in case.train.inputs)
        found = self._judge(case, measure_units(case.network, inputs), len(inputs[0]), None)
        for past in case.pasts:
            if past.module is not None:
                inputs = tuple(tensor[:rows] for tensor in case.val.inputs)
                module = past.module.to(case.device)
                found += self._judge(case, measure_units(module, inputs), len(inputs[0]), past)
        return found

    def _judge(self, case: Case, layers: list[Layer], rows: int, past: Past | None) -> list[Finding]:
        when = "At the start" if past is None else "After the training"
        split = "train" if past is None else "val"
        dead = max(layers, key=lambda layer: layer.dead, default=None)
        stuck = max(layers, key=lambda layer: layer.saturated, default=None)
        tries: list[Sets] = [{"data.scaling": "standard"}] if case.params.data.scaling == "none" else []
        if past is not None:
            tries.append(rate(case.lr / 10))
        found: list[Finding] = []
        if dead is not None and dead.dead > self.dead and rows >= 16:
            found.append(
                self.found(
                    case,
                    "error" if dead.dead > 0.95 else "warning",
                    f"{when}, {dead.dead:.0%} of the {dead.units} units of '{dead.name}' ({dead.kind}) are zero for"
                    f" every one of {rows} rows of {split}, so they get no gradient and never come back.",
                    {"layer": dead.name, "dead": dead.dead, "units": dead.units, "rows": rows},
                    "Take a lower rate, scale the inputs, or use an activation with a slope below zero.",
                    *tries,
                    {"model.options.activation": "leaky_relu"},
                    {"model.options.activation": "gelu"},
                    other_network(case.spec),
                )
            )
        if stuck is not None and stuck.saturated > self.saturated:
            found.append(
                self.found(
                    case,
                    "error" if stuck.saturated > 0.95 else "warning",
                    f"{when}, {stuck.saturated:.0%} of the values of '{stuck.name}' ({stuck.kind}) lie at a bound,"
                    " where the slope is nearly zero.",
                    {"layer": stuck.name, "saturated": stuck.saturated, "units": stuck.units, "rows": rows},
                    "Scale the inputs, normalise before the activation, begin with smaller weights, or use relu.",
                    *tries,
                    {"model.options.norm": "batch"},
                    {"model.options.activation": "relu"},
                    other_network(case.spec),
                )
            )
        return found
