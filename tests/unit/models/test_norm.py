"""Normalisations beside their formulas in NumPy, and activations beside theirs."""

import numpy as np
import pytest
import torch
from scipy.special import erf
from small import SPECS, image_spec
from torch import nn

from nnops.models import MODELS
from nnops.models.activation import ACTIVATIONS
from nnops.models.norm import build_norm, build_vector_norm

EPS = 1e-5


def normal(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + EPS)


IMAGES = {
    "batch": lambda x: normal(x, (0, 2, 3)),
    "instance": lambda x: normal(x, (2, 3)),
    "layer": lambda x: normal(x, (1, 2, 3)),
    "group": lambda x: normal(x.reshape(5, 3, 2, 4, 7), (2, 3, 4)).reshape(x.shape),
}
VECTORS = {
    "batch": lambda x: normal(x, (0,)),
    "layer": lambda x: normal(x, (1,)),
    "group": lambda x: normal(x.reshape(9, 3, 2), (2,)).reshape(x.shape),
}


def scaled(layer):
    with torch.no_grad():
        layer.weight.copy_(torch.arange(1.0, 7.0))
        layer.bias.fill_(0.5)
    return layer


@pytest.mark.parametrize("norm", IMAGES)
def test_of_images(norm):
    x = np.random.default_rng(0).normal(3, 2, (5, 6, 4, 7)).astype(np.float32)
    (layer,) = build_norm(norm, 6, (4, 7))
    ours = scaled(layer)(torch.from_numpy(x)).detach().numpy()
    gain = np.arange(1.0, 7.0).reshape(1, 6, 1, 1)
    np.testing.assert_allclose(ours, gain * IMAGES[norm](x) + 0.5, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", VECTORS)
def test_of_vectors(norm):
    x = np.random.default_rng(0).normal(3, 2, (9, 6)).astype(np.float32)
    (layer,) = build_vector_norm(norm, 6)
    ours = scaled(layer)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours, np.arange(1.0, 7.0) * VECTORS[norm](x) + 0.5, rtol=1e-4, atol=1e-4)


def test_none_is_no_layer():
    assert build_norm("none", 6, (4, 4)) == build_vector_norm("none", 6) == []


@pytest.mark.parametrize(("old", "new"), [(True, "batch"), (False, "none")])
def test_true_and_false_still_count(old, new):
    assert MODELS.build("mlp", {"norm": old}).norm == MODELS.build("cnn", {"norm": old}).norm == new


@pytest.mark.parametrize("norm", ["none", "batch", "group", "instance", "layer"])
@pytest.mark.parametrize("family", ["cnn", "efficientnet", "inception", "resnet", "vgg"])
def test_every_family_of_images_takes_every_norm(family, norm):
    channels = [16] if family == "inception" else [8]
    network = MODELS.build(family, {"channels": channels, "norm": norm}).build(image_spec())
    found = {type(layer).__name__ for layer in network.modules()} & {"BatchNorm2d", "GroupNorm", "InstanceNorm2d"}
    wanted = {"batch": "BatchNorm2d", "group": "GroupNorm", "instance": "InstanceNorm2d", "layer": "GroupNorm"}
    assert found == ({wanted[norm]} if norm in wanted else set())


FORMULAS = {
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "prelu": lambda x: np.where(x > 0, x, 0.25 * x),
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_their_formulas(name):
    x = np.linspace(-4, 4, 41)
    ours = ACTIVATIONS[name]().double()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours, FORMULAS[name](x), atol=1e-7)


def test_prelu_learns_its_slope():
    network = MODELS.build("mlp", {"hidden": [8], "activation": "prelu"}).build(SPECS["numeric"])
    network(torch.randn(40, 4)).sum().backward()
    (slope,) = [layer.weight for layer in network.modules() if isinstance(layer, nn.PReLU)]
    assert slope.grad is not None
    assert slope.grad.abs() > 0
