"""Values that several checks propose."""

from typing import Any

from nnops.batch import TOKENS, Spec
from nnops.models.base import instead
from nnops.params import Params

Sets = dict[str, Any]

RATE = "train.optimizer.options.lr"


def rate(value: float) -> Sets:
    """Another learning rate, in two digits."""
    return {RATE: float(f"{value:.1e}")}


def plain_network(spec: Spec) -> Sets:
    """A network of the house for such data."""
    return {"model.name": "unet" if spec.task == "segmentation" else instead(spec)}


def other_network(spec: Spec) -> Sets:
    """Another one, where the plain one is the one that is in doubt."""
    name = {"image": "resnet", "text": "rnn", "numeric": "resmlp", "categories": "resmlp", "series": "linear_series"}
    return {"model.name": "rnn" if spec.task in TOKENS else name[spec.inputs[0]]}


def larger(options: dict[str, Any]) -> Sets:
    """A network of the same family with more in it."""
    hidden = options.get("hidden")
    if isinstance(hidden, int):
        return {"model.options.hidden": max(64, 2 * hidden)}
    widths = [max(64, 2 * int(width)) for width in hidden or (64, 32)][:3]
    return {"model.options.hidden": widths}


def smaller(options: dict[str, Any], default: tuple[int, ...] = (128, 64)) -> Sets:
    """A network of the same family with less in it."""
    hidden = options.get("hidden", default)
    if isinstance(hidden, int):
        return {"model.options.hidden": max(8, hidden // 2)}
    return {"model.options.hidden": [max(8, int(width) // 4) for width in hidden][:2]}


def loss_option(params: Params, spec: Spec, option: str, value: Any) -> list[Sets]:
    """An option of the loss that is there, else of the task's own cross entropy."""
    own = "binary_cross_entropy" if spec.task in ("binary", "multilabel") else "cross_entropy"
    tries: list[Sets] = [] if params.loss is None else [{f"loss.options.{option}": value}]
    return [*tries, {"loss": {"name": own, "options": {option: value}}}]


def weighed(params: Params, spec: Spec) -> list[Sets]:
    """Rare classes made to count, by the loss or by the sampler."""
    return [*loss_option(params, spec, "class_weights", "balanced"), {"train.sampler": "weighted"}]
