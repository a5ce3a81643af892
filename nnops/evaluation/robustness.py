"""Robustness: the primary metric on rows of test that are damaged, or changed to mislead the network."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from nnops.batch import TOKENS
from nnops.catalog import unknown
from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.evaluation.baselines.base import Rows
from nnops.evaluation.corruptions import CORRUPTIONS
from nnops.evaluation.corruptions.base import SEVERITIES, Corruption, Ground
from nnops.evaluation.predict import in_pieces, network, predict_rows, read_rows
from nnops.losses import DEFAULT, LOSSES
from nnops.metrics.predictions import Predictions
from nnops.params import Params, Robustness
from nnops.seeding import derive, numpy_stream
from nnops.training.artifact import TrainedModel
from nnops.training.attacks import ATTACKS
from nnops.training.attacks.base import Attack, Reach
from nnops.training.train import choose_device

WHERE = "evaluate.robustness"
#: Parts of an attack's distance at which it is measured, too, by name.
PARTS = {"quarter": 0.25, "half": 0.5, "full": 1.0}


@dataclass(frozen=True)
class Damaged:
    """A model's answers to rows that were changed in one way.

    Attributes:
        kind: ``clean``, ``corruption`` or ``attack``.
        name: Of the corruption or the attack; empty for clean rows.
        strength: The severity 1 to 5, or the distance epsilon.
        label: How its number is named: the severity, or a key of ``PARTS``.
        predictions: What the model said.
    """

    kind: Literal["clean", "corruption", "attack"]
    name: str
    strength: float
    label: str
    predictions: Predictions


def check_robustness(params: Params, data: Prepared) -> tuple[list[tuple[str, Corruption]], list[tuple[str, Attack]]]:
    """What ``params.evaluate.robustness`` asks for, built.

    Raises:
        ParamsError: A corruption or an attack does not fit the data; the message holds those that do.
        NameUnknownError: There is no such attack.
    """
    asked = params.evaluate.robustness
    if asked is None:
        return [], []
    if data.spec.task in TOKENS:
        raise ParamsError(
            f"params.yaml: {WHERE}: answers of the task {data.spec.task} are told token by token, and damage of their"
            " inputs is not measured; leave it out."
        )
    if data.spec.nodes:
        raise ParamsError(
            f"params.yaml: {WHERE}: a node of a graph is answered from its neighbours, too, and damage of a row alone"
            " is not measured; leave it out, or data.edges."
        )
    ground = Ground.of(data)
    fitting = [name for name in CORRUPTIONS.names() if CORRUPTIONS.load(name).fits(ground)]
    for name in asked.corruptions or ():
        if name not in CORRUPTIONS.names():
            raise ParamsError(f"params.yaml: {WHERE}.corruptions: {unknown('corruption', name, fitting)}")
        if name not in fitting:
            raise ParamsError(
                f"params.yaml: {WHERE}.corruptions: '{name}' does not fit data with {' and '.join(data.spec.inputs)};"
                f" write some of {', '.join(fitting)}."
            )
    names = fitting if asked.corruptions is None else list(dict.fromkeys(asked.corruptions))
    attacks = [
        (one.name, ATTACKS.build(one.name, one.options, f"{WHERE}.attacks.{place}"))
        for place, one in enumerate(asked.attacks)
    ]
    if attacks:
        Reach.of(data, f"{WHERE}.attacks")
    return [(name, CORRUPTIONS.build(name, {})) for name in names], attacks


def damage(model: TrainedModel, data: Prepared, params: Params) -> list[Damaged]:
    """Answers to clean rows first, then to each corruption in each severity and each attack at each distance.

    Args:
        model: The trained network.
        data: The prepared data.
        params: The sections ``evaluate.robustness``, ``seed`` and ``train`` (device) are read.

    Raises:
        ParamsError: See :func:`check_robustness`.
    """
    asked = params.evaluate.robustness
    if asked is None:
        return []
    corruptions, attacks = check_robustness(params, data)
    device = choose_device(params)
    rows, predict = _spread(read_rows(data, "test"), asked), network(model, device)
    found = [Damaged("clean", "", 0.0, "", predict_rows(predict, rows, data))]
    ground = Ground.of(data)
    for name, corruption in corruptions:
        for severity in SEVERITIES:
            chance = numpy_stream(params.seed, f"corruption/{name}/{severity}")
            changed = Rows(corruption.apply(rows.inputs, severity, ground, chance), rows.target_N)
            answer = predict_rows(predict, changed, data)
            found.append(Damaged("corruption", name, float(severity), str(severity), answer))
    for name, attack in attacks:
        for label, part in PARTS.items():
            # A step that was asked for shrinks with the distance.
            step = {"step": given * part} if (given := getattr(attack, "step", None)) else {}
            weaker = attack.model_copy(update={"epsilon": attack.epsilon * part, **step})
            torch.manual_seed(derive(params.seed, f"attack/{name}/{label}"))
            changed = _attacked(weaker, model, rows, data, device)
            answer = predict_rows(predict, changed, data)
            found.append(Damaged("attack", name, weaker.epsilon, label, answer))
    return found


def spread(rows: int, most: int) -> np.ndarray:
    """Places of at most so many rows, evenly spread."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).round().astype(np.int64)


def _spread(rows: Rows, asked: Robustness) -> Rows:
    """At most as many rows as asked for, evenly spread."""
    if len(rows) <= asked.rows:
        return rows
    chosen = spread(len(rows), asked.rows)
    return Rows(tuple(array[chosen] for array in rows.inputs), rows.target_N[chosen])


def _attacked(attack: Attack, model: TrainedModel, rows: Rows, data: Prepared, device: str) -> Rows:
    """Rows that mislead the network; the loss that grows is the plain one of the task."""
    loss = LOSSES.build(DEFAULT[data.spec.task], {})
    reach = Reach.of(data, WHERE).to(torch.device(device))
    module = model.module.to(device)

    def pieces() -> Iterator[tuple[np.ndarray, ...]]:
        for piece in in_pieces(rows, data.spec.rows_at_once):
            inputs = tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in piece.inputs)
            target = torch.from_numpy(np.ascontiguousarray(piece.target_N)).to(device)
            yield tuple(tensor.cpu().numpy() for tensor in attack.apply(module, loss, inputs, target, reach))

    columns = zip(*pieces(), strict=True)
    return Rows(tuple(np.concatenate(parts) for parts in columns), rows.target_N)
