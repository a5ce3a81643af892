"""The loop's parts, and the whole of it against a loop written by hand."""

import pytest
import torch
from small import params, small
from torch.nn import functional as F

from nnops.data.prepared import Tensors
from nnops.models.dropout import masks_ahead
from nnops.params import EarlyStopping
from nnops.seeding import derive, torch_stream
from nnops.training import loop
from nnops.training.loop import Progress, batch_bounds, batches, improves, row_order, stalled
from nnops.training.plan import Plan
from nnops.training.schedule import Constant
from nnops.training.train import build_model, hash_weights, train


@pytest.mark.parametrize(
    ("rows", "size", "bounds"),
    [
        (9, 4, [(0, 4), (4, 9)]),  # a lone last row joins
        (8, 4, [(0, 4), (4, 8)]),
        (10, 4, [(0, 4), (4, 8), (8, 10)]),
        (3, 64, [(0, 3)]),
        (1, 4, [(0, 1)]),
        (3, 1, [(0, 1), (1, 3)]),
    ],
)
def test_batch_bounds(rows, size, bounds):
    assert batch_bounds(rows, size) == bounds


def rows_of(n):
    return Tensors((torch.arange(n * 3.0).view(n, 3), torch.arange(n)), torch.arange(n))


@pytest.mark.parametrize("gather_bytes", [1, 200, 16 << 20])
def test_batches_are_one_permutation_whatever_is_gathered_at_once(gather_bytes, monkeypatch):
    monkeypatch.setattr(loop, "GATHER_BYTES", gather_bytes)
    split = rows_of(50)
    order = torch.randperm(50, generator=torch_stream(7, "shuffle/3"))
    found = list(batches(split, batch_bounds(50, 8), row_order(split.target, 7, 3)))
    assert [len(target) for _, target in found] == [8, 8, 8, 8, 8, 8, 2]
    assert torch.equal(torch.cat([target for _, target in found]), order)
    for (numeric, codes), target in found:
        assert torch.equal(codes, target)
        assert torch.equal(numeric, split.inputs[0][target])


def test_each_epoch_has_its_own_order():
    def order(seed, epoch):
        return row_order(rows_of(50).target, seed, epoch).tolist()

    assert order(7, 0) == order(7, 0)
    assert len({tuple(order(seed, epoch)) for seed in (7, 8) for epoch in (0, 1)}) == 4


def test_outputs_do_not_depend_on_how_many_rows_are_predicted_at_once(monkeypatch, tmp_path):
    data = small(tmp_path)
    whole = train(params(train={"epochs": 1}), data)
    monkeypatch.setattr(loop, "PREDICT_ROWS", 7)
    parts = train(params(train={"epochs": 1}), data)
    assert parts.history[0]["val_loss"] == pytest.approx(whole.history[0]["val_loss"], rel=1e-6)
    assert parts.weights_sha256 == whole.weights_sha256


def test_train_has_the_bits_of_a_loop_written_by_hand(tmp_path):
    """The other loop: nn.Module, loss.backward(), torch.optim; with dropout, clipping and a short last batch."""
    data = small(tmp_path)
    options = {"hidden": [16, 8], "dropout": 0.2, "norm": True}
    chosen = params(model={"name": "mlp", "options": options}, train={"clip_norm": 0.5, "restore_best": False})
    split, val = data.tensors("train"), data.tensors("val")
    torch.set_num_threads(1)
    model = build_model(chosen, data.spec)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    history = []
    for epoch in range(4):
        model.train()
        torch.manual_seed(derive(7, f"dropout/{epoch}"))
        total = 0.0
        with masks_ahead():
            for rows in torch.randperm(150, generator=torch_stream(7, f"shuffle/{epoch}")).split(32):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(split.inputs[0][rows]), split.target[rows])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            output = model(val.inputs[0])
        accuracy = (output.argmax(1) == val.target).float().mean().item()
        history.append((total / 150, F.cross_entropy(output, val.target).item(), accuracy))
    ours = train(chosen, data)
    assert ours.weights_sha256 == hash_weights(model.state_dict())
    for row, (train_loss, val_loss, accuracy) in zip(ours.history, history, strict=True):
        assert row["train_loss"] == pytest.approx(train_loss, rel=1e-12)
        assert row["val_loss"] == val_loss
        assert row["val_accuracy"] == pytest.approx(accuracy, rel=1e-6)
        assert row["lr"] == 0.01


def plan(watched="val_loss", maximize=False, patience=2, min_delta=0.0):
    stopping = EarlyStopping(metric=watched, patience=patience, min_delta=min_delta)
    return Plan(7, 9, 4, 0.1, Constant(), watched, maximize, stopping, {})


def follow(chosen, values):
    """Epochs that were the best so far, and the epoch after which it stalls."""
    progress = Progress()
    best = []
    for value in values:
        if stalled(progress, chosen):
            return best, progress.epoch
        progress.history.append({chosen.watched: value})
        progress.epoch += 1
        if improves(progress, chosen):
            progress.best_epoch = progress.epoch
            best.append(progress.epoch)
    return best, None


def test_less_is_better():
    assert follow(plan(), [3.0, 2.0, 2.0, 2.5, 1.0]) == ([1, 2], 4)
    assert follow(plan(patience=3), [3.0, 2.0, 2.0, 2.5, 1.0]) == ([1, 2, 5], None)


def test_more_is_better():
    assert follow(plan("val_accuracy", maximize=True), [0.1, 0.3, 0.2, 0.3, 0.9]) == ([1, 2], 4)


def test_a_gain_must_be_above_min_delta():
    assert follow(plan(min_delta=0.5), [3.0, 2.6, 2.4, 2.2, 2.0]) == ([1, 3], None)


def test_no_number_is_never_the_best_but_the_first():
    nan = float("nan")
    assert follow(plan(patience=9), [nan, nan, 3.0, nan, 2.0]) == ([1, 3, 5], None)
