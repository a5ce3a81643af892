"""Spectrograms moved along one of their axes."""

import torch
from torch import Tensor

from nnops.data.augmentations.base import About


def silence(about: About, device: torch.device) -> Tensor:
    """Level 0 as a model's input."""
    return torch.tensor(-about.mean[0] / about.std[0], device=device)


def take(image_BCHW: Tensor, place_BL: Tensor, axis: int, fill: Tensor) -> Tensor:
    """Spectrograms read at other places along an axis, linearly between its cells.

    Args:
        image_BCHW: Spectrograms.
        place_BL: Where each cell of the answer is read, in cells from 0; what lies outside is ``fill``.
        axis: 2 for bands, 3 for frames.
        fill: One number.
    """
    length = image_BCHW.shape[axis]
    shape = [len(image_BCHW), 1, 1, 1]
    shape[axis] = place_BL.shape[1]
    below_BL = place_BL.floor()
    share = (place_BL - below_BL).view(shape)

    def cells(which_BL: Tensor) -> Tensor:
        index = (
            which_BL.long()
            .clamp(0, length - 1)
            .view(shape)
            .expand([size if dim != axis else place_BL.shape[1] for dim, size in enumerate(image_BCHW.shape)])
        )
        inside = ((which_BL >= 0) & (which_BL <= length - 1)).view(shape)
        return torch.where(inside, image_BCHW.gather(axis, index), fill)

    # A weight of 0 on a cell outside keeps the last cell whole.
    return torch.where(share > 0, torch.lerp(cells(below_BL), cells(below_BL + 1), share), cells(below_BL))
