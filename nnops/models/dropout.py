"""Dropout (Srivastava et al. 2014), with masks that a CPU draws more quickly."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

#: How many values 16 random bits have, four of which come out of one draw of 64; the least of them as a number.
VALUES, DRAWN, LEAST = 2**16, 4, -(2**15)
#: A mask of fewer numbers that is drawn alone is left to torch, whose one call is quicker than our six.
FEW = 2048
#: The most masks of a layer that are drawn together, and the most numbers in them.
TOGETHER, NUMBERS = 8, 2**16

#: Shape, type, and how many of 65,536 are dropped.
_Kind = tuple[torch.Size, torch.dtype, int]


@dataclass
class _Ready:
    """What an epoch has ready of one layer: masks of one kind, the next one last."""

    kind: _Kind
    masks: list[Tensor]


_epoch: ContextVar[dict[nn.Module, _Ready] | None] = ContextVar("_epoch", default=None)


@contextmanager
def masks_ahead() -> Iterator[None]:
    """Let each :class:`Dropout` of this thread draw its masks some steps ahead.

    Masks then are a function of the seed that torch's generator has at the begin and of all calls since then: seed it
    inside, and leave where the calls may be others, as an epoch does. Masks that are left over are forgotten.
    """
    token = _epoch.set({})
    try:
        yield
    finally:
        _epoch.reset(token)


class Dropout(nn.Dropout):
    """Zeroes each number with probability p while training, and divides the others by 1 - p.

    On a CPU torch draws 32 bits or more for each number and makes a Bernoulli trial of them, which takes longer than
    the layer before it. Here 16 bits decide: p is rounded to a multiple of 2**-16, and what is kept is divided by the
    share that is kept then. On any other device, for p of 0 or 1, and in a graph that is exported it is torch's own.
    """

    def forward(self, x: Tensor, /) -> Tensor:
        """Numbers of any shape, the same shape."""
        dropped = round(self.p * VALUES)
        ours = self.training and x.device.type == "cpu" and x.numel() and 0 < dropped < VALUES
        if not ours or torch.compiler.is_exporting():
            return functional.dropout(x, self.p, self.training)
        kind = x.shape, x.dtype, dropped
        ahead = self._ahead(kind)
        if ahead:
            return x * ahead.pop()
        if x.numel() < FEW:
            return functional.dropout(x, self.p, self.training)
        return x * _draw(1, *kind)[0]

    def _ahead(self, kind: _Kind) -> list[Tensor]:
        """Masks of this kind that are ready; none outside of an epoch, and none at first."""
        epoch = _epoch.get()
        if epoch is None:
            return []
        ready = epoch.get(self)
        if ready is None or ready.kind != kind:
            # Shapes that change with each step, as of texts, are not drawn ahead.
            ready = epoch[self] = _Ready(kind, [])
        elif not ready.masks:
            ready.masks = _draw(max(1, min(TOGETHER, NUMBERS // kind[0].numel())), *kind)
        return ready.masks


def _draw(count: int, shape: torch.Size, dtype: torch.dtype, dropped: int) -> list[Tensor]:
    """Masks: 0 where a number is dropped, one over the share that is kept elsewhere."""
    numbers = count * shape.numel()
    bits = torch.empty(-(-numbers // DRAWN), dtype=torch.int64, device="cpu").random_(-(2**63), None)
    draws = bits.view(torch.int16)[:numbers].view(count, *shape)
    kept = torch.empty(count, *shape, dtype=dtype, device="cpu")
    torch.ge(draws, dropped + LEAST, out=kept)
    return list(kept.mul_(VALUES / (VALUES - dropped)).unbind())


def build_dropout(rate: float) -> nn.Module:
    """Dropout, or nothing in its place: weights keep their names when the rate changes on the way."""
    return Dropout(rate) if rate else nn.Identity()
