"""Losses and their gradients against NumPy, written from the definitions."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from nnops.errors import ParamsError
from nnops.losses import LOSSES

RNG = np.random.default_rng(4)
LOGIT_NC = RNG.normal(size=(9, 4)) * 3
CODE_N = RNG.integers(0, 4, 9)
LOGIT_N = RNG.normal(size=9) * 3
BIT_N = RNG.integers(0, 2, 9).astype(float)
VALUE_N = RNG.normal(size=9)


def ours(name, options, output, target):
    output_NC = torch.tensor(output if output.ndim == 2 else output[:, None], requires_grad=True)
    loss = LOSSES.build(name, options)(output_NC, torch.tensor(target))
    loss.backward()
    return loss.item(), output_NC.grad.numpy().reshape(output.shape)


def check(name, options, output, target, loss, gradient):
    value, slope = ours(name, options, output, target)
    np.testing.assert_allclose(value, loss, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_cross_entropy(smoothing):
    power = np.exp(LOGIT_NC - LOGIT_NC.max(1, keepdims=True))
    p_NC = power / power.sum(1, keepdims=True)
    q_NC = (1 - smoothing) * np.eye(4)[CODE_N] + smoothing / 4  # Szegedy et al. 2016, section 7
    loss = -(q_NC * np.log(p_NC)).sum(1).mean()
    check("cross_entropy", {"label_smoothing": smoothing}, LOGIT_NC, CODE_N, loss, (p_NC - q_NC) / 9)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_binary_cross_entropy(smoothing):
    p_N = 1 / (1 + np.exp(-LOGIT_N))
    q_N = (1 - smoothing) * BIT_N + smoothing / 2
    loss = -(q_N * np.log(p_N) + (1 - q_N) * np.log(1 - p_N)).mean()
    check("binary_cross_entropy", {"label_smoothing": smoothing}, LOGIT_N, BIT_N, loss, (p_N - q_N) / 9)


def test_binary_cross_entropy_is_cross_entropy_of_two_classes():
    both = np.stack([np.zeros(9), LOGIT_N], 1)
    for smoothing in (0.0, 0.2):
        options = {"label_smoothing": smoothing}
        one, _ = ours("binary_cross_entropy", options, LOGIT_N, BIT_N)
        two, _ = ours("cross_entropy", options, both, BIT_N.astype(int))
        assert one == pytest.approx(two, rel=1e-12)


def test_mse():
    error = LOGIT_N - VALUE_N
    check("mse", {}, LOGIT_N, VALUE_N, (error**2).mean(), 2 * error / 9)


def test_mae():
    error = LOGIT_N - VALUE_N
    check("mae", {}, LOGIT_N, VALUE_N, np.abs(error).mean(), np.sign(error) / 9)


@pytest.mark.parametrize("delta", [0.25, 1.0, 50.0])
def test_huber(delta):
    error = LOGIT_N - VALUE_N
    size = np.abs(error)
    loss = np.where(size <= delta, error**2 / 2, delta * (size - delta / 2)).mean()
    check("huber", {"delta": delta}, LOGIT_N, VALUE_N, loss, np.clip(error, -delta, delta) / 9)


@pytest.mark.parametrize(
    ("name", "options", "where"),
    [
        ("cross_entropy", {"label_smoothing": 1.0}, "label_smoothing must be less than 1, got 1.0"),
        ("binary_cross_entropy", {"label_smoothing": -0.1}, "label_smoothing must be greater than or equal to 0"),
        ("huber", {"delta": 0}, "delta must be greater than 0, got 0"),
        ("mse", {"delta": 1}, "unknown key 'delta'"),
    ],
)
def test_wrong_options_are_refused_by_name(name, options, where):
    with pytest.raises(ParamsError, match=where) as caught:
        LOSSES.build(name, options, where="loss")
    assert "loss.options." in str(caught.value)
    assert isinstance(caught.value.__cause__, ValidationError)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_of_classes(gamma):
    power = np.exp(LOGIT_NC - LOGIT_NC.max(1, keepdims=True))
    p_NC = power / power.sum(1, keepdims=True)
    p_N = p_NC[np.arange(9), CODE_N]
    # Lin et al. 2017, equation 4, and its slope by the chain rule: dp/dz_c = p (1[c is true] - p_c).
    loss_N = -((1 - p_N) ** gamma) * np.log(p_N)
    slope_N = gamma * (1 - p_N) ** (gamma - 1) * np.log(p_N) - (1 - p_N) ** gamma / p_N
    gradient = slope_N[:, None] * p_N[:, None] * (np.eye(4)[CODE_N] - p_NC) / 9
    check("focal", {"gamma": gamma}, LOGIT_NC, CODE_N, loss_N.mean(), gradient)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_focal_of_a_yes_or_no_and_of_labels(gamma):
    p_N = 1 / (1 + np.exp(-LOGIT_N * (2 * BIT_N - 1)))
    loss_N = -((1 - p_N) ** gamma) * np.log(p_N)
    slope_N = gamma * (1 - p_N) ** (gamma - 1) * np.log(p_N) - (1 - p_N) ** gamma / p_N
    gradient = slope_N * p_N * (1 - p_N) * (2 * BIT_N - 1) / 9
    check("focal", {"gamma": gamma}, LOGIT_N, BIT_N, loss_N.mean(), gradient)
    table = {"gamma": gamma}
    check("focal", table, LOGIT_N.reshape(3, 3), BIT_N.reshape(3, 3), loss_N.mean(), gradient.reshape(3, 3))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_of_labels(smoothing):
    p_N, y_N = 1 / (1 + np.exp(-LOGIT_N)), BIT_N * (1 - smoothing) + smoothing / 2
    loss = -(y_N * np.log(p_N) + (1 - y_N) * np.log(1 - p_N)).mean()
    options = {"label_smoothing": smoothing}
    gradient = ((p_N - y_N) / 9).reshape(3, 3)
    check("binary_cross_entropy", options, LOGIT_N.reshape(3, 3), BIT_N.reshape(3, 3), loss, gradient)
