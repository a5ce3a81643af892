"""What every loss promises, for all of its examples and tasks."""

import pytest
import torch

from nnops.losses import DEFAULT, LOSSES

CASES = [
    pytest.param(loss, task, id=f"{name}-{place}-{task}")
    for name in LOSSES.names()
    for place, loss in enumerate(LOSSES.load(name).examples())
    for task in loss.tasks
]


def batch(task, rows=7, scale=2.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)
    output = scale * torch.randn(rows, 4 if task == "multiclass" else 1, generator=generator, dtype=dtype)
    if task == "multiclass":
        return output, torch.randint(0, 4, (rows,), generator=generator)
    target = torch.randn(rows, generator=generator, dtype=dtype)
    return output, (target > 0).to(dtype) if task == "binary" else target


@pytest.mark.parametrize(("loss", "task"), CASES)
def test_is_a_mean_over_the_rows(loss, task):
    output, target = batch(task)
    alone = torch.stack([loss(output[row : row + 1], target[row : row + 1]) for row in range(len(target))])
    whole = loss(output, target)
    assert whole.ndim == 0
    torch.testing.assert_close(whole, alone.mean())


@pytest.mark.parametrize(("loss", "task"), CASES)
def test_gradient_is_the_slope(loss, task):
    output, target = batch(task)
    torch.autograd.gradcheck(lambda logits: loss(logits, target), output.requires_grad_(), raise_exception=True)


@pytest.mark.parametrize(("loss", "task"), CASES)
def test_is_smallest_at_the_truth(loss, task):
    output, target = batch(task)
    if task == "multiclass":
        right = 3.0 * torch.nn.functional.one_hot(target, 4).double()
    else:
        right = (6 * target - 3 if task == "binary" else target)[:, None]
    assert 0 <= loss(right, target) < loss(output, target)
    assert loss(right, target) < loss(-right, target)


@pytest.mark.parametrize(("loss", "task"), CASES)
def test_huge_outputs_give_finite_losses_and_gradients(loss, task):
    output, target = batch(task, scale=1e4, dtype=torch.float32)
    output.requires_grad_()
    value = loss(output, target)
    value.backward()
    assert value.isfinite()
    assert output.grad.isfinite().all()


def test_every_task_has_a_loss_that_fits():
    for task, name in DEFAULT.items():
        assert task in LOSSES.load(name).tasks
