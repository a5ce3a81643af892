"""Recurrent layers against torch's packed sequences, linear forecasts against NumPy, windows put back right."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.linear_series import LinearSeries, moving_average
from nnops.models.rnn import CELLS, Layer, Rnn, turned
from nnops.models.window import Window, inner_spec

SPEC = Spec("forecasting", ("series",), ((9, 3),), (), 4 * 2, targets=(2, 0))
TEXT = Spec("multiclass", ("text",), ((7,),), (), 5, vocabulary=20)
LENGTHS = (7, 3, 1, 5)


def copied(layer, cell, width, hidden, bidirectional):
    """Torch's own layer with the same weights."""
    torchs = CELLS[cell](width, hidden, batch_first=True, bidirectional=bidirectional)
    ours = dict(layer.forwards.named_parameters())
    if bidirectional:
        ours |= {f"{name}_reverse": weight for name, weight in layer.backwards.named_parameters()}
    torchs.load_state_dict(ours)
    return torchs


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_layer_gives_what_torch_gives_of_packed_sequences(cell, bidirectional):
    torch.manual_seed(0)
    layer = Layer(cell, 6, 5, bidirectional)
    torchs = copied(layer, cell, 6, 5, bidirectional)
    length_B = torch.tensor(LENGTHS)
    valid_BT = torch.arange(7) < length_B[:, None]
    x_BTD = torch.randn(4, 7, 6)
    packed = pack_padded_sequence(x_BTD, length_B, batch_first=True, enforce_sorted=False)
    wanted, _ = pad_packed_sequence(torchs(packed)[0], batch_first=True)
    found = layer(x_BTD, turned(valid_BT))
    torch.testing.assert_close(found[valid_BT], wanted[valid_BT], rtol=1e-5, atol=1e-6)
    # And the same gradients.
    weight = torch.randn_like(found) * valid_BT[:, :, None]
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    for name, one in layer.forwards.named_parameters():
        torch.testing.assert_close(one.grad, dict(torchs.named_parameters())[name].grad, rtol=1e-4, atol=1e-5)
    if bidirectional:
        for name, one in layer.backwards.named_parameters():
            other = dict(torchs.named_parameters())[f"{name}_reverse"]
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_text_is_told_by_its_last_states(cell):
    torch.manual_seed(0)
    model = Rnn(cell=cell, hidden=5, embedding=6, bidirectional=True).build(TEXT).eval()
    text = torch.randint(2, 20, (4, 7)) * (torch.arange(7) < torch.tensor(LENGTHS)[:, None])
    torchs = copied(model.layers[0], cell, 6, 5, True)
    packed = pack_padded_sequence(
        model.front.embed(text), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    state = torchs(packed)[1]
    hidden_2BH = state[0] if cell == "lstm" else state
    wanted = model.output(torch.cat([hidden_2BH[0], hidden_2BH[1]], 1))
    torch.testing.assert_close(model(text), wanted, rtol=1e-5, atol=1e-6)


def test_a_window_is_turned_round_as_a_whole():
    torch.manual_seed(0)
    layer, x_BTD = Layer("gru", 6, 5, True), torch.randn(4, 7, 6)
    whole = torch.ones(4, 7, dtype=torch.bool)
    assert torch.equal(layer(x_BTD, None), layer(x_BTD, turned(whole)))


def test_places_turned_twice_are_where_they_were():
    valid = torch.arange(7) < torch.tensor([7, 3, 0])[:, None]
    order = turned(valid)
    assert order.tolist() == [[6, 5, 4, 3, 2, 1, 0], [2, 1, 0, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]]
    assert torch.equal(order.gather(1, order), torch.arange(7).expand(3, -1))


def test_gates_start_apart_and_an_lstm_remembers():
    torch.manual_seed(0)
    cell = Layer("lstm", 6, 5, False).forwards
    for gate in cell.weight_hh_l0.detach().split(5):
        torch.testing.assert_close(gate @ gate.T, torch.eye(5), rtol=0, atol=1e-5)
    assert cell.bias_ih_l0.detach()[5:10].tolist() == [1.0] * 5
    assert cell.bias_ih_l0.detach()[:5].abs().sum() == cell.bias_hh_l0.detach().abs().sum() == 0


@pytest.mark.parametrize("individual", [False, True])
@pytest.mark.parametrize("kind", ["plain", "nlinear", "dlinear"])
def test_linear_forecasts_are_those_of_numpy(kind, individual):
    torch.manual_seed(0)
    model = LinearSeries(kind=kind, kernel=3, individual=individual).build(SPEC)
    nn.init.normal_(model.layer.bias)
    series = torch.randn(5, 9, 3)
    window_BVL = series.numpy()[:, :, [2, 0]].transpose(0, 2, 1)

    def layer(weights, window):
        weight, bias = weights.weight.detach().numpy(), weights.bias.detach().numpy()
        pick = (lambda v: (weight[v], bias[v])) if individual else (lambda v: (weight, bias))
        return np.stack([window[:, v] @ pick(v)[0].T + pick(v)[1] for v in range(2)], 1)

    last = window_BVL[:, :, -1:] if kind == "nlinear" else 0.0
    if kind == "dlinear":
        padded = np.concatenate([window_BVL[:, :, :1], window_BVL, window_BVL[:, :, -1:]], 2)
        trend = (padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]) / 3
        wanted = layer(model.layer, window_BVL - trend) + layer(model.trend, trend)
    else:
        wanted = layer(model.layer, window_BVL - last) + last
    found = model(series).detach().numpy()
    np.testing.assert_allclose(found, wanted.transpose(0, 2, 1).reshape(5, -1), rtol=1e-4, atol=1e-5)
    assert found.shape == (5, 8)


