"""Footprints: the memory that trainings of a space need, reckoned before anything is trained."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from nnops.batch import TOKENS, WHOLE, Spec
from nnops.errors import InputError
from nnops.free import free_memory
from nnops.params import Params, overlay
from nnops.sweep.ready import Ready
from nnops.sweep.space import Config
from nnops.sweep.trial import as_it_was
from nnops.sweep.words import size

if TYPE_CHECKING:
    from nnops.models.base import Model

#: Weights, gradients and the two moments of Adam, and the best weights kept.
COPIES = 5
#: Kinds of networks that are reckoned; beyond them the first ones stand for all.
BRANCHES = 500
#: Larger networks are built without memory; next to such weights, what their layers put out is left out.
LARGE_BYTES = 256 << 20
#: Keys that the memory of a training depends on.
KEYS = ("model.", "train.batch_size")
MIB = 1 << 20


@dataclass(frozen=True)
class Footprint:
    """What one kind of network needs.

    Attributes:
        config: How the space decides for it.
        weights_bytes: Of its weights.
        training_bytes: Of weights, gradients, the optimizer's state, the best weights and what the layers put out.
    """

    config: Config
    weights_bytes: int
    training_bytes: int


def footprint(ready: Ready, params: Params, config: Config) -> Footprint:
    """What a training of a config needs.

    Args:
        ready: Names the data.
        params: The config is laid over them already.
        config: For messages.
    """
    import torch

    from nnops.models import MODELS
    from nnops.models.graph import graph_names

    spec, train = ready.data.spec, ready.data.rows("train")
    rows, looked = max(1, min(params.train.batch(train), train)), min(spec.rows_at_once, max(train, 1))
    model = MODELS.build(params.model.name, params.model.options, where="model")
    with torch.device("meta"):
        network = model.build(spec)
    weights = sum(each.numel() * each.element_size() for each in network.state_dict().values())
    put_out = _outputs(model, spec) if weights < LARGE_BYTES else [0]
    if graph_names(network):
        # One pass puts out all nodes, whatever rows of them are asked for.
        rows = looked = 1
    # Each output is kept for the way back, where its gradient stands beside it; a look at a split keeps two layers.
    steps = 2 * rows * sum(put_out)
    looks = 2 * looked * max(put_out)
    return Footprint(config, weights, COPIES * weights + max(steps, looks))


def _outputs(model: "Model", spec: Spec) -> list[int]:
    """Bytes that each layer puts out for one row; one is predicted, for without memory torch takes seconds to begin."""
    import torch

    found: list[int] = []

    def see(module: Any, inputs: Any, output: Any) -> None:
        if isinstance(output, tuple):
            # A recurrent layer gives its last state, too.
            output = output[0]
        found.append(output.numel() * output.element_size())

    with as_it_was(), torch.no_grad():
        network = model.build(spec).eval()
        for module in network.modules():
            if next(module.children(), None) is None:
                module.register_forward_hook(see)
        output: torch.Tensor = network(
            *(
                torch.zeros((1, *shape), dtype=torch.int64 if name in WHOLE else torch.float32)
                for name, shape in zip(spec.inputs, spec.shapes, strict=True)
            )
        )
    # Logits of all tokens are the largest of all, and a decoder gives them without a layer of their own.
    return [*found, output.numel() * output.element_size()] if spec.task in TOKENS else found or [0]


def footprints(ready: Ready) -> list[Footprint]:
    """What each kind of network in the space needs, the smallest first."""
    tuned = [key for key in ready.space.by_key if key.startswith(KEYS)]
    branches = list(islice(ready.space.branches(tuned), BRANCHES))
    found = [footprint(ready, overlay(ready.params, branch), branch) for branch in branches]
    return sorted(found, key=lambda each: each.training_bytes)


def room(params: Params) -> tuple[int, str]:
    """Bytes that one training may take, and a sentence that says so.

    Raises:
        InputError: It wants a GPU, and this machine has none.
    """
    limit = params.sweep.limit.memory_mib
    if limit is not None:
        return limit * MIB, f"sweep.limit.memory_mib lets a trial take {limit} MiB"
    gpus = params.sweep.resources.share
    if gpus:
        import torch

        from nnops.sweep.engines.inline import check_gpus

        check_gpus(gpus)
        share = int(torch.cuda.get_device_properties(0).total_memory * min(gpus, 1))
        return share, f"a trial has {size(share)} of a GPU"
    free = free_memory()
    return free, f"this machine has {size(free)} free"


def check_fit(ready: Ready, found: list[Footprint]) -> list[str]:
    """Hold networks against the memory that a trial may take.

    Args:
        ready: The sweep.
        found: Of :func:`footprints`.

    Returns:
        Which trials will be infeasible, in words.

    Raises:
        InputError: None fits, or one might take down this machine, since no limit ends it.
    """
    most, says = room(ready.params)
    large = [each for each in found if each.training_bytes > most]
    if not large:
        return []
    limited = ready.params.sweep.limit.memory_mib is not None
    if len(large) == len(found) or not limited:
        each, what = (found[0], "the smallest network needs") if len(large) == len(found) else (large[0], "needs")
        tries = f" may try {_words(each.config)}, which" if what == "needs" else ":"
        remedy = "write a higher limit" if limited else "take it out, or write sweep.limit.memory_mib"
        raise InputError(
            f"params.yaml: sweep.space{tries} {what} about {size(each.training_bytes)} of memory to train, but {says};"
            f" {remedy}."
        )
    return [
        f"sweep.space may try {_words(large[0].config)}, which needs about {size(large[0].training_bytes)} of memory to"
        f" train, but {says}; such trials are infeasible."
    ]


def _words(config: Config) -> str:
    return ", ".join(f"{key}: {value!r}" for key, value in config.items()) or "this network"
