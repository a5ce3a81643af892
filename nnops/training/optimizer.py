"""Optimizers, in torch's fused form where there is one."""

from abc import abstractmethod

import torch
from pydantic import Field
from torch import nn

from nnops.catalog import Catalog, Component


class Optimizer(Component):
    """Options that build a ``torch.optim`` optimizer; ``lr`` is the rate that the schedule scales."""

    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.0, ge=0)

    @abstractmethod
    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer over the weights."""


class Sgd(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's variant."""

    lr: float = Field(1e-2, gt=0)
    momentum: float = Field(0.0, ge=0, lt=1)
    nesterov: bool = False

    @classmethod
    def examples(cls) -> "list[Sgd]":
        """Plain, momentum, Nesterov."""
        return [cls(), cls(momentum=0.9), cls(momentum=0.9, nesterov=True)]

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build it; Nesterov's variant needs momentum."""
        return torch.optim.SGD(
            weights,
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov and self.momentum > 0,
            weight_decay=self.weight_decay,
            fused=True,
        )


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient."""

    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0)

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build it."""
        return torch.optim.Adam(
            weights,
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,
        )


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: float = Field(1e-2, ge=0)

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build it."""
        return torch.optim.AdamW(
            weights,
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,
        )


class RmsProp(Optimizer):
    """RMSprop (Tieleman and Hinton 2012)."""

    alpha: float = Field(0.99, ge=0, lt=1)
    momentum: float = Field(0.0, ge=0, lt=1)

    def build(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build it; torch has no fused form."""
        return torch.optim.RMSprop(
            weights,
            lr=self.lr,
            alpha=self.alpha,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            foreach=True,
        )


OPTIMIZERS: Catalog[Optimizer] = Catalog(
    "optimizer",
    {
        "adam": "nnops.training.optimizer:Adam",
        "adamw": "nnops.training.optimizer:AdamW",
        "rmsprop": "nnops.training.optimizer:RmsProp",
        "sgd": "nnops.training.optimizer:Sgd",
    },
)
