"""First weights, suited to the activation that follows them.

He et al. 2015, eq. 10 and 14, for activations that cut half of their input away; Glorot and Bengio 2010, eq. 16, for
those that are linear at zero. Both are drawn evenly; biases start at 0.
"""

import math

import torch
from torch import nn

from nnops.models.activation import Activation

#: Slope of an activation below zero where it is piecewise linear; None where Glorot's rule fits.
SLOPE_BELOW_ZERO: dict[str, float | None] = {
    "elu": 0.0,
    "gelu": 0.0,
    "leaky_relu": 0.01,
    "relu": 0.0,
    "sigmoid": None,
    "silu": 0.0,
    "tanh": None,
}


@torch.no_grad()
def initialise(network: nn.Module, activation: Activation, output: nn.Linear) -> None:
    """Draw the weights of all linear and convolutional layers in place.

    Args:
        network: The module, whose layers are visited in the order in which they were made.
        activation: What follows each layer but the last.
        output: The last layer; its first answers are to be small, so its weights have variance 1 / (3 inputs).
    """
    slope = SLOPE_BELOW_ZERO[activation]
    for layer in network.modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            continue
        if layer is output:
            bound = 1 / math.sqrt(output.in_features)
            nn.init.uniform_(output.weight, -bound, bound)
        elif slope is None:
            nn.init.xavier_uniform_(layer.weight)
        else:
            nn.init.kaiming_uniform_(layer.weight, a=slope)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


@torch.no_grad()
def initialise_embedding(embedding: nn.Embedding) -> None:
    """Draw small vectors, so that all categories start alike; code 0, missing or never seen, starts at the origin."""
    nn.init.normal_(embedding.weight, std=0.01)
    embedding.weight[0].zero_()
