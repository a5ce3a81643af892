"""First weights: their spread is that of the papers, and signals keep their size through deep networks."""

import math
from typing import get_args

import pytest
import torch
from small import SPECS, image_spec
from torch import nn

from nnops.models.activation import ACTIVATIONS, Activation
from nnops.models.cnn import Cnn
from nnops.models.initialisation import SLOPE_BELOW_ZERO, Initialisation, draw_weight
from nnops.models.mlp import Mlp
from nnops.models.resnet import Resnet


def layers(network, kind):
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def test_every_activation_has_a_rule():
    assert set(SLOPE_BELOW_ZERO) == set(ACTIVATIONS) == set(get_args(Activation))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu"])
def test_he_spread_before_activations_that_cut(activation):
    torch.manual_seed(0)
    first, *_ = layers(Mlp(hidden=(3000,), activation=activation).build(image_spec()), nn.Linear)
    assert float(first.weight.detach().std()) == pytest.approx(math.sqrt(2 / 64), rel=0.01)
    assert float(first.weight.detach().abs().max()) <= math.sqrt(6 / 64)
    assert not first.bias.any()


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_glorot_spread_before_activations_that_are_linear_at_zero(activation):
    torch.manual_seed(0)
    first, *_ = layers(Mlp(hidden=(3000,), activation=activation).build(image_spec()), nn.Linear)
    assert float(first.weight.detach().std()) == pytest.approx(math.sqrt(2 / (64 + 3000)), rel=0.01)


def test_convolutions_count_their_window():
    torch.manual_seed(0)
    _, second = layers(Cnn(channels=(64, 128), kernel=5).build(image_spec((1, 28, 28))), nn.Conv2d)
    assert float(second.weight.detach().std()) == pytest.approx(math.sqrt(2 / (64 * 25)), rel=0.02)


@pytest.mark.parametrize("model", [Mlp(hidden=(900,)), Cnn(hidden=(900,)), Resnet(channels=(900,))])
def test_the_last_layer_starts_small(model):
    torch.manual_seed(0)
    output = layers(model.build(image_spec()), nn.Linear)[-1]
    assert float(output.weight.detach().std()) == pytest.approx(math.sqrt(1 / (3 * 900)), rel=0.05)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
def test_signals_keep_their_size_through_ten_layers(activation):
    torch.manual_seed(0)
    network = Mlp(hidden=(256,) * 10, activation=activation).build(image_spec())
    signal = torch.randn(500, 64)
    for layer in network.layers[:-1]:
        signal = layer(signal)
    assert 0.2 < float(signal.detach().square().mean().sqrt()) < 3


@pytest.mark.parametrize(
    ("rule", "activation", "variance"),
    [
        ("auto", "prelu", 2 / ((1 + 0.25**2) * 64)),
        ("he", "tanh", 2 / 64),
        ("he", "leaky_relu", 2 / ((1 + 0.01**2) * 64)),
        ("xavier", "relu", 2 / (64 + 2000)),
        ("orthogonal", "relu", 2 / 2000),
    ],
)
def test_rules_have_the_variance_of_their_papers(rule, activation, variance):
    torch.manual_seed(0)
    network = Mlp(hidden=(2000,), activation=activation, initialisation=rule).build(image_spec())
    first, output = layers(network, nn.Linear)
    assert float(first.weight.detach().var()) == pytest.approx(variance, rel=0.02)
    assert float(output.weight.detach().var()) == pytest.approx(1 / (3 * 2000), rel=0.05)
    assert not first.bias.any()


def test_orthogonal_weights_keep_lengths_but_for_the_gain():
    torch.manual_seed(0)
    first, *_ = layers(Mlp(hidden=(64,), initialisation="orthogonal").build(image_spec()), nn.Linear)
    product = first.weight.detach() @ first.weight.detach().T
    torch.testing.assert_close(product, 2 * torch.eye(64), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rule", ["he", "xavier", "orthogonal"])
def test_channels_convolved_alone_are_layers_of_their_own(rule):
    torch.manual_seed(0)
    weight = torch.empty(400, 1, 3, 3)
    draw_weight(weight, rule, groups=400)
    wanted = {"he": 2 / 9, "xavier": 2 / (9 + 9), "orthogonal": 2 / 9}[rule]
    assert float(weight.square().mean()) == pytest.approx(wanted, rel=0.1)


def test_networks_of_any_rule_are_built_without_memory():
    for rule in get_args(Initialisation):
        with torch.device("meta"):
            assert Cnn(initialisation=rule).build(image_spec()).layers[0].weight.device.type == "meta"


def test_a_category_never_seen_says_nothing_at_first():
    torch.manual_seed(0)
    network = Mlp().build(SPECS["mixed"])
    for embedding in network.embeddings:
        assert not embedding.weight[0].any()
        assert embedding.weight[1:].any(1).all()
