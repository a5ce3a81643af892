"""Activations by name."""

from typing import Literal

from torch import nn

Activation = Literal["elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