def test_a_moving_average_keeps_a_constant_and_the_length():
    constant = torch.full((2, 3, 9), 4.0)
    torch.testing.assert_close(moving_average(constant, 5), constant)


@pytest.mark.parametrize(("level", "scale"), [("last", 1.0), ("mean_std", 7.0)])
def test_what_is_taken_off_a_window_is_put_back(level, scale):
    torch.manual_seed(0)
    model = Rnn(hidden=4, embedding=4, level=level, patch=2).build(SPEC).eval()
    series, shift = torch.randn(5, 9, 3), torch.tensor([10.0, -3.0, 2.0])
    wanted = (model(series).view(5, 4, 2) * scale + shift[[2, 0]]).flatten(1)
    torch.testing.assert_close(model(series * scale + shift), wanted, rtol=1e-3, atol=1e-3)


def test_variables_apart_do_not_see_each_other():
    model = Rnn(hidden=4, embedding=4).build(SPEC).eval()
    series = torch.randn(5, 9, 3)
    other = series.clone()
    other[:, :, 2] += torch.randn(5, 9)
    first, second = (model(each).view(5, 4, 2) for each in (series, other))
    assert torch.equal(first[:, :, 1], second[:, :, 1])
    assert not torch.allclose(first[:, :, 0], second[:, :, 0])
    together = Rnn(hidden=4, embedding=4, variables="together").build(SPEC).eval()
    assert not torch.allclose(together(series).view(5, 4, 2)[:, :, 1], together(other).view(5, 4, 2)[:, :, 1])


class Sum(nn.Module):
    """Answers every step ahead with the sum of each patch's first value."""

    def forward(self, x_BTP):
        return x_BTP[:, :, :1].sum(1).expand(-1, 4)


def test_patches_are_steps_side_by_side_and_the_oldest_are_cut():
    inner = inner_spec("rnn", SPEC, 4, "apart")
    assert (inner.shapes, inner.outputs, inner.targets) == (((2, 4),), 4, (0,))
    series = torch.randn(5, 9, 3)
    found = Window(Sum(), SPEC, "none", 4, "apart")(series).view(5, 4, 2)
    wanted = series[:, 1] + series[:, 5]  # step 0 is cut, patches begin at 1 and 5
    for step in range(4):
        torch.testing.assert_close(found[:, step], wanted[:, [2, 0]])


def test_a_patch_longer_than_the_window_is_refused():
    with pytest.raises(ParamsError, match=r"model\.options\.patch of 'rnn' must be at most .*window=9, got 10"):
        Rnn(patch=10).build(SPEC)


def test_a_linear_forecast_of_no_forecast_is_refused():
    with pytest.raises(ParamsError, match="'linear_series' forecasts, but the task is multiclass; write 'rnn'"):
        LinearSeries().build(replace(SPEC, task="multiclass", targets=()))


def test_an_rnn_tells_classes_of_a_series():
    model = Rnn(hidden=4, embedding=4).build(replace(SPEC, task="multiclass", outputs=5, targets=()))
    assert model(torch.randn(3, 9, 3)).shape == (3, 5)
