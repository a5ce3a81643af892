"""``train.batch_size: auto``: the largest power of two of rows whose step of training fits into memory.

Steps of twice as many rows each are taken on a network of its own. On a GPU they allocate what they need, and what ends
them is that nothing is left; on a CPU the peak is measured, and a step is only taken where what was measured so far
says that it fits, since there a lack of memory ends the process.
"""

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from nnops.data.prepared import Prepared, Tensors
from nnops.errors import InputError
from nnops.free import free_memory
from nnops.params import Params, overlay
from nnops.seeding import torch_stream
from nnops.training.device import choose_device, settle_device
from nnops.training.ensemble import members
from nnops.training.train import Parts

#: The part of free memory that a step may take: other programs, and steps to come, take more at times.
CPU_SHARE, GPU_SHARE = 0.5, 0.9
#: How libraries say it that raise no MemoryError.
OUT_OF_MEMORY = ("not enough memory", "out of memory", "allocate memory", "bad_alloc")
MIB = 1 << 20


@dataclass(frozen=True)
class Settled:
    """The batch size that was found.

    Attributes:
        rows: Rows in a batch.
        need: Bytes that a step of it takes.
        room: Bytes that it may take.
        limit: What keeps it from being larger: ``memory``, ``rows`` or ``batch_limit``.
    """

    rows: int
    need: int
    room: int
    limit: str

    def sentence(self) -> str:
        """What was found, for people."""
        why = {
            "memory": "twice as many would not fit",
            "rows": "train has fewer than twice as many",
            "batch_limit": "train.batch_limit allows no more",
        }[self.limit]
        return (
            f"train.batch_size: auto is {self.rows} here: a step takes {self.need / MIB:.0f} of"
            f" {self.room / MIB:.0f} MiB, and {why}"
        )


def settle_batch(params: Params, data: Prepared) -> Settled:
    """Find the batch size of a training; of an ensemble, the one that fits every member.

    Raises:
        InputError: Not even the smallest batch fits.
    """
    device = choose_device(params)
    settle_device(device, params.train.threads)
    workers = params.train.workers
    # Processes on one machine share its memory, and each takes its part of the rows.
    room = _room(device) // (1 if device == "cuda" else workers)
    found = [
        largest(_probe(alone_in_it(member), data, device), room, *_most(member, data))
        for member in members(params)[: 1 if params.train.folds else None]
        if member.train.batch_size == "auto"
    ]
    each = min(found, key=lambda one: one.rows)
    return replace(each, rows=each.rows * workers)


def alone_in_it(params: Params) -> Params:
    """The same in one process."""
    return overlay(params, {"train.workers": 1})


def largest(measure: Callable[[int], int], room: int, most: int, limit: str) -> Settled:
    """The largest power of two of rows whose step fits.

    Args:
        measure: Takes a step of so many rows, and says how many bytes that took at its peak.
        room: Bytes that it may take.
        most: The most rows, a power of two.
        limit: What ``most`` comes from.

    Raises:
        InputError: One row does not fit.
    """
    rows, needs = min(2, most), list[int]()
    best: Settled | None = None
    while rows <= most:
        # What one step takes beside its rows was there before: from two steps on, the next one is known.
        expected = 0 if not needs else 2 * needs[-1] if len(needs) == 1 else 3 * needs[-1] - 2 * needs[-2]
        if expected > room:
            break
        try:
            need = measure(rows)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and not any(words in str(error).lower() for words in OUT_OF_MEMORY):
                raise
            break
        if need > room:
            break
        best = Settled(rows, need, room, limit if rows == most else "memory")
        needs.append(need)
        rows *= 2
    if best is None:
        raise InputError(
            f"params.yaml: train.batch_size: auto finds no batch that fits: a step of {rows} rows takes more than the"
            f" {room / MIB:.0f} MiB that it may; choose a smaller network."
        )
    return best


def _room(device: str) -> int:
    if device == "cuda":
        return int(GPU_SHARE * torch.cuda.mem_get_info()[0])
    return int(CPU_SHARE * free_memory())


def _most(params: Params, data: Prepared) -> tuple[int, str]:
    """The most rows, as a power of two, and what says so."""
    rows, limit = data.rows("train"), params.train.batch_limit
    least = max(min(rows, limit) // params.train.workers, 1)
    return 1 << (least.bit_length() - 1), "rows" if rows <= limit else "batch_limit"


def _probe(params: Params, data: Prepared, device: str) -> Callable[[int], int]:
    """What measures steps of the first phase of a training on its own rows, those that take most first."""
    part = Parts.build_all(params, data, ())[0]
    step = part.step(data, device)
    train = (data.streamed if params.train.stream else data.tensors)("train", device)
    order_N = _longest_first(train)
    _hand_back()
    before = _resident()

    def measure(rows: int) -> int:
        inputs = tuple(tensor.index_select(0, order_N[:rows]) for tensor in train.inputs)
        target_B = train.target.index_select(0, order_N[:rows])
        if part.plan.augment is not None:
            inputs, target_B = part.plan.augment(inputs, target_B, torch_stream(params.seed, "probe"))
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        else:
            _forget_peak()
        step.train(inputs, target_B, 0.0)
        if device == "cuda":
            torch.cuda.synchronize()
            return torch.cuda.max_memory_reserved()
        return max(_peak() - before, 0)

    return measure


def _longest_first(train: Tensors) -> Tensor:
    """The rows, those of long texts first: a batch is as wide as its longest one."""
    (first, *_) = train.inputs
    if first.dim() != 2 if isinstance(first, Tensor) else True:
        return torch.arange(len(train), device=train.target.device)
    return (first != 0).sum(1).argsort(descending=True, stable=True)


def _hand_back() -> None:
    """Give memory that was freed but kept back to the system: a step that takes it again would seem to need none."""
    with suppress(AttributeError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    import psutil

    return psutil.Process().memory_info().rss


def _forget_peak() -> None:
    """Let the highest memory that this process has had begin anew, where the system can."""
    path = Path("/proc/self/clear_refs")
    if path.exists() and os.access(path, os.W_OK):
        path.write_text("5")


def _peak() -> int:
    """The most memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
