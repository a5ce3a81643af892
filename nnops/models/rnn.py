"""Recurrent networks over texts and series: Elman's, LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014).

Sequences of several lengths stand padded in one batch. What torch's packed sequences do is done here by indices, which
an ONNX graph can hold: forwards, padding lies after the last valid step and cannot reach it; backwards, each sequence
is turned round within its own length.

Legend of shape suffixes: B batch, T steps, D width, H hidden units, C outputs.
"""

from typing import Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.base import Model
from nnops.models.dropout import build_dropout
from nnops.models.sequence import Front, masked_max, masked_mean, require_sequence
from nnops.models.window import Level, Variables, Window, inner_spec

CELLS: dict[str, type[nn.GRU | nn.LSTM | nn.RNN]] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


class Rnn(Model):
    """``embed, [recurrent layer, dropout] * layers, pool over the steps, linear``.

    ``patch``, ``level`` and ``variables`` are for series: see :class:`nnops.models.window.Window`. A language model
    answers at every step, so it cannot look back from the end.
    """

    cell: Literal["rnn", "lstm", "gru"] = "gru"
    hidden: int = Field(default=64, ge=1, description="Units of each layer, in each direction")
    layers: int = Field(default=1, ge=1)
    bidirectional: bool = Field(default=False, description="A second pass from the end, its outputs beside the first's")
    embedding: int = Field(default=64, ge=1, description="Numbers that a token or a step becomes")
    pooling: Literal["last", "mean", "max"] = Field(default="last", description="What is kept of the steps")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="After each layer")
    patch: int = Field(default=1, ge=1, description="Series: steps that are folded into one")
    level: Level = Field(
        default="mean_std", description="Series: what is taken off a window and put back on its forecast"
    )
    variables: Variables = Field(default="apart", description="Series: whether each variable is forecast by itself")

    @classmethod
    def examples(cls) -> list[Self]:
        """A plain one, and one with most options in use."""
        return [
            cls(hidden=8, embedding=8),
            cls(
                cell="lstm",
                hidden=8,
                embedding=8,
                layers=2,
                bidirectional=True,
                pooling="mean",
                dropout=0.1,
                patch=2,
                level="last",
                variables="together",
            ),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network."""
        require_sequence("rnn", spec, every_step=True)
        if not spec.targets:
            return _Network(self, spec)
        network = _Network(self, inner_spec("rnn", spec, self.patch, self.variables))
        return Window(network, spec, self.level, self.patch, self.variables)


class _Network(nn.Module):
    def __init__(self, options: Rnn, spec: Spec) -> None:
        super().__init__()
        self.every_step = spec.task == "language_model"
        if self.every_step and options.bidirectional:
            raise ParamsError(
                "params.yaml: model.options.bidirectional must be false in a language model, which must not see the"
                " tokens that it is to tell."
            )
        self.front = Front(spec, options.embedding, trim=not self.every_step)
        self.pooling = options.pooling
        directions = 2 if options.bidirectional else 1
        layers: list[nn.Module] = []
        width = options.embedding
        for _ in range(options.layers):
            layers.append(Layer(options.cell, width, options.hidden, options.bidirectional))
            width = options.hidden * directions
        self.layers = nn.ModuleList(layers)
        # A place of its own in any case: weights keep their names when the rate changes on the way.
        self.dropout = build_dropout(options.dropout)
        self.output = nn.Linear(width, spec.outputs)
        nn.init.uniform_(self.output.weight, -(width**-0.5), width**-0.5)
        nn.init.zeros_(self.output.bias)

    def forward(self, sequence: Tensor) -> Tensor:
        """``text_BT`` or ``series_BLV`` to ``logits_BC``, or ``logits_BTC`` of a language model."""
        x_BTD, valid_BT = self.front(sequence)
        # A window of a series has all of its steps, and is turned round as a whole.
        order_BT = turned(valid_BT) if self.front.text else None
        for layer in self.layers:
            x_BTD = self.dropout(layer(x_BTD, order_BT))
        return self.output(x_BTD if self.every_step else self._pool(x_BTD, valid_BT))

    def _pool(self, x_BTD: Tensor, valid_BT: Tensor) -> Tensor:
        if self.pooling == "mean":
            return masked_mean(x_BTD, valid_BT)
        if self.pooling == "max":
            return masked_max(x_BTD, valid_BT)
        top = self.layers[-1]
        assert isinstance(top, Layer)
        forwards = x_BTD[:, :, : top.hidden]
        if self.front.text:
            last_BH = forwards.gather(1, _last(valid_BT)[:, None, None].expand(-1, 1, top.hidden))[:, 0]
        else:
            last_BH = forwards[:, -1]
        # The pass from the end has seen all of a sequence at its first step.
        return torch.cat([last_BH, x_BTD[:, 0, top.hidden :]], 1) if top.backwards is not None else last_BH


class Layer(nn.Module):
    """One recurrent layer, in one direction or in both; the same numbers as torch's over packed sequences.

    Args:
        cell: A key of ``CELLS``.
        width: D.
        hidden: H.
        bidirectional: Whether outputs are ``[B, T, 2 * H]``, forwards first.
    """

    def __init__(self, cell: str, width: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.hidden = hidden
        self.forwards = CELLS[cell](width, hidden, batch_first=True)
        self.backwards = CELLS[cell](width, hidden, batch_first=True) if bidirectional else None
        for one in (self.forwards, self.backwards):
            if one is not None:
                _initialise(one)

    def forward(self, x_BTD: Tensor, order_BT: Tensor | None) -> Tensor:
        """To ``[B, T, H]`` or ``[B, T, 2 * H]``; what stands at padding has no meaning.

        Args:
            x_BTD: Valid steps first.
            order_BT: See :func:`turned`; None where every step is valid.
        """
        forwards_BTH = self.forwards(x_BTD)[0]
        if self.backwards is None:
            return forwards_BTH
        backwards_BTH = _turn(self.backwards(_turn(x_BTD, order_BT))[0], order_BT)
        return torch.cat([forwards_BTH, backwards_BTH], 2)


def turned(valid_BT: Tensor) -> Tensor:
    """Places of the steps with the valid ones turned round and padding left where it is; its own inverse.

    >>> turned(torch.tensor([[True, True, True, False]])).tolist()
    [[2, 1, 0, 3]]
    """
    place_T = torch.arange(valid_BT.shape[1], device=valid_BT.device)
    length_B1 = valid_BT.sum(1, keepdim=True)
    return torch.where(place_T < length_B1, length_B1 - 1 - place_T, place_T)


def _turn(x_BTD: Tensor, order_BT: Tensor | None) -> Tensor:
    if order_BT is None:
        return x_BTD.flip(1)
    return x_BTD.gather(1, order_BT[:, :, None].expand(-1, -1, x_BTD.shape[2]))


def _last(valid_BT: Tensor) -> Tensor:
    """The place of the last valid step, 0 where there is none."""
    return (valid_BT.sum(1) - 1).clamp(min=0)


@torch.no_grad()
def _initialise(cell: nn.RNNBase) -> None:
    """Glorot's rule for what comes in, orthogonal matrices for what comes back, each gate by itself.

    Saxe et al. 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear networks"; an LSTM's forget
    gate starts open (Jozefowicz et al. 2015, section 2.2).
    """
    hidden = cell.hidden_size
    for name, weight in cell.named_parameters():
        for gate in weight.split(hidden):
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(gate)
        if name.startswith("bias_ih") and isinstance(cell, nn.LSTM):
            nn.init.ones_(weight[hidden : 2 * hidden])
