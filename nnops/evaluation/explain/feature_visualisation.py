"""What channels of a convolution look for: the images that excite them most, and images made to (Erhan et al. 2009).

How excited a channel is, is the mean of what it has above 0. An image is made by climbing that from faint noise. So
that it shows more than a pattern of single pixels, it is moved by a pixel or two at each step and pulled towards grey
and smoothness (Olah et al. 2017, "Feature visualization").

Legend of shape suffixes: K channels that are shown, S images of test of each, C H W image.
"""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.errors import InputError
from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.grad_cam import convolutions
from nnops.evaluation.explain.subject import Kind, Subject
from nnops.seeding import torch_stream


class FeatureVisualisation(Method):
    """Contact sheet of one convolution's channels."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)

    layer: int = Field(default=-1, description="Which convolution, 0 being the first and -1 the last")
    channels: tuple[int, ...] = Field(default=(), description="Which channels; empty: those that vary most on test")
    count: int = Field(default=8, ge=1, description="How many channels, where none are named")
    steps: int = Field(default=96, ge=1, description="Of the climb")
    rate: float = Field(default=0.08, gt=0, description="Of a step, in units of the scaled image")
    jitter: int = Field(default=2, ge=0, description="Pixels that the image is moved by at each step, at most")
    pull: float = Field(default=0.02, ge=0, description="Towards grey")
    smoothness: float = Field(default=1.0, ge=0, description="Pull of neighbours towards one another")
    images: int = Field(default=6, ge=1, description="Images of test beside each")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; ``further`` holds ``made`` ``[K, C, H, W]``, and ``shown``, rows ``[K, S]``."""
        layers = convolutions(subject.module, "feature_visualisation")
        if not -len(layers) <= self.layer < len(layers):
            raise InputError(f"the option layer must be from {-len(layers)} to {len(layers) - 1}, got {self.layer}.")
        layer = layers[self.layer]
        pool = subject.judged.inputs[0] if subject.judged is not None else subject.inputs[0]
        mean_NK = self._activations(subject.module, layer, pool)
        channels = list(self.channels) or [int(k) for k in np.argsort(-mean_NK.std(0), kind="stable")[: self.count]]
        wrong = [channel for channel in channels if not 0 <= channel < mean_NK.shape[1]]
        if wrong:
            raise InputError(f"the option channels must be from 0 to {mean_NK.shape[1] - 1}, got {wrong[0]}.")
        some = min(self.images, len(pool))
        shown_KS = np.argsort(-mean_NK[:, channels], 0, kind="stable")[:some].T
        made = self._climb(subject, layer, channels)
        place = self.layer % len(layers)
        return Explanation(
            "channels",
            f"mean activation of convolution {place} of {len(layers)}",
            made.double().mean(1).numpy(),
            tuple(f"channel {channel}" for channel in channels),
            further={
                "made": made.numpy(),
                "shown": shown_KS,
                "shown_score": np.take_along_axis(mean_NK[:, channels].T, shown_KS, 1).astype(np.float64),
                "pixels": pool[shown_KS],
            },
        )

    def _activations(self, module: nn.Module, layer: nn.Conv2d, images: np.ndarray) -> np.ndarray:
        """The mean activation of each channel for each image, float32 ``[N, K]``."""
        found: list[Tensor] = []

        def keep(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            del given
            found.append(output.relu().mean((2, 3)))

        hook = layer.register_forward_hook(keep)
        try:
            with torch.no_grad():
                for start in range(0, len(images), 256):
                    module(torch.from_numpy(images[start : start + 256]))
        finally:
            hook.remove()
        return torch.cat(found).numpy()

    def _climb(self, subject: Subject, layer: nn.Conv2d, channels: list[int]) -> Tensor:
        """Images ``[K, C, H, W]``, each climbed for its channel."""
        draw = torch_stream(subject.seed, "feature_visualisation")
        shape = subject.spec.shapes[0]
        image_KCHW = 0.1 * torch.randn((len(channels), *shape), generator=draw)
        mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (subject.pixel_mean, subject.pixel_std))
        low, high = -mean / std, (1 - mean) / std
        seen: list[Tensor] = []

        def keep(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            del given
            seen.append(output)

        hook = layer.register_forward_hook(keep)
        own = torch.arange(len(channels))
        try:
            with torch.enable_grad():
                for _ in range(self.steps):
                    seen.clear()
                    image_KCHW.requires_grad_()
                    move = torch.randint(-self.jitter, self.jitter + 1, (2,), generator=draw).tolist()
                    subject.module(image_KCHW.roll(move, (2, 3)))
                    excited_K = seen[-1][own, torch.tensor(channels)].relu().mean((1, 2))
                    down, right = image_KCHW.diff(dim=2), image_KCHW.diff(dim=3)
                    ragged_K = down.square().mean((1, 2, 3)) + right.square().mean((1, 2, 3))
                    size_K = image_KCHW.square().mean((1, 2, 3))
                    # Channels differ in how strong they are; each is pulled as hard as it is excited.
                    scale_K = excited_K.detach().abs().clamp(min=1e-3)
                    height = (excited_K / scale_K - self.smoothness * ragged_K - self.pull * size_K).sum()
                    (slope_KCHW,) = torch.autograd.grad(height, image_KCHW)
                    steep_K = slope_KCHW.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
                    image_KCHW = (image_KCHW + self.rate * slope_KCHW / steep_K).detach().clamp(low, high)
        finally:
            hook.remove()
        return image_KCHW
