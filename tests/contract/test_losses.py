"""What every loss promises, for all of its examples and tasks."""

import pytest
import torch

from nnops.batch import TOKENS
from nnops.losses import DEFAULT, LOSSES

CASES = [
    pytest.param(loss, task, id=f"{name}-{place}-{task}")
    for name in LOSSES.names()
    for place, loss in enumerate(LOSSES.load(name).examples())
    for task in loss.tasks
]


def batch(task, rows=7, scale=2.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)
    if task in TOKENS:
        # Of each row's three places two are told.
        output = scale * torch.randn(rows, 3, 5, generator=generator, dtype=dtype)
        return output, torch.randint(1, 5, (rows, 3), generator=generator) * torch.tensor([1, 1, 0])
    width = {"forecasting": 6, "multiclass": 4, "multilabel": 4}.get(task, 1)
    if task == "segmentation":
        output = scale * torch.randn(rows, 4, 3, 2, generator=generator, dtype=dtype)
        return output, torch.randint(0, 4, (rows, 3, 2), generator=generator)
    output = scale * torch.randn(rows, width, generator=generator, dtype=dtype)
    if task == "multilabel":
        return output, torch.randint(0, 2, (rows, width), generator=generator).to(dtype)
    if task == "multiclass":
        return output, torch.randint(0, 4, (rows,), generator=generator)
    shape = (rows, width) if task == "forecasting" else (rows,)
    target = torch.randn(shape, generator=generator, dtype=dtype)
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
    if task in TOKENS:
        right = 3.0 * torch.nn.functional.one_hot(target, 5).double()
    elif task == "multiclass":
        right = 3.0 * torch.nn.functional.one_hot(target, 4).double()
    elif task == "segmentation":
        right = 3.0 * torch.nn.functional.one_hot(target, 4).double().movedim(-1, 1)
    else:
        right = 6 * target - 3 if task in ("binary", "multilabel") else target
        right = right if right.ndim == 2 else right[:, None]
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
