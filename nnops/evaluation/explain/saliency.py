"""Saliency: how strongly the answer reacts to each pixel (Simonyan et al. 2014, section 3), or value of a window.

With samples it is the mean over noisy copies of the row (SmoothGrad, Smilkov et al. 2017), which is less ragged.

Legend of shape suffixes: N rows, C channels, H W image, L steps, V variables.
"""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Kind, Subject
from nnops.seeding import torch_stream


class Saliency(Method):
    """The size of the gradient before any probability."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "series")

    samples: int = Field(default=0, ge=0, description="Noisy copies whose gradients are averaged; 0: the row alone")
    noise: float = Field(default=0.15, gt=0, description="Their deviation, as a share of the row's range")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; values are sizes, never below 0."""
        draw = torch_stream(subject.seed, "saliency")
        slopes: list[Tensor] = []
        for row, choice in enumerate(subject.choice_N):
            one = torch.from_numpy(subject.inputs[0][row : row + 1])
            copies = one.expand(max(1, self.samples), *one.shape[1:])
            if self.samples:
                copies = copies + torch.randn(copies.shape, generator=draw) * self.noise * (one.max() - one.min())
            slopes.append(slope(subject, copies, np.full(len(copies), choice)).mean(0))
        size = torch.stack(slopes).abs().double().numpy()
        score_N = subject.ask(subject.inputs, subject.choice_N)
        if subject.kind == "image":
            # Colours are one pixel: the strongest of them counts, as in the paper.
            return Explanation("pixels", subject.unit, size.max(1), score_N=score_N)
        return Explanation("steps", subject.unit, size, subject.variables, score_N=score_N)


def slope(subject: Subject, rows: Tensor, choice_N: np.ndarray) -> Tensor:
    """The gradient of the chosen answer's logit at each row, in the shape of the rows."""
    point = rows.detach().clone().requires_grad_()
    with torch.enable_grad():
        logit_BC = subject.logits([point])
        chosen_B = logit_BC.gather(1, torch.from_numpy(choice_N)[:, None])
        (found,) = torch.autograd.grad(chosen_B.sum(), point)
    return found
