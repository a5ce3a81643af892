"""Positions of a sequence as vectors, which attention, blind to order, is told beside the tokens."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

#: How positions are told apart.
Position = Literal["learned", "none", "sinusoidal"]


def build_positions(kind: Position, steps: int, width: int) -> nn.Module:
    """A module that adds its vectors to ``x_BTD``, T being at most ``steps``."""
    if kind == "none":
        return nn.Identity()
    return Learned(steps, width) if kind == "learned" else Sinusoidal(steps, width)


class Sinusoidal(nn.Module):
    """Sines and cosines of falling frequencies (Vaswani et al. 2017, "Attention is all you need", section 3.5)."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.register_buffer("position_TD", sinusoids(steps, width), persistent=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """``x + PE``."""
        return x_BTD + self.get_buffer("position_TD")[: x_BTD.shape[1]]


class Learned(nn.Module):
    """A vector of its own for each position, found in training like any other weight."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.position_TD = nn.Parameter(torch.empty(steps, width))
        nn.init.normal_(self.position_TD, std=0.02)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """``x + P``."""
        return x_BTD + self.position_TD[: x_BTD.shape[1]]


def sinusoids(steps: int, width: int) -> Tensor:
    """``PE(t, 2i) = sin(t / 10000^(2i/D))`` and ``PE(t, 2i+1) = cos(t / 10000^(2i/D))``, float32 ``[steps, width]``."""
    time_T1 = torch.arange(steps, dtype=torch.float64)[:, None]
    even_I = torch.arange(0, width, 2, dtype=torch.float64)
    angle_TI = time_T1 * torch.exp(even_I * (-math.log(10000.0) / width))
    both_TI2 = torch.stack([angle_TI.sin(), angle_TI.cos()], 2)
    return both_TI2.reshape(steps, -1)[:, :width].to(torch.float32)
