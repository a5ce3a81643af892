"""What every optimizer promises, for all of its examples."""

import pytest
import torch

from nnops.training.optimizer import OPTIMIZERS

CASES = [
    pytest.param(optimizer, id=f"{name}-{place}")
    for name in OPTIMIZERS.names()
    for place, optimizer in enumerate(OPTIMIZERS.load(name).examples())
]


def weights(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in ((5, 3), (5,), (2, 5))]


def gradients(step):
    generator = torch.Generator().manual_seed(100 + step)
    return [torch.randn(weight.shape, generator=generator) for weight in weights()]


@pytest.mark.parametrize("optimizer", CASES)
def test_goes_downhill(optimizer):
    theta = weights()
    before = sum(float((w**2).sum()) for w in theta)
    update = optimizer.build(theta)
    for _ in range(300):
        update.apply([2 * w for w in theta], 20 * optimizer.lr)
    assert sum(float((w**2).sum()) for w in theta) < 0.1 * before


@pytest.mark.parametrize("optimizer", CASES)
def test_goes_on_from_its_tensors_with_the_same_bits(optimizer):
    whole, part, rest = weights(), weights(), weights(1)
    update, first, second = (optimizer.build(theta) for theta in (whole, part, rest))
    for step in range(6):
        update.apply(gradients(step), 0.01)
        if step < 3:
            first.apply(gradients(step), 0.01)
    for name, tensor in second.tensors().items():
        tensor.copy_(first.tensors()[name])
    for new, old in zip(rest, part, strict=True):
        new.copy_(old)
    for step in range(3, 6):
        second.apply(gradients(step), 0.01)
    assert all(torch.equal(a, b) for a, b in zip(whole, rest, strict=True))


@pytest.mark.parametrize("optimizer", CASES)
def test_remembers_nothing_but_its_tensors(optimizer):
    update = optimizer.build(weights())
    before = {name: tensor.clone() for name, tensor in update.tensors().items()}
    places = {name: tensor.data_ptr() for name, tensor in update.tensors().items()}
    update.apply(gradients(0), 0.01)
    after = update.tensors()
    assert {name: tensor.data_ptr() for name, tensor in after.items()} == places
    assert all(not torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("optimizer", CASES)
def test_a_rate_of_zero_changes_no_weight(optimizer):
    theta = weights()
    optimizer.build(theta).apply(gradients(0), 0.0)
    assert all(torch.equal(a, b) for a, b in zip(theta, weights(), strict=True))


@pytest.mark.parametrize("optimizer", CASES)
def test_changes_the_weights_of_a_module_in_place(optimizer):
    layer = torch.nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    update = optimizer.build(list(layer.parameters()))
    update.apply([torch.ones(2, 3), torch.ones(2)], 0.1)
    assert (layer.weight != before).all()
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf
