"""Activations by name; softmax at the output belongs to the loss, which takes logits."""

from typing import Literal

from torch import nn

Activation = Literal["elu", "gelu", "leaky_relu", "prelu", "relu", "sigmoid", "silu", "tanh"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
