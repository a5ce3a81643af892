"""Transfer: a training that begins with weights of another one, of which all or some layers go on learning.

Feature extraction trains the new layers alone; fine-tuning all of them, those that were there before at a lower rate;
gradual unfreezing (Howard and Ruder 2018, section 3.3) one layer after the other, from the output on, by
``train.changes`` of ``train.transfer.unfrozen``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from nnops.catalog import nearest
from nnops.errors import ParamsError
from nnops.models import MODELS
from nnops.models.graph import graph_names
from nnops.params import Params, Transfer
from nnops.training.optimizer import Optimizer
from nnops.training.step import trainable
from nnops.training.update import Update

WHERE = "params.yaml: train.transfer.weights"
#: The file of weights in a folder: of a bundle, of the stage train, or of Hugging Face's.
NAME = "model.safetensors"


@dataclass(frozen=True)
class Begun:
    """A network that begins with weights of another one.

    Attributes:
        loaded: Names of the tensors that came from there.
        new: Names of the others, which begin as ever.
    """

    loaded: tuple[str, ...]
    new: tuple[str, ...]


def transfer_of(params: Params) -> Transfer | None:
    """How a training begins with weights of another one, or None: as params say, or as a pretrained model does.

    Raises:
        ParamsError: No weights are named, and the model has none.
    """
    transfer = params.train.transfer
    if transfer is not None and transfer.weights is not None:
        return transfer
    pretrained = MODELS.build(params.model.name, params.model.options, where="model").weights()
    if pretrained is not None:
        return (transfer or Transfer()).model_copy(update={"weights": pretrained})
    if transfer is not None:
        raise ParamsError(
            f"{WHERE} is missing, and the model '{params.model.name}' has none of its own; name a file or a folder."
        )
    return None


def weights_file(transfer: Transfer) -> Path:
    """The file that holds the weights.

    Raises:
        ParamsError: There is none.
    """
    assert transfer.weights is not None
    path = Path(transfer.weights)
    if path.is_dir():
        if (path / NAME).is_file():
            return path / NAME
        others = sorted(
            each.name for each in path.iterdir() if each.suffix in (".bin", ".json") and "model" in each.name
        )
        why = f"but holds {others[0]}" if others else "but holds none"
        if others and others[0].endswith(".bin"):
            why += ", a pickle, which can run code when it is read; save the model again with safe_serialization=True"
        elif others:
            why += ", whose weights are in several files; save the model again with a larger max_shard_size"
        raise ParamsError(f"{WHERE}: the folder {path} must hold {NAME}, {why}.")
    if path.suffix == ".bin":
        raise ParamsError(
            f"{WHERE}: {path} is a pickle, which can run code when it is read; write a .safetensors file."
        )
    if not path.is_file():
        there = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        guess = nearest(path.name, there)
        hint = (
            f"did you mean '{guess}'?"
            if guess
            else "write a file of weights, or a folder that holds model.safetensors."
        )
        raise ParamsError(f"{WHERE}: {path} does not exist; {hint}")
    return path


def begin(model: nn.Module, transfer: Transfer) -> Begun:
    """Load the weights of another training into a network, in place.

    The layers under ``transfer.new`` begin as ever; where that is empty, so does the last layer if its shape differs.

    Raises:
        ParamsError: There are no such weights, or they are of another network.
    """
    path = weights_file(transfer)
    given = _read(path)
    if rename := getattr(model, "own_name", None):
        given = {rename(name): tensor for name, tensor in given.items()}
    own = model.state_dict()
    new = {name for name in own if name.startswith(transfer.new)} if transfer.new else set[str]()
    last, graph = _last_layer(model), graph_names(model)
    loaded: dict[str, Tensor] = {}
    for name, tensor in own.items():
        if name in new or name in graph:
            continue
        other = given.get(name)
        if other is not None and other.shape == tensor.shape:
            loaded[name] = other
        elif not transfer.new and name.startswith(last):
            new.add(name)
        elif other is None:
            guess = nearest(name, given)
            hint = f"the nearest there is '{guess}'" if guess else f"there is {', '.join(sorted(given)[:3])}"
            raise ParamsError(
                f"{WHERE}: {path} has no '{name}'; {hint}; build the same network, or name what begins anew in"
                " train.transfer.new."
            )
        else:
            raise ParamsError(
                f"{WHERE}: '{name}' in {path} must have the shape {list(tensor.shape)} that the network has, got"
                f" {list(other.shape)}; build the same network, or name what begins anew in train.transfer.new."
            )
    if not any(tensor.is_floating_point() for tensor in loaded.values()):
        raise ParamsError(f"{WHERE}: nothing of {path} is used, for all layers begin anew; shorten train.transfer.new.")
    with torch.no_grad():
        for name, tensor in loaded.items():
            own[name].copy_(tensor)
    return Begun(tuple(loaded), tuple(name for name in own if name in new))


def freeze(model: nn.Module, begun: Begun, transfer: Transfer) -> None:
    """Let those layers alone learn that are to; the others also keep their statistics, as in evaluation.

    Raises:
        ParamsError: Then nothing would learn.
    """
    if transfer.unfrozen is None:
        return
    layers = [(name, layer) for name, layer in model.named_modules() if _weights(layer)]
    kept = [
        (name, layer) for name, layer in layers if not any(f"{name}.{key}" in begun.new for key, _ in _weights(layer))
    ]
    for _, layer in kept[: max(len(kept) - transfer.unfrozen, 0)]:
        for _, weight in _weights(layer):
            weight.requires_grad_(False)
        layer.eval()
        layer.train = lambda mode=True, layer=layer: layer  # type: ignore[method-assign]
    if not trainable(model):
        raise ParamsError(
            "params.yaml: train.transfer.unfrozen: 0 leaves nothing to learn, for no layer is new; write at least 1, or"
            " name what begins anew in train.transfer.new."
        )


def build_update(optimizer: Optimizer, model: nn.Module, begun: Begun, transfer: Transfer) -> Update:
    """The update of the weights that learn, those that were loaded at ``transfer.rate`` of the rate."""
    places = {name: place for place, (name, _) in enumerate(model.named_parameters())}
    learning = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    groups: list[_Group] = []
    for factor, names in ((1.0, set(begun.new)), (transfer.rate, set(begun.loaded))):
        mine = [index for index, (name, _) in enumerate(learning) if name in names]
        if mine:
            update = optimizer.build([learning[index][1] for index in mine])
            groups.append(_Group(update, factor, mine, [places[learning[index][0]] for index in mine]))
    return _Grouped([weight for _, weight in learning], groups)


@dataclass(frozen=True)
class _Group:
    """Weights that learn at one factor: their places among those that learn, and among all of the network."""

    update: Update
    factor: float
    learning: list[int]
    places: list[int]


class _Grouped(Update):
    """Groups of weights, each at a rate of its own; memory is named by the weight's place in the network."""

    def __init__(self, weights: list[Tensor], groups: list[_Group]) -> None:
        super().__init__(weights)
        self._groups = groups

    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """See :class:`Update`."""
        for group in self._groups:
            group.update.apply([gradients[index] for index in group.learning], rate * group.factor)

    def tensors(self) -> dict[str, Tensor]:
        """See :class:`Update`; what is not of one weight, such as the count of steps, is named by its group."""
        found: dict[str, Tensor] = {}
        for number, group in enumerate(self._groups):
            for name, row in group.update.memory.items():
                names = group.places if len(row) == len(group.places) and name != "steps" else [f"group-{number}"]
                found |= {f"{name}.{place}": tensor for place, tensor in zip(names, row, strict=True)}
        return found


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        record: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of two libraries, which have no common base
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ParamsError(
            f"{WHERE}: {path} holds no weights that can be read without running code in it: {first.rstrip('.')}; save"
            " it again as safetensors."
        ) from error
    record = record.get("state_dict", record) if isinstance(record, dict) else record
    if not isinstance(record, dict) or not all(
        isinstance(one, Tensor) for one in cast("dict[Any, Any]", record).values()
    ):
        raise ParamsError(f"{WHERE}: {path} must hold tensors by name, as module.state_dict() does.")
    return cast("dict[str, Tensor]", record)


def _weights(layer: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(layer.named_parameters(recurse=False))


def _last_layer(model: nn.Module) -> str:
    """The beginning of the names of the last layer with weights."""
    return [f"{name}." if name else "" for name, layer in model.named_modules() if _weights(layer)][-1]
