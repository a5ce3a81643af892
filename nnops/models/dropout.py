"""Dropout (Srivastava et al. 2014), with a mask that a CPU draws more quickly."""

import torch
from torch import Tensor, nn
from torch.nn import functional

#: How many values 16 random bits have, four of which come out of one draw of 64; the least of them as a number.
VALUES, DRAWN, LEAST = 2**16, 4, -(2**15)
#: Fewer numbers are left to torch, whose one call is quicker than our six.
FEW = 2048


class Dropout(nn.Dropout):
    """Zeroes each number with probability p while training, and divides the others by 1 - p.

    On a CPU torch draws 32 bits or more for each number and makes a Bernoulli trial of them, which takes longer than
    the layer before it. Here 16 bits decide: p is rounded to a multiple of 2**-16, and what is kept is divided by the
    share that is kept then. Of few numbers, on any other device, and in a graph that is exported it is torch's own.
    """

    def forward(self, x: Tensor, /) -> Tensor:
        """Numbers of any shape, the same shape."""
        dropped = round(self.p * VALUES)
        ours = self.training and x.device.type == "cpu" and x.numel() >= FEW and 0 < dropped < VALUES
        if not ours or torch.compiler.is_exporting():
            return functional.dropout(x, self.p, self.training)
        bits = torch.empty(-(-x.numel() // DRAWN), dtype=torch.int64, device="cpu").random_(-(2**63), None)
        draws = bits.view(torch.int16)[: x.numel()].view(x.shape)
        kept = torch.empty(x.shape, dtype=x.dtype, device="cpu")
        torch.ge(draws, dropped + LEAST, out=kept)
        return x * kept.mul_(VALUES / (VALUES - dropped))


def build_dropout(rate: float) -> nn.Module:
    """Dropout, or nothing in its place: weights keep their names when the rate changes on the way."""
    return Dropout(rate) if rate else nn.Identity()
