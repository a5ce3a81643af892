"""Schedules against torch's schedulers and closed forms."""

import math

import pytest
import torch

from nnops.errors import ParamsError
from nnops.training.schedule import SCHEDULES

EPOCHS, STEPS = 6, 10


def ours(name, options):
    schedule = SCHEDULES.build(name, options)
    return [schedule.factor(step, STEPS, EPOCHS) for step in range(EPOCHS * STEPS)]


def theirs(build):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = build(optimizer)
    rates = []
    for _ in range(EPOCHS * STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_constant():
    assert ours("constant", {}) == [1.0] * EPOCHS * STEPS


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_is_torchs_cosine_annealing(floor):
    def build(optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * STEPS, eta_min=floor)

    assert ours("cosine", {"floor": floor}) == pytest.approx(theirs(build), rel=1e-9)


def test_step_is_torchs_step():
    def build(optimizer):
        return torch.optim.lr_scheduler.StepLR(optimizer, 2 * STEPS, gamma=0.3)

    assert ours("step", {"every_epochs": 2, "gamma": 0.3}) == pytest.approx(theirs(build), rel=1e-12)


def test_cosine_with_warmup_is_torchs_linear_rise_and_then_its_cosine():
    warmup = 2 * STEPS

    def build(optimizer):
        rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), 1.0, total_iters=warmup)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * STEPS - warmup)
        return torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])

    assert ours("cosine", {"warmup_epochs": 2}) == pytest.approx(theirs(build), rel=1e-9)


def test_cosine_is_half_way_down_in_the_middle():
    assert ours("cosine", {})[EPOCHS * STEPS // 2] == pytest.approx(0.5)
    assert ours("cosine", {})[-1] == pytest.approx((1 + math.cos(math.pi * 59 / 60)) / 2)


def test_step_counts_from_the_end_of_the_warmup():
    rates = ours("step", {"every_epochs": 2, "gamma": 0.5, "warmup_epochs": 1})
    assert rates[STEPS : 3 * STEPS] == [1.0] * 2 * STEPS
    assert rates[3 * STEPS] == 0.5


@pytest.mark.parametrize(
    ("name", "options", "what"),
    [
        ("cosine", {"floor": 1.5}, "floor must be less than or equal to 1, got 1.5"),
        ("step", {"every_epochs": 0}, "every_epochs must be greater than or equal to 1, got 0"),
        ("step", {"gamma": 0}, "gamma must be greater than 0, got 0"),
        ("constant", {"warmup_epochs": -1}, "warmup_epochs must be greater than or equal to 0, got -1"),
        ("constant", {"gamma": 0.1}, "unknown key 'gamma'"),
    ],
)
def test_wrong_options_are_refused_by_name(name, options, what):
    with pytest.raises(ParamsError, match=what):
        SCHEDULES.build(name, options, where="train.schedule")
