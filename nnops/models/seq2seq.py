"""Encoder-decoder transformer: a text is answered with another one (Vaswani et al. 2017, "Attention is all you need").

Legend of shape suffixes: B batch, S tokens of the text, T tokens of the answer, D width, C tokens of the vocabulary.
"""

from typing import Self

from torch import Tensor, nn
from torch.nn import functional

from nnops.batch import Spec
from nnops.models.base import require_task
from nnops.models.dropout import build_dropout
from nnops.models.position import build_positions
from nnops.models.sequence import PADDING, embedding, trimmed
from nnops.models.transformer import Attention, Block, Blocks, Causal, Tokens, feed_forward


class Seq2seq(Blocks):
    """``layers`` blocks over the text, and as many over the answer, each of which also looks at the text."""

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with every option in use."""
        return [
            cls(width=8, layers=1, heads=2, feed_forward=16, dropout=0.0),
            cls(width=8, heads=4, feed_forward=12, positions="learned", activation="relu", dropout=0.1),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network."""
        require_task("seq2seq", spec, "sequence")
        return _Network(self, spec)


class _Network(nn.Module):
    def __init__(self, options: Seq2seq, spec: Spec) -> None:
        super().__init__()
        (steps,), (told,) = spec.shapes
        width = options.width
        self.dropout = build_dropout(options.dropout)
        self.embed = embedding(spec.vocabulary, width)
        self.positions = build_positions(options.positions, steps, width)
        self.encoder = nn.ModuleList(Block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(width)
        self.tokens = Tokens(spec.outputs, width)
        self.answer_positions = build_positions(options.positions, told, width)
        self.causal = Causal(told)
        self.decoder = nn.ModuleList(AnswerBlock(options) for _ in range(options.layers))
        self.answer_norm = nn.LayerNorm(width)

    def forward(self, text_BS: Tensor, answer_BT: Tensor) -> Tensor:
        """A text and the answer moved on by one token to ``logits_BTC``, at each place those of the token there."""
        text_BS = trimmed(text_BS)
        valid_BS = text_BS != PADDING
        text_BSD = self.dropout(self.positions(self.embed(text_BS)))
        for block in self.encoder:
            text_BSD = block(text_BSD, valid_BS)
        text_BSD = self.norm(text_BSD)
        x_BTD = self.dropout(self.answer_positions(self.tokens(answer_BT)))
        seen_11TT = self.causal(x_BTD)
        for block in self.decoder:
            x_BTD = block(x_BTD, seen_11TT, text_BSD, valid_BS)
        return self.tokens.logits(self.answer_norm(x_BTD))


class AnswerBlock(nn.Module):
    """Attention to the answer so far, then to the text, then a feed-forward net; each added to what came in."""

    def __init__(self, options: Blocks) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(options.width) for _ in range(3))
        self.attention = Attention(options.width, options.heads)
        self.look = Look(options.width, options.heads)
        self.feed_forward = feed_forward(options)
        self.dropout = build_dropout(options.dropout)

    def forward(self, x_BTD: Tensor, seen_11TT: Tensor, text_BSD: Tensor, valid_BS: Tensor) -> Tensor:
        """The answer, each place having seen those before it and the text."""
        x_BTD = x_BTD + self.dropout(self.attention(self.norms[0](x_BTD), seen_11TT))
        x_BTD = x_BTD + self.dropout(self.look(self.norms[1](x_BTD), text_BSD, valid_BS))
        return x_BTD + self.dropout(self.feed_forward(self.norms[2](x_BTD)))


class Look(nn.Module):
    """Multi-head attention of the answer's queries to the text's keys and values (section 3.2.3)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.project = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        for layer in (self.query, self.project, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x_BTD: Tensor, text_BSD: Tensor, valid_BS: Tensor) -> Tensor:
        """For each place of the answer a mean of the text's values."""
        rows, told, width = x_BTD.shape
        steps = text_BSD.shape[1]
        query = self.query(x_BTD).view(rows, told, self.heads, -1).transpose(1, 2)
        key, value = self.project(text_BSD).view(rows, steps, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=valid_BS[:, None, None, :])
        return self.out(found.transpose(1, 2).reshape(rows, told, width))
