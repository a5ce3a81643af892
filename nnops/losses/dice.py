"""Dice loss of masks."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from nnops.batch import Task
from nnops.losses.base import Loss


class Dice(Loss):
    """1 - the mean over classes of (2 sum p g + s) / (sum p + sum g + s), sums over the pixels of an image.

    p is the probability of a class and g whether the pixel is of it (Milletari et al. 2016, "V-Net", section 3, for
    several classes and with p unsquared, as Sudre et al. 2017). Each class counts the same, however few pixels it has.
    ``cross_entropy`` times the mean cross-entropy of the pixels is added.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("segmentation",)

    smooth: float = Field(default=1.0, gt=0, description="s, in pixels: a class that is not there costs nothing")
    cross_entropy: float = Field(default=0.0, ge=0, description="How much of the cross-entropy is added")

    @classmethod
    def examples(cls) -> list[Self]:
        """Alone, and with cross-entropy."""
        return [cls(), cls(smooth=0.1, cross_entropy=1.0)]

    def __call__(self, output_BC: Tensor, target_B: Tensor) -> Tensor:
        """See :class:`nnops.losses.base.Loss`."""
        share_BCHW = output_BC.softmax(1)
        there_BCHW = F.one_hot(target_B, output_BC.shape[1]).movedim(-1, 1).to(share_BCHW.dtype)
        both_BC = (share_BCHW * there_BCHW).sum((2, 3))
        whole_BC = share_BCHW.sum((2, 3)) + there_BCHW.sum((2, 3))
        loss = 1 - ((2 * both_BC + self.smooth) / (whole_BC + self.smooth)).mean()
        return loss + self.cross_entropy * F.cross_entropy(output_BC, target_B) if self.cross_entropy else loss
