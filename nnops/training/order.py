"""The order in which an epoch takes the rows of a split."""

import torch
from torch import Tensor

#: Rows of so many blocks are mixed where a split stays on disk.
MIXED = 64


def shuffle(rows: int, block: int, generator: torch.Generator) -> Tensor:
    """A random order of all rows, int64 [N].

    Args:
        rows: How many.
        block: Rows that lie together on disk: blocks come in random order, and the rows of 64 of them are mixed, so
            that each is read once or twice. 0 for a split in memory, where any row may follow any other.
        generator: Draws it.
    """
    if not block or rows <= block:
        return torch.randperm(rows, generator=generator)
    starts = torch.randperm(-(-rows // block), generator=generator) * block
    order = (starts.unsqueeze(1) + torch.arange(block)).flatten()
    order = order[order < rows]
    for start in range(0, rows, MIXED * block):
        part = order[start : start + MIXED * block]
        order[start : start + MIXED * block] = part[torch.randperm(len(part), generator=generator)]
    return order


def gather_blocks(drawn_N: Tensor, block: int, generator: torch.Generator) -> Tensor:
    """Rows drawn with replacement, those of the same 64 blocks after each other; in their own order in memory.

    Args:
        drawn_N: Rows in random order, int64.
        block: See :func:`shuffle`.
        generator: Draws which blocks go together.
    """
    if not block:
        return drawn_N
    block_N = drawn_N // block
    turn_N = torch.randperm(int(block_N.max()) + 1, generator=generator)[block_N] // MIXED
    return drawn_N[turn_N.argsort(stable=True)]
