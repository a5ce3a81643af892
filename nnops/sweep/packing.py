"""Packing: how many trials one machine and one GPU hold, by the memory that a training was measured to need."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from pathlib import Path

from nnops.errors import InputError
from nnops.params import Params, overlay
from nnops.sweep.footprint import Footprint, footprints
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.words import size

#: Of a memory, what is given to trials; the rest is for what nobody measured.
SHARE = 0.9
#: What a process holds of a GPU before it trains anything: the driver's context and the libraries' kernels.
CONTEXT_BYTES = 600_000_000
#: Ray counts parts of a GPU in ten thousandths.
PARTS = 10_000
#: Epochs that are trained to see the peak: the second one meets all that the first has left behind.
EPOCHS = 2


@dataclass(frozen=True)
class Measured:
    """What was seen of a GPU.

    Attributes:
        total_bytes: What it has.
        peak_bytes: The most that the training which needs most held of it.
    """

    total_bytes: int
    peak_bytes: int

    @property
    def trials(self) -> int:
        """How many such trainings it holds at once."""
        return max(1, floor(SHARE * self.total_bytes / (self.peak_bytes + CONTEXT_BYTES)))


def packed(
    params: Params, root: Path, measure: Callable[[Ready, list[Footprint]], Measured] | None = None
) -> tuple[Params, list[str]]:
    """Params in which ``sweep.resources.gpus: auto`` has become a share of a GPU, and what was measured, in words.

    Args:
        params: The whole of params.yaml.
        root: The project's folder.
        measure: Trains the network that needs most and says what it held; None does so on this machine's GPU.

    Raises:
        InputError: Params are wrong, or this machine has no GPU to measure on.
    """
    if params.sweep.resources.gpus != "auto":
        return params, []
    if measure is None:
        check_measurable()
    ready = get_ready(params, root)
    ready.build_all()
    seen = (measure or measure_gpu)(ready, footprints(ready))
    count = seen.trials
    share = floor(PARTS / count) / PARTS
    many = f"{count} trials share a GPU" if count > 1 else "a trial has a GPU to itself"
    said = f"{many}: a training was seen to hold {size(seen.peak_bytes)} of its {size(seen.total_bytes)}."
    return overlay(params, {"sweep.resources.gpus": share}), [said]


def check_measurable() -> None:
    """Judge whether a training can be measured here.

    Raises:
        InputError: torch sees no GPU.
    """
    import torch

    if not torch.cuda.is_available():
        raise InputError(
            "params.yaml: sweep.resources.gpus: auto measures a training on a GPU of this machine, but torch sees none;"
            " write how many GPUs a trial has, such as 0.25, or 0."
        )


def measure_gpu(ready: Ready, found: list[Footprint]) -> Measured:
    """Train the network that needs most for a moment, and see what it holds of this machine's first GPU."""
    import torch

    from nnops.sweep.probe import begin
    from nnops.training.train import train

    total = torch.cuda.get_device_properties(0).total_memory
    fitting = [each for each in found if each.training_bytes <= total] or found[:1]
    params = overlay(ready.params, fitting[-1].config)
    seen: list[float] = []

    def report(moment: object) -> bool:
        seen.append(0.0)
        return len(seen) < EPOCHS

    torch.cuda.reset_peak_memory_stats()
    train(params, begin(ready), report=report, monitor=(ready.objective.metric,))
    return Measured(total, torch.cuda.max_memory_reserved())


def workers_for(nodes: list[tuple[int, int]], each_bytes: int, base_bytes: int) -> int:
    """How many workers machines hold.

    Args:
        nodes: Of each machine how many workers its cores and GPUs allow, and its bytes of memory.
        each_bytes: What one worker holds.
        base_bytes: What the first machine holds beside.
    """
    count = 0
    for place, (most, memory) in enumerate(nodes):
        room = SHARE * memory - (0 if place else base_bytes)
        count += max(0, min(most, floor(room / each_bytes)))
    return max(1, count)
