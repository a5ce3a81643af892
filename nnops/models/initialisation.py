"""First weights: suited to the activation that follows them, or by a rule that is asked for.

He et al. 2015, eq. 10 and 14, for activations that cut half of their input away; Glorot and Bengio 2010, eq. 16, for
those that are linear at zero. Both are drawn evenly; orthogonal weights (Saxe, McClelland and Ganguli 2014, section 3)
have He's gain. Biases start at 0.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from nnops.models.activation import Activation

#: How weights are drawn; auto takes He's or Glorot's rule, whichever suits the activation.
Initialisation = Literal["auto", "he", "orthogonal", "xavier"]

#: Slope of an activation below zero where it is piecewise linear; None where Glorot's rule fits.
SLOPE_BELOW_ZERO: dict[str, float | None] = {
    "elu": 0.0,
    "gelu": 0.0,
    "leaky_relu": 0.01,
    "prelu": 0.25,
    "relu": 0.0,
    "sigmoid": None,
    "silu": 0.0,
    "tanh": None,
}


@torch.no_grad()
def initialise(
    network: nn.Module, activation: Activation, output: nn.Linear | nn.Conv2d, rule: Initialisation = "auto"
) -> None:
    """Draw the weights of all linear and convolutional layers in place.

    Args:
        network: The module, whose layers are visited in the order in which they were made.
        activation: What follows each layer but the last.
        output: The last layer; its first answers are to be small, so its weights have variance 1 / (3 inputs), whatever
            the rule.
        rule: How the others are drawn.
    """
    slope = SLOPE_BELOW_ZERO[activation]
    rule = rule if rule != "auto" else "xavier" if slope is None else "he"
    for layer in network.modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            continue
        if layer is output:
            bound = 1 / math.sqrt(output.weight[0].numel())
            nn.init.uniform_(output.weight, -bound, bound)
        else:
            draw_weight(layer.weight, rule, slope or 0.0, layer.groups if isinstance(layer, nn.Conv2d) else 1)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


@torch.no_grad()
def draw_weight(weight: Tensor, rule: Initialisation, slope: float = 0.0, groups: int = 1) -> None:
    """Draw one weight in place.

    Args:
        weight: ``[outputs, inputs, *window]``; of a convolution in groups, the inputs are those of one group.
        rule: ``he``, ``xavier`` or ``orthogonal``.
        slope: Of the activation behind it, below zero.
        groups: Of the convolution; each is drawn as a layer of its own.
    """
    gain = math.sqrt(2 / (1 + slope**2))
    if rule == "he":
        nn.init.kaiming_uniform_(weight, a=slope)
    elif rule == "xavier" and groups == 1:
        nn.init.xavier_uniform_(weight)
    else:
        for part in weight.chunk(groups):
            if rule == "xavier":
                nn.init.xavier_uniform_(part)
            else:
                drawn = torch.empty(part.shape, device=part.device, dtype=part.dtype)
                part.copy_(nn.init.orthogonal_(drawn, gain))


@torch.no_grad()
def initialise_embedding(embedding: nn.Embedding) -> None:
    """Draw small vectors, so that all categories start alike; code 0, missing or never seen, starts at the origin."""
    nn.init.normal_(embedding.weight, std=0.01)
    embedding.weight[0].zero_()
