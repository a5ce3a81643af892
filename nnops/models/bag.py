"""A bag of words and word pairs: embedded, pooled, connected (Joulin et al. 2017, "Bag of tricks", the fastText kind).

Legend of shape suffixes: B batch, T tokens, D width.
"""

from typing import Literal, Self

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.base import Model, Widths
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import initialise
from nnops.models.sequence import PADDING, embedding, masked_max, masked_mean, require_sequence, trimmed

#: Spreads pairs over the buckets; products with a vocabulary's tokens stay far within int64.
PRIME = 1_000_003
#: Deviation of first vectors: words start alike, and those that are never seen say little.
SMALL = 0.1

Pooling = Literal["mean", "max"]


class Bag(Model):
    """Pool the vectors of all words and pairs of neighbours, then ``[linear, activation, dropout] * n, linear``.

    A pair has no entry in the vocabulary: its hash names one of ``pairs`` vectors, which it shares with others.
    """

    width: int = Field(default=128, ge=1, description="Dimensions of a word's and a pair's vector")
    pairs: int = Field(default=16384, ge=0, description="Vectors that pairs share by their hash; 0: words alone")
    pooling: tuple[Pooling, ...] = Field(default=("mean", "max"), description="What is taken of all vectors of a text")
    hidden: Widths = Field(default=(), description="Width of each layer before the last")
    activation: Activation = "relu"
    dropout: float = Field(default=0.3, ge=0, lt=1, description="Of what is pooled, and of each hidden layer")
    word_dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of words and pairs left out in training")

    @field_validator("pooling")
    @classmethod
    def _each_once(cls, pooling: tuple[Pooling, ...]) -> tuple[Pooling, ...]:
        if not pooling or len(set(pooling)) < len(pooling):
            raise ValueError(f"must be [mean], [max] or [mean, max], got {list(pooling)}.")
        return pooling

    @classmethod
    def examples(cls) -> list[Self]:
        """Words alone, and every option in use."""
        return [
            cls(width=8, pairs=0, pooling=("mean",), dropout=0.0),
            cls(width=8, pairs=32, hidden=(12,), activation="gelu", dropout=0.1, word_dropout=0.1),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network; any length of text fits."""
        require_sequence("bag", spec, ("text",))
        return _Network(self, spec)


class _Network(nn.Module):
    def __init__(self, options: Bag, spec: Spec) -> None:
        super().__init__()
        self.pooling = options.pooling
        self.words = embedding(spec.vocabulary, options.width, SMALL)
        self.pairs = embedding(options.pairs + 1, options.width, SMALL) if options.pairs else None
        self.word_dropout = options.word_dropout
        width = options.width * len(options.pooling) * (2 if options.pairs else 1)
        layers: list[nn.Module] = [build_dropout(options.dropout)]
        for out in options.hidden:
            layers += [nn.Linear(width, out), ACTIVATIONS[options.activation]()]
            # A place of its own in any case: weights keep their names when the rate changes on the way.
            layers.append(build_dropout(options.dropout))
            width = out
        output = nn.Linear(width, spec.outputs)
        self.layers = nn.Sequential(*layers, output)
        initialise(self, options.activation, output)

    def forward(self, text_BT: Tensor) -> Tensor:
        """To ``logits_BC``."""
        text_BT = trimmed(text_BT)
        parts = self._pool(self.words, text_BT)
        if self.pairs is not None:
            parts += self._pool(self.pairs, pair_codes(text_BT, self.pairs.num_embeddings - 1))
        return self.layers(parts[0] if len(parts) == 1 else torch.cat(parts, 1))

    def _pool(self, table: nn.Embedding, code_BT: Tensor) -> list[Tensor]:
        if self.training and self.word_dropout:
            code_BT = code_BT * (torch.rand(code_BT.shape, device=code_BT.device) >= self.word_dropout)
        x_BTD, valid_BT = table(code_BT), code_BT != PADDING
        ways = {"mean": masked_mean, "max": masked_max}
        return [ways[way](x_BTD, valid_BT) for way in self.pooling]


def pair_codes(text_BT: Tensor, buckets: int) -> Tensor:
    """The bucket of each token together with the one before it (the first: with padding), int64 ``[B, T]``.

    Buckets are 1 to ``buckets``; padding stays 0.
    """
    before_BT = torch.nn.functional.pad(text_BT, (1, 0))[:, :-1]
    return ((before_BT * PRIME + text_BT) % buckets + 1) * (text_BT != PADDING)
