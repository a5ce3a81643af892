"""The processes of one training: each takes a part of the rows of every batch, and all of them take the same step.

Gradients are summed over the processes before a step, so a batch is what it is to one process (data-parallel training;
Li et al. 2020, "PyTorch distributed"). They go as one flat tensor: torch's DistributedDataParallel packs them in the
order in which they come, which another start of the same training may see differently, and then the bits differ.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    """A process among those of a training, whose process group has been started.

    Attributes:
        rank: Its number, from 0.
        size: How many there are.
    """

    rank: int
    size: int

    def part(self, rows: int) -> tuple[int, int]:
        """The first and last-plus-one of the rows that this process takes.

        >>> Ranks(0, 2).part(5), Ranks(1, 2).part(5)
        ((0, 2), (2, 5))
        """
        return rows * self.rank // self.size, rows * (self.rank + 1) // self.size

    def sum(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, which is the same to the bit in all of them."""
        if not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view(tensor.shape))

    def mean(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its mean over all processes."""
        self.sum(tensors)
        for tensor in tensors:
            tensor.div_(self.size)

    def gather(self, rows: int, work: Callable[[int, int], Tensor]) -> Tensor:
        """What all processes make of their parts of some rows, each row once, in order.

        Args:
            rows: How many.
            work: Makes one row of each of the rows from a first to a last-plus-one, at least one.
        """
        start, end = self.part(rows)
        mine = work(start, end) if end > start else work(0, 1)[:0]
        whole = mine.new_zeros((rows, *mine.shape[1:]))
        whole[start:end] = mine
        self.sum([whole])
        return whole

    def all_agree(self, go_on: bool, device: torch.device) -> bool:
        """Whether every process goes on."""
        stops = torch.tensor([0.0 if go_on else 1.0], device=device)
        self.sum([stops])
        return not stops.item()
