"""A case: the params and data that are looked at, and what several checks need of them, each made once.

Everything is drawn from streams of the seed in params and bounded by counted work, never by a clock, so that the same
case gives the same findings.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nnops.data.prepared import Prepared, SplitName, Tensors
from nnops.doctor.budget import bound_rows, bound_steps, measure_cost
from nnops.doctor.layer import Flow, measure_flow
from nnops.errors import InputError
from nnops.files import read_json
from nnops.losses.base import Loss
from nnops.models.graph import hold_graph
from nnops.params import Params, overlay, parse_set
from nnops.seeding import torch_stream
from nnops.training.device import choose_device, settle_device
from nnops.training.ensemble import members
from nnops.training.loop import seed_dropout
from nnops.training.phases import phases
from nnops.training.step import SoloStep, trainable
from nnops.training.train import Parts, build_loss, build_model, fit_loss
from nnops.training.transfer import begin, freeze, transfer_of

if TYPE_CHECKING:
    from nnops.doctor.past import Past
    from nnops.doctor.rate import RateRange

#: Most rows that are looked at of a split, and most bytes of them.
ROWS, BYTES = 4096, 64 << 20
#: Rows in a batch where params leave it to the machine.
AUTO_ROWS = 64


class Case:
    """What is looked at.

    Args:
        params: As they stand, or of a result; of an ensemble the first member's network is looked at.
        data: The data that they stand for.
        pasts: Trainings that have been done under them, one for each member of an ensemble.
    """

    def __init__(self, params: Params, data: Prepared, pasts: "Sequence[Past]" = ()) -> None:
        self.given = params
        self.data = data
        self.pasts = tuple(pasts)
        sets: dict[str, Any] = {"train.workers": 1}
        first = members(params)[0]
        if first.train.batch_size == "auto":
            sets["train.batch_size"] = min(AUTO_ROWS, data.rows("train"))
        if first.train.adversarial is not None:
            # What can be learned at all is judged by the rows as they are.
            sets["train.adversarial"] = None
        self.params = overlay(first, sets)
        self.spec = data.spec
        self.device = choose_device(self.params)
        settle_device(self.device, self.params.train.threads)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The data report in numbers; empty where none was kept."""
        path = self.data.folder / "report.json"
        return read_json(path) if path.exists() else {}

    @cached_property
    def train(self) -> Tensors:
        """Rows of train in an order of their own, all of them or so many as are looked at."""
        return self._sample("train")

    @cached_property
    def val(self) -> Tensors:
        """The same of val."""
        return self._sample("val")

    def _sample(self, split: SplitName) -> Tensors:
        # A series lies in memory once, whatever its windows are; all else is read where it lies.
        whole = self.data.tensors(split, self.device) if self.spec.series else self.data.streamed(split, self.device)
        rows = len(whole)
        row_bytes = 4 * sum(torch.Size(shape).numel() for shape in self.spec.shapes)
        count = min(rows, ROWS, max(64, BYTES // max(row_bytes, 1)))
        order_N = torch.randperm(rows, generator=torch_stream(self.params.seed, f"doctor/{split}"))[:count]
        order_N = order_N.to(whole.target.device)
        inputs = tuple(tensor.index_select(0, order_N) for tensor in whole.inputs)
        return Tensors(inputs, whole.target.index_select(0, order_N))

    @cached_property
    def part(self) -> Parts:
        """What the first phase is trained with."""
        return Parts.build_all(self.params, self.data, ())[0]

    @cached_property
    def network(self) -> nn.Module:
        """The untrained network as a training would begin with it; not the one that :meth:`fresh` trains."""
        model, transfer = build_model(self.params, self.spec), transfer_of(self.params)
        hold_graph(model, self.data.graph)
        if transfer is not None:
            freeze(model, begin(model, transfer), transfer)
        return model.to(self.device)

    @cached_property
    def learns(self) -> bool:
        """Whether there are weights that a gradient changes, and it reaches all of them."""
        return bool(trainable(self.network)) and all(flow.norm is not None for flow in self.flows)

    @cached_property
    def flows(self) -> list[Flow]:
        """The gradients of the untrained network's weights."""
        if not trainable(self.network):
            return []
        inputs, target_B = self.batch(0)
        return measure_flow(self.network, self.loss, inputs, target_B)

    @cached_property
    def loss(self) -> Loss:
        """The loss as it is for these data."""
        return fit_loss(self.part.loss, self.data, self.device)

    def fresh(self, sets: Mapping[str, Any] | None = None) -> SoloStep:
        """An untrained step, its dropout drawn from a stream of its own; ``sets`` are laid over the params."""
        if sets:
            part = Parts.build(phases(overlay(self.params, sets))[0], self.data, (), None)
            step = part.step(self.data, self.device)
        else:
            step = self._step
            step.load(self._start)
        seed_dropout(self.params.seed, 0, torch.device(self.device))
        return step

    @cached_property
    def _step(self) -> SoloStep:
        return self.part.step(self.data, self.device)

    @cached_property
    def _start(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self._step.tensors().items()}

    @property
    def lr(self) -> float:
        """The rate that the schedule scales."""
        return self.part.optimizer.lr

    @property
    def batch_size(self) -> int:
        """Rows in a batch of the training."""
        return min(self.params.train.batch(self.data.rows("train")), self.data.rows("train"))

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        per_epoch = -(-self.data.rows("train") // (self.batch_size * self.params.train.accumulate))
        return per_epoch * self.params.train.epochs

    @cached_property
    def cost(self) -> float:
        """Multiplications and additions of a step of training, for one row."""
        return measure_cost(self.network, tuple(tensor[:2] for tensor in self.train.inputs))

    @cached_property
    def rows(self) -> int:
        """Rows in a batch of a trial run: those of the training, as far as the work allows."""
        return bound_rows(self.cost, min(self.batch_size, len(self.train)))

    @cached_property
    def most_steps(self) -> int:
        """Steps of a trial run."""
        return bound_steps(self.cost, self.rows)

    def batch(self, place: int, rows: int | None = None) -> tuple[tuple[Tensor, ...], Tensor]:
        """The batch at a place in the order of the sample, which is gone through again where it ends."""
        rows = rows or self.rows
        chosen = (torch.arange(rows) + place * rows) % len(self.train)
        chosen = chosen.to(self.train.target.device)
        return tuple(tensor[chosen] for tensor in self.train.inputs), self.train.target[chosen]

    def different(self, rows: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """The first rows whose inputs no row before them has, at most so many."""
        seen: dict[int, int] = {}
        for place, key in enumerate(row_keys(tuple(tensor[: 4 * rows] for tensor in self.train.inputs))):
            seen.setdefault(key, place)
        chosen = torch.tensor(list(seen.values())[:rows], device=self.train.target.device)
        return tuple(tensor[chosen] for tensor in self.train.inputs), self.train.target[chosen]

    @cached_property
    def rates(self) -> "RateRange":
        """The learning-rate range test."""
        from nnops.doctor.rate import measure_rates

        return measure_rates(self)

    def choose(self, *tries: Mapping[str, Any]) -> tuple[str, ...]:
        """The first of several sets that the params take, as ``key=value``; empty where none does."""
        for one in tries:
            texts = tuple(f"{key}={_yaml(value)}" for key, value in one.items())
            if self._takes(texts):
                return texts
        return ()

    def _takes(self, texts: tuple[str, ...]) -> bool:
        try:
            config = dict(parse_set(text) for text in texts)
            if overlay(self.given, config) == self.given:
                return False
            params = members(overlay(self.given, config))[0]
            if all(key.startswith("data.") for key in config):
                return True
            params = overlay(params, {"train.workers": 1})
            if params.train.batch_size == "auto":
                params = overlay(params, {"train.batch_size": self.batch_size})
            Parts.build_all(params, self.data, ())
            build_loss(params, self.spec)
            build_model(params, self.spec)
        except InputError:
            return False
        return True


def row_keys(inputs: Sequence[Tensor]) -> list[int]:
    """A number for each row, the same for rows that are equal; only good for comparing within one process."""
    parts = [tensor.cpu().numpy().reshape(len(tensor), -1) for tensor in inputs]
    rows = zip(*([row.tobytes() for row in part] for part in parts), strict=True)
    return [hash(b"".join(row)) for row in rows]


def _yaml(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
