"""What networks of images are built of: a convolution with its normalisation and its activation."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import nn

from nnops.errors import ParamsError
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.norm import build_norm


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise ValueError(f"must be odd, so that the window has a middle; write {kernel - 1} or {kernel + 1}.")
    return kernel


#: Side of a window, odd.
Window = Annotated[int, Field(ge=1), AfterValidator(_odd)]


@dataclass
class Stack:
    """Layers that follow each other, and the shape of the image behind them.

    Attributes:
        channels: C behind the last layer.
        height: H behind it.
        width: W behind it.
        norm: The normalisation of every convolution.
        activation: What follows it.
    """

    channels: int
    height: int
    width: int
    norm: str
    activation: Activation

    def convolve(
        self,
        out: int,
        kernel: int,
        stride: int = 1,
        *,
        padding: int | None = None,
        groups: int = 1,
        active: bool = True,
    ) -> list[nn.Module]:
        """A convolution, its normalisation and its activation; the image keeps its size but for the stride.

        Args:
            out: Channels that it gives.
            kernel: Side of its window.
            stride: Steps of the window; 2 halves the image, rounded up.
            padding: Zeros at each side, half of the window if not given.
            groups: Channels are convolved in so many groups.
            active: Whether an activation follows.
        """
        padding = kernel // 2 if padding is None else padding
        # Normalisation adds a bias of its own.
        layer = nn.Conv2d(self.channels, out, kernel, stride, padding, groups=groups, bias=self.norm == "none")
        self.channels = out
        self.height, self.width = ((side + 2 * padding - kernel) // stride + 1 for side in (self.height, self.width))
        after = [ACTIVATIONS[self.activation]()] if active else []
        return [layer, *build_norm(self.norm, out, (self.height, self.width)), *after]

    def pool(
        self, kernel: int = 2, stride: int = 2, padding: int = 0, kind: type[nn.Module] = nn.MaxPool2d
    ) -> nn.Module:
        """A pooling; the common one halves the image, rounded down."""
        self.height, self.width = ((side + 2 * padding - kernel) // stride + 1 for side in (self.height, self.width))
        return kind(kernel, stride, padding)

    @property
    def size(self) -> int:
        """Numbers in the image."""
        return self.channels * self.height * self.width


def by_channel(network: nn.Module) -> nn.Module:
    """Lay the weights out channel by channel, since a CPU then convolves in three quarters of the time."""
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def check_side(family: str, height: int, width: int, least: int) -> None:
    """Refuse images that a family's poolings would make vanish.

    Raises:
        ParamsError: The shorter side is too short.
    """
    if min(height, width) < least:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs images of at least {least}x{least} pixels, got"
            f" {height}x{width}; write 'cnn' or 'resnet'."
        )


def check_halvings(family: str, stages: int, height: int, width: int) -> None:
    """Refuse more halvings than the image has.

    Raises:
        ParamsError: Too many.
    """
    halvings = min(height, width).bit_length() - 1
    if stages > halvings:
        raise ParamsError(
            f"params.yaml: model.options.channels must name at most {halvings} stages for '{family}', since each halves"
            f" the {height}x{width} images, got {stages}."
        )
