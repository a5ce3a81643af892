"""Grad-CAM: where the last convolution sees what speaks for the answer (Selvaraju et al. 2017, eq. 1 and 2).

Legend of shape suffixes: N rows, K channels, h w their size, H W image.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from nnops.errors import InputError
from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Kind, Subject


class GradCam(Method):
    """The last convolution's channels, weighted by how the answer reacts to them."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; values are never below 0."""
        last = convolutions(subject.module, "grad_cam")[-1]
        seen: list[Tensor] = []

        def keep(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
            del given
            seen.append(output.detach().requires_grad_())
            return seen[-1]

        maps: list[Tensor] = []
        hook = last.register_forward_hook(keep)
        try:
            for row, choice in enumerate(subject.choice_N):
                seen.clear()
                with torch.enable_grad():
                    logit_BC = subject.logits([torch.from_numpy(subject.inputs[0][row : row + 1])])
                    (slope_NKhw,) = torch.autograd.grad(logit_BC[0, choice], seen[-1])
                weight_NK11 = slope_NKhw.mean((2, 3), keepdim=True)
                maps.append((weight_NK11 * seen[-1].detach()).sum(1, keepdim=True).relu())
        finally:
            hook.remove()
        map_NHW = nn.functional.interpolate(torch.cat(maps), subject.spec.shapes[0][1:], mode="bilinear")[:, 0]
        score_N = subject.ask(subject.inputs, subject.choice_N)
        return Explanation("pixels", subject.unit, map_NHW.double().numpy(), score_N=score_N)


def convolutions(module: nn.Module, method: str) -> list[nn.Conv2d]:
    """The convolutions of a network, in their order.

    Raises:
        InputError: It has none.
    """
    found = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    if not found:
        raise InputError(f"{method} looks into convolutions, and this network has none; write saliency.")
    return found
