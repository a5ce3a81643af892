"""Updates: the arithmetic of the optimizers over a fixed list of weights, by torch's own fused and foreach kernels.

``torch.optim`` calls the very same kernels, so the bits are the same; what is left out is its bookkeeping in Python,
which costs twice as much as the arithmetic of a small network. Symbols: theta weights, g gradients, gamma the rate.
"""

# The kernels have names with an underscore; a contract test compares every update to torch.optim, bit by bit.
# pyright: reportPrivateImportUsage=false

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Update(ABC):
    """Changes weights by their gradients, and remembers what its rule needs.

    Args:
        weights: The leaf tensors to change; they stay where they are.

    Attributes:
        memory: Tensors by name, one for each weight or one for all; the next update depends on nothing else.
    """

    def __init__(self, weights: list[Tensor]) -> None:
        # Aliases without requires_grad, so that in-place kernels need no torch.no_grad() around them.
        self.weights = [weight.detach() for weight in weights]
        self.memory: dict[str, list[Tensor]] = {}

    @abstractmethod
    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """Take one step at learning rate ``rate``; ``gradients`` are in the order of the weights."""

    def tensors(self) -> dict[str, Tensor]:
        """The memory as live tensors named ``<name>.<place>``."""
        return {f"{name}.{place}": tensor for name, row in self.memory.items() for place, tensor in enumerate(row)}

    def _remember(self, name: str) -> list[Tensor]:
        self.memory[name] = [torch.zeros_like(weight) for weight in self.weights]
        return self.memory[name]


class SgdUpdate(Update):
    """b = mu b + g, theta = theta - gamma b; with Nesterov theta = theta - gamma (g + mu b) (Sutskever et al. 2013)."""

    def __init__(self, weights: list[Tensor], momentum: float, nesterov: bool, weight_decay: float) -> None:
        super().__init__(weights)
        self._momentum = momentum
        self._nesterov = nesterov
        self._weight_decay = weight_decay
        self._velocity = self._remember("velocity") if momentum else []

    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """See :class:`Update`."""
        torch._fused_sgd_(
            self.weights,
            gradients,
            self._velocity,
            weight_decay=self._weight_decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self._nesterov,
            maximize=False,
            is_first_step=False,
        )


class AdamUpdate(Update):
    """Kingma and Ba 2015, algorithm 1.

    Decoupled weight decay takes theta = theta - gamma lambda theta first (Loshchilov and Hutter 2019, algorithm 2).
    """

    def __init__(
        self, weights: list[Tensor], betas: tuple[float, float], eps: float, weight_decay: float, decoupled: bool
    ) -> None:
        super().__init__(weights)
        self._kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_
        self._beta1, self._beta2 = betas
        self._eps = eps
        self._weight_decay = weight_decay
        self._mean = self._remember("mean")
        self._square = self._remember("square")
        self._steps = torch.zeros((), device=self.weights[0].device)
        self.memory["steps"] = [self._steps]

    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """See :class:`Update`."""
        self._steps += 1
        self._kernel(
            self.weights,
            gradients,
            self._mean,
            self._square,
            [],
            [self._steps] * len(gradients),
            lr=rate,
            beta1=self._beta1,
            beta2=self._beta2,
            weight_decay=self._weight_decay,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )


class RmsPropUpdate(Update):
    """v = alpha v + (1 - alpha) g^2, theta = theta - gamma g / (sqrt(v) + eps) (Tieleman and Hinton 2012)."""

    def __init__(self, weights: list[Tensor], alpha: float, eps: float, momentum: float, weight_decay: float) -> None:
        super().__init__(weights)
        self._alpha = alpha
        self._eps = eps
        self._momentum = momentum
        self._weight_decay = weight_decay
        self._square = self._remember("square")
        self._velocity = self._remember("velocity") if momentum else []

    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """See :class:`Update`."""
        if self._weight_decay:
            gradients = list(torch._foreach_add(gradients, self.weights, alpha=self._weight_decay))
        torch._foreach_mul_(self._square, self._alpha)
        torch._foreach_addcmul_(self._square, gradients, gradients, value=1 - self._alpha)
        root = torch._foreach_sqrt(self._square)
        torch._foreach_add_(root, self._eps)
        if self._momentum:
            torch._foreach_mul_(self._velocity, self._momentum)
            torch._foreach_addcdiv_(self._velocity, gradients, root)
            torch._foreach_add_(self.weights, self._velocity, alpha=-rate)
        else:
            torch._foreach_addcdiv_(self.weights, gradients, root, value=-rate)


class AdagradUpdate(Update):
    """s = s + g^2, theta = theta - gamma g / (sqrt(s) + eps) (Duchi et al. 2011, with a diagonal matrix)."""

    def __init__(self, weights: list[Tensor], eps: float, weight_decay: float) -> None:
        super().__init__(weights)
        self._eps = eps
        self._weight_decay = weight_decay
        self._sum = self._remember("sum")

    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """See :class:`Update`."""
        if self._weight_decay:
            gradients = list(torch._foreach_add(gradients, self.weights, alpha=self._weight_decay))
        torch._foreach_addcmul_(self._sum, gradients, gradients, value=1)
        root = torch._foreach_sqrt(self._sum)
        torch._foreach_add_(root, self._eps)
        torch._foreach_addcdiv_(self.weights, torch._foreach_mul(gradients, -rate), root)


class RAdamUpdate(Update):
    """Liu et al. 2020, algorithm 2: Adam whose rate is rectified by r_t, and the plain mean while it is not defined."""

    def __init__(self, weights: list[Tensor], betas: tuple[float, float], eps: float, weight_decay: float) -> None:
        super().__init__(weights)
        self._beta1, self._beta2 = betas
        self._eps = eps
        self._weight_decay = weight_decay
        self._mean = self._remember("mean")
        self._square = self._remember("square")
        # On the CPU, where it is read at every step.
        self._steps = torch.zeros(())
        self.memory["steps"] = [self._steps]

    def apply(self, gradients: list[Tensor], rate: float) -> None:
        """See :class:`Update`."""
        self._steps += 1
        t = self._steps.item()
        if self._weight_decay:
            gradients = list(torch._foreach_add(gradients, self.weights, alpha=self._weight_decay))
        torch._foreach_lerp_(self._mean, gradients, 1 - self._beta1)
        torch._foreach_mul_(self._square, self._beta2)
        torch._foreach_addcmul_(self._square, gradients, gradients, 1 - self._beta2)
        correction = 1 - self._beta1**t
        rectified = self._rectification(t)
        if not rectified:
            torch._foreach_add_(self.weights, self._mean, alpha=-rate / correction)
            return
        factor = torch._foreach_sqrt(self._square)
        torch._foreach_add_(factor, self._eps)
        torch._foreach_div_(factor, (1 - self._beta2**t) ** 0.5 * (rate * rectified / correction) * -1)
        torch._foreach_reciprocal_(factor)
        torch._foreach_addcmul_(self.weights, self._mean, factor)

    def _rectification(self, t: float) -> float:
        """r_t, or 0 where the length of the moving average, rho_t, is at most 5."""
        rho_inf = 2 / (1 - self._beta2) - 1
        power = self._beta2**t
        rho = rho_inf - 2 * t * power / (1 - power)
        if rho <= 5:
            return 0.0
        return ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
