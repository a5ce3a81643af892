"""Transformer encoder over a text or a window of a series (Vaswani et al. 2017, "Attention is all you need").

Its blocks are those of the decoder and of the encoder and decoder of sequences, too.

Legend of shape suffixes: B batch, T steps, S steps that are looked at, D width, K heads, E width of a head.
"""

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model
from nnops.models.dropout import build_dropout
from nnops.models.position import Position, build_positions
from nnops.models.sequence import Front, embedding, masked_mean, require_sequence


class Blocks(Model):
    """The options of a stack of blocks.

    Norms stand before each part of a block (Xiong et al. 2020, "On layer normalization"), so that it trains without a
    warm-up.
    """

    width: int = Field(default=128, ge=2, description="Dimensions of each step's vector, a multiple of heads")
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1, description="Attentions side by side in a block")
    feed_forward: int = Field(default=256, ge=1, description="Width of the hidden layer of a block's feed-forward net")
    positions: Position = Field(default="sinusoidal", description="How steps are told apart: or learned, none")
    activation: Activation = "gelu"
    dropout: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _judge(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads={self.heads}, got {self.width}.")
        return self


class Transformer(Blocks):
    """Vectors and positions, ``layers`` blocks of self-attention and a feed-forward net, pooled, linear."""

    pooling: Literal["mean", "cls"] = Field(
        default="mean", description="The mean over all steps, or the answer of a step of its own before the first"
    )

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [
            cls(width=8, layers=1, heads=2, feed_forward=16, dropout=0.0),
            cls(width=8, heads=4, feed_forward=12, positions="learned", pooling="cls", activation="relu", dropout=0.1),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network; the cost of a step of training grows with the square of the length."""
        return _Network(self, spec, require_sequence("transformer", spec))


class _Network(nn.Module):
    def __init__(self, options: Transformer, spec: Spec, steps: int) -> None:
        super().__init__()
        self.front = Front(spec, options.width)
        self.cls = nn.Parameter(torch.zeros(1, 1, options.width)) if options.pooling == "cls" else None
        self.positions = build_positions(options.positions, steps + (self.cls is not None), options.width)
        self.dropout = build_dropout(options.dropout)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)
        self.output = nn.Linear(options.width, spec.outputs)
        nn.init.zeros_(self.output.bias)
        if self.cls is not None:
            nn.init.normal_(self.cls, std=0.02)

    def forward(self, sequence: Tensor) -> Tensor:
        """``text_BT`` or ``series_BLV`` to ``logits_BC``."""
        x_BTD, valid_BT = self.front(sequence)
        if self.cls is not None:
            x_BTD = torch.cat([self.cls.expand(x_BTD.shape[0], -1, -1), x_BTD], 1)
            valid_BT = functional.pad(valid_BT, (1, 0), value=True)
        x_BTD = self.dropout(self.positions(x_BTD))
        for block in self.blocks:
            x_BTD = block(x_BTD, valid_BT)
        x_BTD = self.norm(x_BTD)
        return self.output(x_BTD[:, 0] if self.cls is not None else masked_mean(x_BTD, valid_BT))


class Block(nn.Module):
    """``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``."""

    def __init__(self, options: Blocks) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(options.width) for _ in range(2))
        self.attention = Attention(options.width, options.heads)
        self.feed_forward = feed_forward(options)
        self.dropout = build_dropout(options.dropout)

    def forward(self, x_BTD: Tensor, seen: Tensor) -> Tensor:
        """The sequence, each step having seen others, see :class:`Attention`."""
        x_BTD = x_BTD + self.dropout(self.attention(self.norms[0](x_BTD), seen))
        return x_BTD + self.dropout(self.feed_forward(self.norms[1](x_BTD)))


def feed_forward(options: Blocks) -> nn.Sequential:
    """The net that each step of a block goes through by itself."""
    return nn.Sequential(
        nn.Linear(options.width, options.feed_forward),
        ACTIVATIONS[options.activation](),
        nn.Linear(options.feed_forward, options.width),
    )


class Attention(nn.Module):
    """Multi-head self-attention: ``softmax(Q K^T / sqrt(E)) V`` in each head (eq. 1), heads side by side (3.2.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        for layer in (self.project, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x_BTD: Tensor, seen: Tensor) -> Tensor:
        """Each step a mean of the values that it sees, weighed by how well its query fits their keys.

        Args:
            x_BTD: The sequence.
            seen: Which steps are seen, bool: ``valid_BT`` by all of them, or ``seen_11TS`` by each the ones in its row.
        """
        rows, steps, width = x_BTD.shape
        query, key, value = self.project(x_BTD).view(rows, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mask = seen[:, None, None, :] if seen.ndim == 2 else seen
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out(found.transpose(1, 2).reshape(rows, steps, width))


class Causal(nn.Module):
    """Which steps each step sees: itself and those before it."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.register_buffer("seen_TT", torch.ones(steps, steps).tril().bool(), persistent=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """``seen_11TT`` of a sequence."""
        steps = x_BTD.shape[1]
        return self.get_buffer("seen_TT")[None, None, :steps, :steps]


class Tokens(nn.Module):
    """Tokens as vectors and, by the same vectors, a step's vector as logits of the token there.

    Press and Wolf 2017, "Using the output embedding to improve language models"; vectors are small and scaled by
    sqrt(D) on their way in (Vaswani et al. 2017, section 3.4).
    """

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.embed = embedding(codes, width, width**-0.5)
        self.bias = nn.Parameter(torch.zeros(codes))
        self.scale = width**0.5

    def forward(self, text_BT: Tensor) -> Tensor:
        """``text_BT`` int64 to ``x_BTD``."""
        return self.embed(text_BT) * self.scale

    def logits(self, x_BTD: Tensor) -> Tensor:
        """``x_BTD`` to ``logits_BTC``."""
        return functional.linear(x_BTD, self.embed.weight, self.bias)
