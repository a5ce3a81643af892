"""Updates against torch's own optimizers, bit by bit, and against the papers' formulas in NumPy."""

import numpy as np
import pytest
import torch

from nnops.errors import ParamsError
from nnops.losses import LOSSES
from nnops.training.optimizer import OPTIMIZERS
from nnops.training.step import SoloStep, trainable

ADAM = {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.05}
OUR_ADAM = {"lr": 0.02, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.05}
SAME = [
    ("sgd", {"lr": 0.1}, torch.optim.SGD, {"lr": 0.1, "fused": True}),
    ("sgd", {"lr": 0.1, "momentum": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "fused": True}),
    (
        "sgd",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "fused": True},
    ),
    ("adam", {}, torch.optim.Adam, {"fused": True}),
    ("adam", OUR_ADAM, torch.optim.Adam, {**ADAM, "fused": True}),
    ("adamw", {}, torch.optim.AdamW, {"fused": True}),
    ("adamw", OUR_ADAM, torch.optim.AdamW, {**ADAM, "fused": True}),
    ("adagrad", {"lr": 0.1}, torch.optim.Adagrad, {"lr": 0.1, "foreach": True}),
    (
        "adagrad",
        {"lr": 0.1, "eps": 1e-6, "weight_decay": 0.05},
        torch.optim.Adagrad,
        {"lr": 0.1, "eps": 1e-6, "weight_decay": 0.05, "foreach": True},
    ),
    ("radam", {}, torch.optim.RAdam, {"foreach": True}),
    ("radam", OUR_ADAM, torch.optim.RAdam, {**ADAM, "foreach": True}),
    ("rmsprop", {}, torch.optim.RMSprop, {"lr": 1e-3, "foreach": True}),
    (
        "rmsprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-6, "momentum": 0.9, "weight_decay": 0.01},
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-6, "momentum": 0.9, "weight_decay": 0.01, "foreach": True},
    ),
]


def network():
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(6, 19), torch.nn.Tanh(), torch.nn.Linear(19, 3))


@pytest.mark.parametrize(("name", "options", "reference", "arguments"), SAME)
def test_has_the_bits_of_torch(name, options, reference, arguments):
    ours, theirs = network(), network()
    optimizer = OPTIMIZERS.build(name, options)
    update = optimizer.build(list(ours.parameters()))
    peer = reference(theirs.parameters(), **arguments)
    generator = torch.Generator().manual_seed(0)
    for step in range(20):
        inputs, target = torch.randn(8, 6, generator=generator), torch.randint(0, 3, (8,), generator=generator)
        rate = optimizer.lr * (1 - step / 40)
        for model in (ours, theirs):
            model.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), target).backward()
        update.apply([weight.grad for weight in ours.parameters()], rate)
        peer.param_groups[0]["lr"] = rate
        peer.step()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b), (step, (a - b).abs().max())


def run(name, options, steps=7):
    theta = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64)
    update = OPTIMIZERS.build(name, options).build([theta])
    for _ in range(steps):
        update.apply([theta.clone() ** 3], options["lr"])
    return theta.numpy()


def test_adam_is_the_papers_algorithm():
    theta = np.array([0.5, -2.0, 3.0])
    m = v = np.zeros(3)
    for t in range(1, 8):
        g = theta**3 + 0.05 * theta
        m = 0.8 * m + 0.2 * g
        v = 0.99 * v + 0.01 * g**2
        theta = theta - 0.02 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-6)
    np.testing.assert_allclose(run("adam", OUR_ADAM), theta, rtol=1e-12)


def test_adamw_is_the_papers_algorithm():
    theta = np.array([0.5, -2.0, 3.0])
    m = v = np.zeros(3)
    for t in range(1, 8):
        g = theta**3
        m = 0.8 * m + 0.2 * g
        v = 0.99 * v + 0.01 * g**2
        theta = theta * (1 - 0.02 * 0.05) - 0.02 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-6)
    np.testing.assert_allclose(run("adamw", OUR_ADAM), theta, rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_the_papers_rule(nesterov):
    theta = np.array([0.5, -2.0, 3.0])
    b = np.zeros(3)
    for _ in range(7):
        g = theta**3 + 0.01 * theta
        b = 0.9 * b + g
        theta = theta - 0.01 * (g + 0.9 * b if nesterov else b)
    options = {"lr": 0.01, "momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.01}
    np.testing.assert_allclose(run("sgd", options), theta, rtol=1e-12)


def test_rmsprop_is_the_lectures_rule():
    theta = np.array([0.5, -2.0, 3.0])
    v = np.zeros(3)
    for _ in range(7):
        g = theta**3
        v = 0.9 * v + 0.1 * g**2
        theta = theta - 0.01 * g / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(run("rmsprop", {"lr": 0.01, "alpha": 0.9}), theta, rtol=1e-12)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ParamsError, match="nesterov: true needs momentum above 0"):
        OPTIMIZERS.build("sgd", {"nesterov": True}, where="train.optimizer")


@pytest.mark.parametrize("lr", [0, -1e-3, float("nan"), float("inf"), "fast"])
def test_a_rate_that_is_no_positive_number_is_refused(lr):
    with pytest.raises(ParamsError, match=r"params.yaml: train.optimizer.options.lr must be"):
        OPTIMIZERS.build("adamw", {"lr": lr}, where="train.optimizer")


def test_adagrad_is_the_papers_rule():
    theta = np.array([0.5, -2.0, 3.0])
    s = np.zeros(3)
    for _ in range(7):
        g = theta**3
        s = s + g**2
        theta = theta - 0.1 * g / (np.sqrt(s) + 1e-10)
    np.testing.assert_allclose(run("adagrad", {"lr": 0.1}), theta, rtol=1e-12)


def test_radam_is_the_papers_algorithm():
    theta = np.array([0.5, -2.0, 3.0])
    m = v = np.zeros(3)
    rho_inf = 2 / (1 - 0.9) - 1
    for t in range(1, 13):
        g = theta**3
        m = 0.8 * m + 0.2 * g
        v = 0.9 * v + 0.1 * g**2
        rho = rho_inf - 2 * t * 0.9**t / (1 - 0.9**t)
        step = m / (1 - 0.8**t)
        if rho > 5:
            r = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
            step = r * step * np.sqrt(1 - 0.9**t) / (np.sqrt(v) + 1e-8)
        theta = theta - 0.02 * step
    np.testing.assert_allclose(run("radam", {"lr": 0.02, "beta1": 0.8, "beta2": 0.9}, steps=12), theta, rtol=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_a_weight_that_these_rows_do_not_use_has_a_gradient_of_zero(name):
    class Branches(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = torch.nn.Linear(3, 1), torch.nn.Linear(3, 1)

        def forward(self, input_BF):
            return self.used(input_BF)

    torch.manual_seed(0)
    model = Branches()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    weights = trainable(model)
    step = SoloStep(model, LOSSES.build("mse", {}), OPTIMIZERS.build(name, {"weight_decay": 0.0}).build(weights), 1.0)
    input_BF, target_B = torch.randn(8, 3), torch.randn(8)
    for _ in range(3):
        step.train((input_BF,), target_B, 0.1)
    moved = {key: not torch.equal(value, before[key]) for key, value in model.state_dict().items()}
    assert moved == {"used.weight": True, "used.bias": True, "idle.weight": False, "idle.bias": False}
