"""Decoder-only transformer: a language model.

Radford et al. 2018, "Improving language understanding by generative pre-training", with norms before each part of a
block.

Legend of shape suffixes: B batch, T tokens, D width, C tokens of the vocabulary.
"""

from typing import Self

from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.base import require_task
from nnops.models.dropout import build_dropout
from nnops.models.position import build_positions
from nnops.models.transformer import Block, Blocks, Causal, Tokens


class Decoder(Blocks):
    """Vectors and positions, ``layers`` blocks in which a token sees itself and those before it, linear."""

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [
            cls(width=8, layers=1, heads=2, feed_forward=16, dropout=0.0),
            cls(width=8, heads=4, feed_forward=12, positions="learned", activation="relu", dropout=0.1),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network; the cost of a step of training grows with the square of a block's length."""
        require_task("decoder", spec, "language_model")
        return _Network(self, spec)


class _Network(nn.Module):
    def __init__(self, options: Decoder, spec: Spec) -> None:
        super().__init__()
        steps = spec.shapes[0][0]
        self.tokens = Tokens(spec.vocabulary, options.width)
        self.positions = build_positions(options.positions, steps, options.width)
        self.dropout = build_dropout(options.dropout)
        self.causal = Causal(steps)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)

    def forward(self, text_BT: Tensor) -> Tensor:
        """``text_BT`` to ``logits_BTC``, at each token those of the next one."""
        x_BTD = self.dropout(self.positions(self.tokens(text_BT)))
        seen_11TT = self.causal(x_BTD)
        for block in self.blocks:
            x_BTD = block(x_BTD, seen_11TT)
        return self.tokens.logits(self.norm(x_BTD))
