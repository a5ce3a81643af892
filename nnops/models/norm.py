"""Normalisation by name: y = g (x - mean) / sqrt(variance + eps) + b, over rows or within a row.

Mean and variance are those of a channel over rows and pixels for batch (Ioffe and Szegedy 2015, algorithm 1), a channel
over the pixels of a row for instance (Ulyanov, Vedaldi and Lempitsky 2016, eq. 3), a whole row for layer (Ba, Kiros and
Hinton 2016, eq. 3), some channels of a row for group (Wu and He 2018, eq. 7).
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from torch import nn

from nnops.errors import ParamsError

#: Most groups of a group normalisation; each has at least two channels.
GROUPS = 8


def _named(value: Any) -> Any:
    return {True: "batch", False: "none"}[value] if isinstance(value, bool) else value


#: Of the channels of images; true stands for batch, false for none.
Norm = Annotated[Literal["none", "batch", "group", "instance", "layer"], BeforeValidator(_named)]
#: Of vectors, whose features have no pixels that an instance could take a mean of.
VectorNorm = Annotated[Literal["none", "batch", "group", "layer"], BeforeValidator(_named)]


def build_norm(norm: str, channels: int, size: tuple[int, int]) -> list[nn.Module]:
    """The normalisation of ``[B, C, H, W]``, or nothing for none.

    Args:
        norm: Its name.
        channels: C.
        size: H and W where it stands.

    Raises:
        ParamsError: Instance normalisation of a single pixel, which is its own mean.
    """
    if norm == "instance" and size[0] * size[1] == 1:
        raise ParamsError(
            "params.yaml: model.options.norm: instance takes the mean of a channel's pixels, and the last layers of"
            " this network have one; write batch, group or layer, or fewer channels."
        )
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm == "instance":
        return [nn.InstanceNorm2d(channels, affine=True)]
    if norm == "layer":
        return [nn.GroupNorm(1, channels)]
    return [nn.GroupNorm(count_groups(channels), channels)] if norm == "group" else []


def build_vector_norm(norm: str, features: int) -> list[nn.Module]:
    """The normalisation of ``[B, F]``, or nothing for none."""
    if norm == "batch":
        return [nn.BatchNorm1d(features)]
    if norm == "layer":
        return [nn.LayerNorm(features)]
    return [nn.GroupNorm(count_groups(features), features)] if norm == "group" else []


def count_groups(channels: int) -> int:
    """The most groups, up to eight, that divide the channels and have two or more each.

    >>> count_groups(64), count_groups(12), count_groups(7)
    (8, 6, 1)
    """
    return next(groups for groups in range(max(1, min(GROUPS, channels // 2)), 0, -1) if channels % groups == 0)
