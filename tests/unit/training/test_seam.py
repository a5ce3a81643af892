"""The seam carries lanes: three linear classifiers in one tensor program, driven by the loop's own functions.

No nn.Module, no autograd, no optimizer of torch; each lane has the bits that it has when it is trained alone.
"""

import pytest
import torch
from small import small

from nnops.metrics import METRICS
from nnops.metrics.base import Predictions
from nnops.report import keep_going
from nnops.training.checkpoint import Checkpoints, read
from nnops.training.loop import Progress, batch_bounds, batches, look, remember, restore, row_order, run, snapshot
from nnops.training.plan import Plan
from nnops.training.schedule import Cosine

RATES = (0.01, 0.05, 0.002)
EPOCHS = 5


class Lanes:
    """K softmax regressions trained by plain gradient descent, weights [K, F, C]."""

    def __init__(self, lanes, features, classes):
        self.weights_KFC = torch.zeros(lanes, features, classes)

    def train(self, inputs, target_B, rates):
        input_BF = inputs[0].flatten(1)
        input_KBF = input_BF.expand(len(self.weights_KFC), *input_BF.shape)
        p_KBC = torch.bmm(input_KBF, self.weights_KFC).softmax(2)
        truth_BC = torch.nn.functional.one_hot(target_B, p_KBC.shape[2])
        loss_K = -(p_KBC.log() * truth_BC).sum(2).mean(1)
        slope_KFC = torch.bmm(input_KBF.transpose(1, 2), (p_KBC - truth_BC) / len(target_B))
        self.weights_KFC -= torch.tensor(rates)[:, None, None] * slope_KFC
        return loss_K

    def lane(self, k):
        return Lane(self, k)


class Lane:
    """One lane as a Step."""

    def __init__(self, lanes, k):
        self._lanes, self._k = lanes, k

    def train(self, inputs, target_B, rate, share=1.0, more=False):
        assert (share, more) == (1.0, False)
        assert len(self._lanes.weights_KFC) == 1
        return self._lanes.train(inputs, target_B, [rate])[0]

    def predict(self, inputs):
        return inputs[0].flatten(1) @ self._lanes.weights_KFC[self._k]

    def loss(self, output_BC, target_B):
        return torch.nn.functional.cross_entropy(output_BC, target_B)

    def tensors(self):
        return {"model.weight": self._lanes.weights_KFC[self._k]}

    def load(self, tensors):
        self._lanes.weights_KFC[self._k] = tensors["model.weight"]


def plan(rate):
    metrics = {"accuracy": METRICS.build("accuracy", {})}
    return Plan(7, EPOCHS, 32, rate, Cosine(), "val_loss", False, None, metrics)


@pytest.fixture
def splits(tmp_path):
    data = small(tmp_path)
    return data.tensors("train"), data.tensors("val")


def judge(output_NC, target_N):
    return Predictions("multiclass", output_NC.numpy(), target_N.numpy())


def alone(rate, splits, **more):
    progress = Progress()
    step = Lanes(1, 64, 3).lane(0)
    options = {"judge": judge, "report": keep_going, "checkpoints": None} | more
    assert run(plan(rate), step, *splits, progress, **options) == "complete"
    return progress, step.tensors()["model.weight"]


def together(splits, stopped_after):
    """Train all lanes in one program; ``stopped_after`` maps a lane to the last epoch that it is given."""
    train, val = splits
    lanes = Lanes(len(RATES), 64, 3)
    plans = [plan(rate) for rate in RATES]
    progress = [Progress() for _ in RATES]
    running = list(range(len(RATES)))
    bounds = batch_bounds(len(train), 32)
    for epoch in range(EPOCHS):
        losses = []
        order = row_order(train.target, 7, epoch)
        for place, (inputs, target_B) in enumerate(batches(train, bounds, order), start=epoch * len(bounds)):
            rates = [plans[k].rate * plans[k].schedule.factor(place, len(bounds), EPOCHS) for k in running]
            losses.append(lanes.train(inputs, target_B, rates))
        rows_S = torch.tensor([end - start for start, end in bounds], dtype=torch.float64)
        train_loss_K = rows_S @ torch.stack(losses).double() / len(train)
        for row, k in enumerate(running):
            view = lanes.lane(row)
            val_loss, measured = look(plans[k], view, val, judge, epoch)
            numbers = {"train_loss": float(train_loss_K[row]), "val_loss": val_loss, "lr": rates[row], **measured}
            remember(plans[k], progress[k], numbers, view.tensors())
        keep = [row for row, k in enumerate(running) if stopped_after.get(k) != epoch + 1]
        lanes.weights_KFC = lanes.weights_KFC[keep].clone()
        running = [running[row] for row in keep]
    return progress


@pytest.mark.parametrize("stopped_after", [{}, {0: 2}, {1: 1, 2: 3}])
def test_a_lane_has_the_bits_that_it_has_alone(splits, stopped_after):
    for k, progress in enumerate(together(splits, stopped_after)):
        solo, _ = alone(RATES[k], splits)
        assert progress.history == solo.history[: stopped_after.get(k, EPOCHS)]
        if k not in stopped_after:
            assert progress.best_epoch == solo.best_epoch
            assert torch.equal(progress.best["weight"], solo.best["weight"])
    assert solo.history[-1]["val_loss"] < solo.history[0]["val_loss"]


def test_a_checkpoint_fits_a_lane_and_a_training_alone(splits, tmp_path):
    """One of a training alone is taken over by lane 1 of three, and what is there by a training alone."""
    progress = together(splits, {})[1]
    whole, weights = alone(RATES[1], splits)
    part = Progress()
    step = Lanes(1, 64, 3).lane(0)
    keeper = Checkpoints(tmp_path)
    run(plan(RATES[1]), step, *splits, part, judge=judge, report=lambda r: r.epoch < 2, checkpoints=None)
    keeper.offer(lambda: snapshot(step.tensors(), part))
    keeper.close()
    lanes = Lanes(3, 64, 3)
    resumed = restore(read(tmp_path), lanes.lane(1), tmp_path)
    assert torch.equal(lanes.weights_KFC[1], step.tensors()["model.weight"])
    assert not lanes.weights_KFC[[0, 2]].any()
    single = Lanes(1, 64, 3).lane(0)
    single.load(lanes.lane(1).tensors())
    run(plan(RATES[1]), single, *splits, resumed, judge=judge, report=keep_going, checkpoints=None)
    assert resumed.history == whole.history == progress.history
    assert torch.equal(single.tensors()["model.weight"], weights)
