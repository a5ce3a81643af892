"""One batch learned by heart: what a network, its loss and its optimizer must be able to do before anything else."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from nnops.batch import TOKENS
from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.guess import constant_loss
from nnops.doctor.remedy import larger, other_network, rate

#: What no batch can get below, however well it is learned.
FLOOR = {"loss.options.label_smoothing": 0.0}
#: Without what keeps a network from learning by heart; only what the params have is laid over them.
FREE = {
    "model.options.dropout": 0.0,
    "train.l1": 0.0,
    "train.l2": 0.0,
    "train.clip_norm": None,
    "train.optimizer.options.weight_decay": 0.0,
}
LITTLE = 0.01


class OneBatch(Check):
    """The loss on one batch after some steps, at the rate of the params, at others, and without regularisation."""

    name: ClassVar[str] = "one_batch"
    about: ClassVar[str] = "one batch that must be learned by heart"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "learning"
    rows: int = 32
    left: float = 0.2

    def look(self, case: Case) -> list[Finding]:
        """One finding, with what was tried."""
        rows, known, rates = self._asked(case)
        if known < 1e-6:
            return []
        tried = {f"left_at_{one:g}": self.fit(case, rows, one)[-1] / known for one in rates}
        if min(tried.values()) <= self.left:
            return []
        free = _set_in(case, FREE)
        if free:
            freed = {one: self.fit(case, rows, one, free)[-1] / known for one in rates}
            if min(freed.values()) <= self.left:
                return [self._held(case, tried, free, min(freed.values()), rows)]
        best = min(tried, key=tried.__getitem__)
        return [
            self.found(
                case,
                "error" if min(tried.values()) > 0.5 else "warning",
                f"{rows} rows cannot be learned by heart: after {2 * case.most_steps} steps {tried[best]:.0%} of the"
                " loss of knowing nothing is left, without regularisation as well.",
                {"rows": rows, "steps": 2 * case.most_steps, **tried},
                "Something keeps the network from learning at all: look at the findings above; if there are none it is"
                " too small, or inputs and targets do not belong together.",
                *_roomier(case),
            )
        ]

    def curves(self, case: Case) -> tuple[dict[str, list[float]], float, int]:
        """The losses by step at each rate that is tried, the loss of a constant answer, and the rows."""
        rows, known, rates = self._asked(case)
        return {f"rate {one:g}": self.fit(case, rows, one)[:-1] for one in rates}, known, rows

    def _asked(self, case: Case) -> tuple[int, float, list[float]]:
        rows = min(self.rows if case.spec.task not in (*TOKENS, "segmentation") else 8, len(case.train), case.rows)
        # A network of few weights has no room for more.
        room = sum(weight.numel() for weight in case.network.parameters()) // (2 * case.spec.outputs)
        _, target_B = case.different(max(4, min(rows, room)))
        rows = len(target_B)
        known = constant_loss(case.spec, case.fresh(_set_in(case, FLOOR)).loss, target_B, target_B)
        suggested = case.rates.suggested
        rates = [case.lr] if suggested in (None, case.lr) else [case.lr, suggested]
        return rows, known, rates + ([30 * rates[-1]] if len(rates) == 1 else [])

    def fit(self, case: Case, rows: int, rate: float, sets: Mapping[str, Any] | None = None) -> list[float]:
        """The losses of one batch, until it is learned or the steps are used up, and last the lowest near the end."""
        step = case.fresh({**_set_in(case, FLOOR), **(sets or {})})
        inputs, target_B = case.different(rows)
        losses: list[float] = []
        best = math.inf
        for place in range(2 * case.most_steps):
            loss = float(step.train(inputs, target_B, rate))
            if not math.isfinite(loss):
                return [*losses, math.inf]
            losses.append(loss)
            best = min(losses[-10:])
            if place % 10 == 9:
                # As it would be used: without dropout, by what normalisations remember.
                best = min(best, float(step.loss(step.predict(inputs), target_B)))
                if best < 0.01 * losses[0]:
                    break
        return [*losses, best]

    def _held(self, case: Case, tried: dict[str, float], free: dict[str, Any], left: float, rows: int) -> Finding:
        names = ", ".join(key.rpartition(".")[2] for key in free)
        return self.found(
            case,
            "warning",
            f"Regularisation keeps the network from learning even {rows} rows: {min(tried.values()):.0%} of the loss is"
            f" left with it, {left:.0%} without ({names}).",
            {"rows": rows, "left_without": left, **tried},
            "Take it back until one batch can be learned; add it again when val gets worse while train gets better.",
            _mild(case, free),
            free,
        )


def _set_in(case: Case, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the wanted values that the params have otherwise."""
    record = case.params.record()
    found: dict[str, Any] = {}
    for key, value in wanted.items():
        node: Any = record
        for part in key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        # A little weight decay keeps nobody from learning.
        if node is not None and node != value and not (key.endswith("weight_decay") and node <= LITTLE):
            found[key] = value
    return found


def _mild(case: Case, free: dict[str, Any]) -> dict[str, Any]:
    """The same with the default of weight decay, which harms nobody."""
    return {key: 1e-4 if key.endswith("weight_decay") else value for key, value in free.items()}


def _roomier(case: Case) -> list[dict[str, Any]]:
    options = case.params.model.options
    tries: list[dict[str, Any]] = []
    if options.get("activation") in ("sigmoid", "tanh"):
        tries.append({"model.options.activation": "relu"})
    return [*tries, larger(options), other_network(case.spec), rate(case.lr * 10)]
