"""The encoder of BERT and DistilBERT, whose weights are read as Hugging Face's library writes them.

Devlin et al. 2019, "BERT"; Sanh et al. 2019, "DistilBERT". Legend of shape suffixes: B batch, T tokens, D width, W
what a layer is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from nnops.models.dropout import Dropout
from nnops.models.sequence import PADDING

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}
#: Names that a network around the encoder gives its weights, and those that DistilBERT has for the same layers of BERT.
AROUND = ("bert.", "distilbert.", "roberta.")
DISTILLED = {
    "transformer.layer.": "encoder.layer.",
    "attention.q_lin.": "attention.self.query.",
    "attention.k_lin.": "attention.self.key.",
    "attention.v_lin.": "attention.self.value.",
    "attention.out_lin.": "attention.output.dense.",
    ".sa_layer_norm.": ".attention.output.LayerNorm.",
    "ffn.lin1.": "intermediate.dense.",
    "ffn.lin2.": "output.dense.",
    ".output_layer_norm.": ".output.LayerNorm.",
    # Of checkpoints from before PyTorch.
    "LayerNorm.gamma": "LayerNorm.weight",
    "LayerNorm.beta": "LayerNorm.bias",
}


@dataclass(frozen=True)
class Shape:
    """What decides the encoder, as a ``config.json`` says it.

    Attributes:
        vocabulary: Tokens.
        positions: Most tokens of a text.
        types: Kinds of segments; 0 for DistilBERT, which has none. All texts here are of the first one.
        width: D.
        layers: Blocks.
        heads: K.
        feed_forward: Width of the hidden layer of a block.
        activation: Of that layer.
        eps: Of the normalisations.
        dropout: Of what each part of a block puts out.
        attention_dropout: Of attention's shares.
    """

    vocabulary: int
    positions: int
    types: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    activation: str
    eps: float
    dropout: float
    attention_dropout: float

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Self:
        """Read the contents of a ``config.json``.

        Raises:
            ValueError: It is of a network that this is not; the message says what must be.
            KeyError: A key is missing.
        """
        kind = config.get("model_type")
        for key, wanted in (("is_decoder", False), ("position_embedding_type", "absolute"), ("pad_token_id", PADDING)):
            if config.get(key, wanted) != wanted:
                raise ValueError(f"{key} must be {wanted!r}, got {config[key]!r}")
        if kind == "bert":
            names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act")
            drop = ("hidden_dropout_prob", "attention_probs_dropout_prob")
            types, eps = int(config["type_vocab_size"]), float(config.get("layer_norm_eps", 1e-12))
        elif kind == "distilbert":
            names = ("dim", "n_layers", "n_heads", "hidden_dim", "activation")
            drop, types, eps = ("dropout", "attention_dropout"), 0, 1e-12
        else:
            raise ValueError(f"model_type must be bert or distilbert, got {kind!r}")
        width, layers, heads, feed_forward, activation = (config[name] for name in names)
        if activation not in ACTIVATIONS:
            raise ValueError(f"{names[-1]} must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if width % heads:
            raise ValueError(f"{names[0]} must be a multiple of {names[2]}={heads}, got {width}")
        return cls(
            int(config["vocab_size"]),
            int(config["max_position_embeddings"]),
            types,
            int(width),
            int(layers),
            int(heads),
            int(feed_forward),
            str(activation),
            eps,
            float(config.get(drop[0], 0.1)),
            float(config.get(drop[1], 0.1)),
        )


def plain_name(name: str) -> str:
    """A weight's name in such an encoder, whatever network it was saved from.

    >>> plain_name("distilbert.transformer.layer.0.attention.q_lin.weight")
    'encoder.layer.0.attention.self.query.weight'
    """
    for prefix in AROUND:
        name = name.removeprefix(prefix)
    for old, new in DISTILLED.items():
        name = name.replace(old, new)
    return name


class Encoder(nn.Module):
    """``text_BT`` to ``x_BTD``; names of weights are those of Hugging Face's BERT."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embeddings = _Embeddings(shape)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_Block(shape) for _ in range(shape.layers))

    def forward(self, text_BT: Tensor, valid_BT: Tensor) -> Tensor:
        """Each token's vector, having seen the valid ones."""
        x_BTD = self.embeddings(text_BT)
        for block in self.encoder.layer:  # type: ignore[union-attr]
            x_BTD = block(x_BTD, valid_BT)
        return x_BTD


class _Embeddings(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocabulary, shape.width, padding_idx=PADDING)
        self.position_embeddings = nn.Embedding(shape.positions, shape.width)
        self.token_type_embeddings = nn.Embedding(shape.types, shape.width) if shape.types else None
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.eps)
        self.dropout = Dropout(shape.dropout)

    def forward(self, text_BT: Tensor) -> Tensor:
        x_BTD = self.word_embeddings(text_BT)
        if self.token_type_embeddings is not None:
            x_BTD = x_BTD + self.token_type_embeddings.weight[0]
        x_BTD = x_BTD + self.position_embeddings.weight[: text_BT.shape[1]]
        return self.dropout(self.LayerNorm(x_BTD))


class _Block(nn.Module):
    """``norm(x + attention(x))``, then ``norm(x + feed_forward(x))``."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention = nn.Module()
        self.attention.self = _Attention(shape)
        self.attention.output = _Added(shape.width, shape)
        self.intermediate = nn.Module()
        self.intermediate.dense = nn.Linear(shape.width, shape.feed_forward)
        self.output = _Added(shape.feed_forward, shape)
        self.activation = ACTIVATIONS[shape.activation]()

    def forward(self, x_BTD: Tensor, valid_BT: Tensor) -> Tensor:
        x_BTD = self.attention.output(self.attention.self(x_BTD, valid_BT), x_BTD)  # type: ignore[operator]
        return self.output(self.activation(self.intermediate.dense(x_BTD)), x_BTD)  # type: ignore[operator]


class _Attention(nn.Module):
    """``softmax(Q K^T / sqrt(E)) V`` in each head."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.drop = shape.heads, shape.attention_dropout
        self.query, self.key, self.value = (nn.Linear(shape.width, shape.width) for _ in range(3))

    def forward(self, x_BTD: Tensor, valid_BT: Tensor) -> Tensor:
        rows, steps, width = x_BTD.shape
        query, key, value = (
            part(x_BTD).view(rows, steps, self.heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=valid_BT[:, None, None, :], dropout_p=self.drop if self.training else 0.0
        )
        return seen.transpose(1, 2).reshape(rows, steps, width)


class _Added(nn.Module):
    """``norm(x + dense(y))``."""

    def __init__(self, width: int, shape: Shape) -> None:
        super().__init__()
        self.dense = nn.Linear(width, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=shape.eps)
        self.dropout = Dropout(shape.dropout)

    def forward(self, y_BTW: Tensor, x_BTD: Tensor) -> Tensor:
        return self.LayerNorm(x_BTD + self.dropout(self.dense(y_BTW)))


def draw(encoder: Encoder, deviation: float = 0.02) -> None:
    """First weights as BERT's: N(0, 0.02^2), no biases; for one that no weights are loaded into."""
    with torch.no_grad():
        for layer in encoder.modules():
            if isinstance(layer, nn.Linear | nn.Embedding):
                nn.init.normal_(layer.weight, std=deviation)
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)
        encoder.embeddings.word_embeddings.weight[PADDING].zero_()
