"""Adversarial training: each batch, or a share of it, is attacked before the network learns from it.

Madry et al. 2018: the network is fitted to the worst inputs within reach, min over weights of the mean of
max over |d| <= epsilon of L(x + d, y), the inner maximum being found by an attack. With a share below 1 the rest of the
batch stays as it is (Goodfellow et al. 2015, section 6).
"""

import torch
from torch import Tensor, nn

from nnops.data.prepared import Prepared
from nnops.params import Params
from nnops.training.attacks import ATTACKS
from nnops.training.attacks.base import Attack, Loss, Reach

WHERE = "train.adversarial"


class Adversary:
    """Attacks the first rows of each batch; batches are shuffled.

    Args:
        attack: How.
        reach: How far, on the device that is trained on.
        share: Of a batch's rows, in (0, 1].
    """

    def __init__(self, attack: Attack, reach: Reach, share: float) -> None:
        self._attack, self._reach, self._share = attack, reach, share

    def meet(self, model: nn.Module, loss: Loss, inputs: tuple[Tensor, ...], target_B: Tensor) -> tuple[Tensor, ...]:
        """The batch that the network shall learn from; draws come from torch's own generator, as dropout's do."""
        rows = len(target_B)
        count = max(1, round(rows * self._share))
        if count == rows:
            return self._attack.apply(model, loss, inputs, target_B, self._reach)
        part = tuple(tensor[:count] for tensor in inputs)
        moved = self._attack.apply(model, loss, part, target_B[:count], self._reach)
        return tuple(torch.cat([new, old[count:]]) for new, old in zip(moved, inputs, strict=True))


def build_adversary(params: Params, data: Prepared, device: str = "cpu") -> Adversary | None:
    """What ``params.train.adversarial`` asks for, or None.

    Raises:
        ParamsError: The attack does not fit the data, or refuses its options.
        NameUnknownError: There is no such attack.
    """
    named = params.train.adversarial
    if named is None:
        return None
    attack = ATTACKS.build(named.name, named.options, WHERE)
    return Adversary(attack, Reach.of(data, WHERE).to(torch.device(device)), named.share)
