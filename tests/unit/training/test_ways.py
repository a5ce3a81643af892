"""Ways to train: each against a derivation of its own, and each going on from a checkpoint to the bit."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from small import params, small
from torch.nn import functional as F

from nnops.errors import InputError, ParamsError
from nnops.losses import LOSSES
from nnops.params import parse
from nnops.training.loop import batch_bounds, row_order, shares
from nnops.training.penalty import Penalty
from nnops.training.precision import STREAK, Mixed
from nnops.training.schedule import SCHEDULES, Plateau
from nnops.training.step import SoloStep, trainable
from nnops.training.train import build_loss, build_model, fit_loss, train
from nnops.training.update import SgdUpdate

SGD = {"name": "sgd", "options": {"lr": 0.1, "momentum": 0.9}}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return small(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return small(tmp_path_factory.mktemp("mixed"), "mixed")


def last(chosen, data):
    return train(chosen, data).weights


# Gradient accumulation.


@pytest.mark.parametrize(("rows", "size", "accumulate"), [(150, 32, 2), (9, 4, 3), (10, 3, 4), (8, 2, 1)])
def test_shares_of_a_step_add_up_and_end_it(rows, size, accumulate):
    found = shares(batch_bounds(rows, size), accumulate)
    total, steps = 0.0, 0
    for share, more in found:
        total += share
        if not more:
            assert total == pytest.approx(1)
            total, steps = 0.0, steps + 1
    assert total == 0
    assert steps == math.ceil(len(found) / accumulate)


@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_accumulated_batches_make_the_step_of_the_large_one(images, clip_norm):
    base = {"optimizer": SGD, "clip_norm": clip_norm, "l1": 1e-3, "l2": 1e-3, "restore_best": False}
    schedule = {"name": "cosine", "options": {"warmup_epochs": 1}}
    whole = last(params(train=base | {"batch_size": 60, "schedule": schedule}), images)
    parts = last(params(train=base | {"batch_size": 20, "accumulate": 3, "schedule": schedule}), images)
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-4, atol=1e-6)
    other = last(params(train=base | {"batch_size": 20, "schedule": schedule}), images)
    assert any(not torch.allclose(other[name], tensor, rtol=1e-3, atol=1e-4) for name, tensor in whole.items())


def test_all_rows_in_a_batch_are_gradient_descent(images):
    chosen = params(train={"batch_size": "all", "optimizer": {"name": "sgd", "options": {"lr": 0.1}}, "epochs": 3})
    split, model = images.tensors("train"), build_model(chosen, images.spec)
    weights = list(model.parameters())
    for _ in range(3):
        slopes = torch.autograd.grad(F.cross_entropy(model(*split.inputs), split.target), weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight -= 0.1 * slope
    found = train(chosen.model_copy(update={"train": chosen.train.model_copy(update={"restore_best": False})}), images)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(found.weights[name], tensor, rtol=1e-4, atol=1e-6)


# Terms, weights and draws.


def test_penalty_is_the_slope_of_its_formula():
    layers = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)).double()
    l1, l2 = 0.3, 0.07
    term = sum(l1 * layer.weight.abs().sum() + l2 * (layer.weight**2).sum() for layer in layers)
    expected = torch.autograd.grad(term, [layer.weight for layer in layers])
    gradients = [torch.zeros_like(weight) for weight in layers.parameters()]
    Penalty(list(layers.parameters()), l1, l2).add(gradients)
    torch.testing.assert_close(gradients[0], expected[0])
    torch.testing.assert_close(gradients[2], expected[1])
    assert not gradients[1].any()  # a bias is spared
    assert not gradients[3].any()


def test_l1_makes_weights_small_and_losses_leave_it_out(images):
    free, tied = (train(params(train={"l1": l1, "epochs": 6}), images) for l1 in (0.0, 0.1))
    small_share = [float((t.weights["layers.0.weight"].abs() < 1e-2).float().mean()) for t in (free, tied)]
    assert small_share[1] > 2 * small_share[0]
    assert free.history[0]["train_loss"] == pytest.approx(tied.history[0]["train_loss"], rel=0.5)


def test_weighted_draws_take_classes_equally_often_and_are_seeded():
    target = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)
    drawn = row_order(target, 7, 3, weighted=True)
    share = torch.bincount(target[drawn], minlength=3) / len(target)
    assert share.tolist() == pytest.approx([1 / 3] * 3, abs=0.05)
    assert torch.equal(drawn, row_order(target, 7, 3, weighted=True))
    assert not torch.equal(drawn, row_order(target, 7, 4, weighted=True))
    assert len(set(drawn[target[drawn] == 1].tolist())) > 80  # rows of a class are drawn evenly


def test_balanced_weights_are_those_of_sklearn():
    from sklearn.utils.class_weight import compute_class_weight

    rng = np.random.default_rng(0)
    code_N = rng.choice(3, 200, p=[0.7, 0.25, 0.05])
    loss = LOSSES.build("cross_entropy", {"class_weights": "balanced"})
    fitted = loss.fitted("multiclass", ("a", "b", "c"), torch.from_numpy(code_N))
    weight_C = torch.tensor(compute_class_weight("balanced", classes=np.arange(3), y=code_N), dtype=torch.float32)
    torch.testing.assert_close(fitted.weigh(torch.arange(3)), weight_C)
    logit_NC = torch.from_numpy(rng.normal(size=(200, 3)).astype(np.float32))
    by_hand = (F.cross_entropy(logit_NC, torch.from_numpy(code_N), reduction="none") * weight_C[code_N]).mean()
    torch.testing.assert_close(fitted(logit_NC, torch.from_numpy(code_N)), by_hand)
    mixture = F.one_hot(torch.from_numpy(code_N), 3).float()
    torch.testing.assert_close(fitted(logit_NC, mixture), by_hand)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "focal"])
def test_weights_of_a_yes_and_of_labels(name):
    yes = torch.tensor([1.0, 0, 0, 0])
    logit = torch.tensor([0.3, -1.0, 2.0, 0.1])
    binary = LOSSES.build(name, {"class_weights": {"yes": 5}}).fitted("binary", ("no", "yes"), yes)
    plain = LOSSES.build(name, {}).fitted("binary", ("no", "yes"), yes)
    each = torch.stack([plain(logit[row : row + 1, None], yes[row : row + 1]) for row in range(4)])
    torch.testing.assert_close(binary(logit[:, None], yes), (each * torch.tensor([5.0, 1, 1, 1])).mean())
    both = torch.stack([yes, 1 - yes], 1)
    labels = LOSSES.build(name, {"class_weights": "balanced"}).fitted("multilabel", ("a", "b"), both)
    torch.testing.assert_close(labels.weigh(both[:1]), torch.tensor([[4 / (2 * 1), 4 / (2 * 1)]]))
    torch.testing.assert_close(labels.weigh(both[1:2]), torch.tensor([[4 / (2 * 3), 4 / (2 * 3)]]))


def test_soft_targets_are_the_mean_of_hard_ones():
    torch.manual_seed(0)
    logit = torch.randn(5, 3, dtype=torch.float64)
    one, two, share = torch.randint(0, 3, (5,)), torch.randint(0, 3, (5,)), 0.3
    soft = share * F.one_hot(one, 3) + (1 - share) * F.one_hot(two, 3).double()
    for name in ("cross_entropy", "focal"):
        loss = LOSSES.build(name, {}).fitted("multiclass", ("a", "b", "c"), one)
        torch.testing.assert_close(loss(logit, soft), share * loss(logit, one) + (1 - share) * loss(logit, two))
    bits = torch.tensor([0.0, 1, 1, 0, 0.25], dtype=torch.float64)
    for name in ("binary_cross_entropy", "focal"):
        loss = LOSSES.build(name, {})
        hard = [loss(logit[:, :1], torch.full_like(bits, bit)) for bit in (0.0, 1.0)]
        every = torch.full_like(bits, 0.25)
        torch.testing.assert_close(loss(logit[:, :1], every), 0.75 * hard[0] + 0.25 * hard[1])


# Precision.


def test_half_precision_scales_skips_and_grows():
    model = torch.nn.Linear(3, 2)
    passes = Mixed("fp16", torch.device("cpu"))
    step = SoloStep(
        model, LOSSES.build("cross_entropy", {}), SgdUpdate(trainable(model), 0, False, 0), None, None, passes
    )
    inputs, target = (torch.randn(4, 3),), torch.tensor([0, 1, 1, 0])
    before = model.weight.detach().clone()
    passes.tensors()["scale"].fill_(2.0**24)  # gradients overflow in 16 bits
    step.train(inputs, target, 0.1)
    assert torch.equal(model.weight, before)
    assert passes.tensors()["scale"] == 2.0**23
    passes.tensors()["scale"].fill_(1024.0)
    passes.tensors()["streak"].fill_(STREAK - 1)
    reference = torch.autograd.grad(F.cross_entropy(model(*inputs), target), model.weight)[0]
    step.train(inputs, target, 0.1)
    assert passes.tensors()["scale"] == 2048.0
    torch.testing.assert_close(model.weight.detach(), before - 0.1 * reference, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_sixteen_bits_learn_what_thirty_two_do(images, precision):
    wide, narrow = (train(params(train={"precision": each}), images) for each in ("fp32", precision))
    assert narrow.weights_sha256 != wide.weights_sha256
    assert all(tensor.dtype == torch.float32 for tensor in narrow.weights.values())
    assert narrow.best["val_loss"] == pytest.approx(wide.best["val_loss"], rel=0.1)


# Schedules.


def against(name, options, peer, steps=60, steps_per_epoch=6):
    schedule = SCHEDULES.build(name, options)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = peer(optimizer)
    for step in range(steps):
        ours = schedule.factor(step, steps_per_epoch, steps // steps_per_epoch)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6), step
        optimizer.step()
        if step + 1 < steps:
            theirs.step()


def test_schedules_are_those_of_torch():
    lr = torch.optim.lr_scheduler
    against("exponential", {"gamma": 0.8}, lambda opt: lr.ExponentialLR(opt, 0.8 ** (1 / 6)))
    for rise in (0.3, 0.5):
        against("one_cycle", {"rise": rise}, lambda opt, rise=rise: lr.OneCycleLR(opt, 1.0, 60, pct_start=rise))
    for mode, gamma in (("triangular", 1.0), ("triangular2", 0.5)):
        against(
            "cyclical",
            {"cycle_epochs": 4, "floor": 0.1, "gamma": gamma},
            lambda opt, mode=mode: lr.CyclicLR(opt, 0.1, 1.0, step_size_up=12, mode=mode, cycle_momentum=False),
        )


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"patience": 1, "cooldown": 2, "min_delta": 0.05, "floor": 0.02, "gamma": 0.3}]
)
def test_plateau_is_that_of_torch(options, maximize):
    schedule = Plateau(**options)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    peer = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="max" if maximize else "min",
        factor=schedule.gamma,
        patience=schedule.patience,
        threshold=schedule.min_delta,
        threshold_mode="abs",
        cooldown=schedule.cooldown,
        min_lr=schedule.floor,
        eps=0,
    )
    values = np.random.default_rng(3).normal(size=60).round(1).tolist()
    for epoch, value in enumerate(values, start=1):
        peer.step(value)
        assert schedule.decline(values[:epoch], maximize) == pytest.approx(optimizer.param_groups[0]["lr"]), epoch


def test_plateau_lowers_the_rate_of_a_training(images):
    schedule = {"name": "plateau", "options": {"metric": "val_accuracy", "patience": 0, "gamma": 0.5}}
    history = train(params(train={"schedule": schedule, "epochs": 8}), images).history
    best = -1.0
    for before, after in pairwise(history):
        better, best = before["val_accuracy"] > best, max(best, before["val_accuracy"])
        assert after["lr"] == pytest.approx(before["lr"] * (1 if better else 0.5))
    assert history[-1]["lr"] < history[0]["lr"]


# Everything goes on from a checkpoint to the bit.

WAYS = {
    "adagrad": {"optimizer": {"name": "adagrad", "options": {"weight_decay": 0.01}}},
    "radam": {"optimizer": {"name": "radam", "options": {"lr": 0.01}}, "batch_size": 10},
    "all rows": {"optimizer": SGD, "batch_size": "all"},
    "plateau": {"schedule": {"name": "plateau", "options": {"metric": "train_loss", "patience": 0, "min_delta": 0.2}}},
    "one cycle": {"schedule": {"name": "one_cycle"}, "l1": 1e-4, "l2": 1e-4},
    "cyclical": {"schedule": {"name": "cyclical", "options": {"cycle_epochs": 2.5}}, "accumulate": 3},
    "exponential, bf16": {"schedule": {"name": "exponential"}, "precision": "bf16"},
    "fp16": {"precision": "fp16", "accumulate": 2, "clip_norm": 1.0},
    "weighted": {"sampler": "weighted"},
    "changes": {
        "changes": [
            {"after": 2, "set": {"train.accumulate": 2, "train.l1": 1e-3, "train.sampler": "weighted"}},
            {"after": 4, "set": {"train.batch_size": "all", "train.l2": 1e-3}},
        ]
    },
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("broken", [2, 3])
def test_goes_on_to_the_bit(images, tmp_path, way, broken):
    options = {"hidden": [8], "dropout": 0.2}
    loss = {"name": "focal", "options": {"class_weights": "balanced"}}
    chosen = params(model={"name": "mlp", "options": options}, loss=loss, train={"epochs": 5} | WAYS[way])
    whole = train(chosen, images)
    first = train(chosen, images, checkpoints=tmp_path, until=broken)
    assert (first.ended, len(first.history)) == ("paused", broken)
    torch.manual_seed(99)
    rest = train(chosen, images, checkpoints=tmp_path)
    assert rest.history == whole.history
    assert rest.weights_sha256 == whole.weights_sha256


# What does not fit.


@pytest.mark.parametrize(
    ("sections", "what"),
    [
        ({"train": {"batch_size": 0}}, "train.batch_size: must be a whole number of at least 1, all or auto, got 0."),
        ({"train": {"batch_size": "most"}}, "train.batch_size: must be a whole number of at least 1, all or auto"),
        ({"train": {"l1": -1}}, "train.l1 must be"),
        ({"train": {"accumulate": 0}}, "train.accumulate must be"),
        ({"train": {"precision": "fp8"}}, "train.precision must be 'fp32', 'bf16' or 'fp16'"),
        ({"train": {"sampler": "even"}}, "train.sampler must be 'shuffled' or 'weighted'"),
        ({"loss": {"name": "focal", "options": {"gamma": -1}}}, "loss.options.gamma must be"),
        ({"loss": {"name": "focal", "options": {"class_weights": "even"}}}, "class_weights: must be balanced, or a"),
        ({"loss": {"name": "focal", "options": {"class_weights": {"a": 0}}}}, "class 'a' must be a number above 0"),
        ({"loss": {"name": "focal", "options": {"class_weights": {"d": 2}}}}, "unknown class 'd'"),
        ({"train": {"schedule": {"name": "plateau", "options": {"metric": "val_rmse"}}}}, "unknown metric of the task"),
        (
            {"train": {"schedule": {"name": "one_cycle", "options": {"warmup_epochs": 1}}}},
            "warmup_epochs must be 0 for a schedule that rises by itself",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(images, sections, what):
    with pytest.raises(ParamsError) as caught:
        train(params(**sections), images)
    assert str(caught.value).startswith("params.yaml: ")
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_quantities_have_no_classes_to_draw_equally(tmp_path):
    data = small(tmp_path, "numeric")
    with pytest.raises(
        InputError, match=r"train\.sampler: weighted draws classes equally often, and the task regression"
    ):
        train(params(train={"sampler": "weighted"}), data)


def test_weights_of_classes_reach_the_training(mixed):
    chosen = params(loss={"name": "binary_cross_entropy", "options": {"class_weights": {"yes": 20.0}}})
    fitted = fit_loss(build_loss(chosen, mixed.spec), mixed)
    assert fitted.weigh(torch.tensor([0.0, 1.0])).tolist() == [1.0, 20.0]
    weighted, plain = train(chosen, mixed), train(params(), mixed)
    assert weighted.history[0]["train_loss"] > 2 * plain.history[0]["train_loss"]


def test_whole_numbers_and_all_are_batch_sizes():
    assert parse({"train": {"batch_size": "all"}}).train.batch(77) == 77
    assert parse({"train": {"batch_size": 8}}).train.batch(77) == 8
