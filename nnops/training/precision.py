"""Mixed precision: passes through the network in 16 bits, weights and their updates in 32 (Micikevicius et al. 2018).

bf16 has the range of fp32. fp16 has not, so its loss is scaled up before the backward pass, and a step whose
gradients overflowed is left out and the scale halved; after many whole steps it doubles.
"""

# torch.amp.GradScaler calls the same kernels, whose names have an underscore.
# pyright: reportPrivateImportUsage=false

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from nnops.errors import InputError

Precision = Literal["fp32", "bf16", "fp16"]
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
#: The scale at first, and the whole steps after which it doubles: those of torch.amp.
SCALE, STREAK = 2.0**16, 2000


class Mixed:
    """The passes of one network in 16 bits.

    Args:
        precision: ``bf16`` or ``fp16``.
        device: Where the network is.
    """

    def __init__(self, precision: Precision, device: torch.device) -> None:
        self._name = precision
        self._type = TYPES[precision]
        self._device = device.type
        self._scale: Tensor | None = None
        if precision == "fp16":
            self._scale = torch.full((), SCALE, device=device)
            self._streak = torch.zeros((), dtype=torch.int32, device=device)
            self._overflow = torch.zeros((), device=device)

    def forward(
        self, model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], inputs: tuple[Tensor, ...], target_B: Tensor
    ) -> Tensor:
        """The loss, in 32 bits, of outputs in 16.

        Raises:
            InputError: torch has no such arithmetic for a layer on this device.
        """
        try:
            with torch.autocast(self._device, self._type):
                output = model(*inputs)
        except RuntimeError as error:
            if "not implemented for" not in str(error):
                raise
            raise InputError(
                f"params.yaml: train.precision: torch cannot compute this network in {self._name} on {self._device}"
                f" ({error}); write fp32."
            ) from error
        return loss(output.float(), target_B)

    def scaled(self, slope: Tensor) -> Tensor:
        """The slope that the backward pass begins with."""
        return slope if self._scale is None else slope * self._scale

    def settle(self, gradients: list[Tensor]) -> bool:
        """Undo the scale of gradients, in place, and adapt it; False where they overflowed and no step may be taken."""
        if self._scale is None:
            return True
        self._overflow.zero_()
        torch._amp_foreach_non_finite_check_and_unscale_(gradients, self._overflow, self._scale.reciprocal())
        torch._amp_update_scale_(self._scale, self._streak, self._overflow, 2.0, 0.5, STREAK)
        return not self._overflow.item()

    def tensors(self) -> dict[str, Tensor]:
        """What the next step depends on, live."""
        return {} if self._scale is None else {"scale": self._scale, "streak": self._streak}


def build_precision(precision: Precision, device: torch.device) -> Mixed | None:
    """The passes of a precision; None for fp32.

    Raises:
        InputError: The device has no arithmetic of that kind.
    """
    if precision == "fp32":
        return None
    if device.type == "cuda" and precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InputError("params.yaml: train.precision: this GPU has no bf16; write fp16 or fp32.")
    return Mixed(precision, device)
