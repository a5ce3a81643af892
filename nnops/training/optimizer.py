"""Optimizers: the options of each, which build its update."""

from abc import abstractmethod
from typing import Self

from pydantic import Field, model_validator
from torch import Tensor

from nnops.catalog import Catalog, Component
from nnops.training.update import AdagradUpdate, AdamUpdate, RAdamUpdate, RmsPropUpdate, SgdUpdate, Update


class Optimizer(Component):
    """Options that build an update; ``lr`` is the rate that the schedule scales."""

    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)

    @abstractmethod
    def build(self, weights: list[Tensor]) -> Update:
        """Build the update over the weights."""


class Sgd(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's variant; weight decay is added to the gradient.

    With ``train.batch_size: all`` it is gradient descent.
    """

    lr: float = Field(default=1e-2, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    nesterov: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: true needs momentum above 0, such as momentum: 0.9.")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, momentum, Nesterov."""
        return [cls(), cls(momentum=0.9), cls(momentum=0.9, nesterov=True, weight_decay=0.01)]

    def build(self, weights: list[Tensor]) -> Update:
        """Build it."""
        return SgdUpdate(weights, self.momentum, self.nesterov, self.weight_decay)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient."""

    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and with every option in use."""
        return [cls(), cls(beta1=0.8, beta2=0.99, eps=1e-6, weight_decay=0.05)]

    def build(self, weights: list[Tensor]) -> Update:
        """Build it."""
        return AdamUpdate(weights, (self.beta1, self.beta2), self.eps, self.weight_decay, decoupled=False)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: float = Field(default=1e-2, ge=0)

    def build(self, weights: list[Tensor]) -> Update:
        """Build it."""
        return AdamUpdate(weights, (self.beta1, self.beta2), self.eps, self.weight_decay, decoupled=True)


class RAdam(Adam):
    """Adam with a rectified rate, which needs no warm-up (Liu et al. 2020); weight decay is added to the gradient."""

    def build(self, weights: list[Tensor]) -> Update:
        """Build it."""
        return RAdamUpdate(weights, (self.beta1, self.beta2), self.eps, self.weight_decay)


class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011); weight decay is added to the gradient."""

    lr: float = Field(default=1e-2, gt=0)
    eps: float = Field(default=1e-10, gt=0)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and with every option in use."""
        return [cls(), cls(eps=1e-6, weight_decay=0.01)]

    def build(self, weights: list[Tensor]) -> Update:
        """Build it."""
        return AdagradUpdate(weights, self.eps, self.weight_decay)


class RmsProp(Optimizer):
    """RMSprop (Tieleman and Hinton 2012); weight decay is added to the gradient."""

    alpha: float = Field(default=0.99, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def examples(cls) -> list[Self]:
        """Plain, and with every option in use."""
        return [cls(), cls(alpha=0.9, eps=1e-6, momentum=0.9, weight_decay=0.01)]

    def build(self, weights: list[Tensor]) -> Update:
        """Build it."""
        return RmsPropUpdate(weights, self.alpha, self.eps, self.momentum, self.weight_decay)


OPTIMIZERS: Catalog[Optimizer] = Catalog(
    "optimizer",
    {
        "adagrad": "nnops.training.optimizer:Adagrad",
        "adam": "nnops.training.optimizer:Adam",
        "adamw": "nnops.training.optimizer:AdamW",
        "radam": "nnops.training.optimizer:RAdam",
        "rmsprop": "nnops.training.optimizer:RmsProp",
        "sgd": "nnops.training.optimizer:Sgd",
    },
)
