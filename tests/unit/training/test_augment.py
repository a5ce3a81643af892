"""The hook that changes each batch of train before the step."""

from dataclasses import replace

import torch
from small import params, small

from nnops.metrics.base import Predictions
from nnops.report import keep_going
from nnops.training.loop import Progress, run
from nnops.training.plan import build_plan
from nnops.training.step import SoloStep, trainable
from nnops.training.train import build_loss, build_model
from nnops.training.update import SgdUpdate


def trained(data, augment, epochs=2):
    chosen = params(train={"epochs": epochs})
    model = build_model(chosen, data.spec)
    weights = trainable(model)
    step = SoloStep(model, build_loss(chosen, data.spec), SgdUpdate(weights, 0.0, False, 0.0), None)
    progress = Progress()
    run(
        replace(build_plan(chosen, data.spec, 0.1), augment=augment),
        step,
        data.tensors("train"),
        data.tensors("val"),
        progress,
        judge=lambda output, target: Predictions("multiclass", output.numpy(), target.numpy()),
        report=keep_going,
        checkpoints=None,
    )
    return progress.history


def test_sees_every_batch_of_train_and_no_row_of_val(tmp_path):
    data = small(tmp_path)
    seen = []

    def augment(inputs, target_B, chance):
        seen.append((len(target_B), float(torch.rand((), generator=chance))))
        return tuple(torch.zeros_like(tensor) for tensor in inputs), target_B

    changed = trained(data, augment)
    assert [rows for rows, _ in seen] == 2 * [32, 32, 32, 32, 22]
    assert len({number for _, number in seen}) == len(seen)
    first = list(seen)
    seen.clear()
    assert trained(data, augment) == changed
    assert seen == first
    assert changed[0]["train_loss"] != trained(data, None)[0]["train_loss"]


def test_one_that_changes_nothing_changes_no_bit(tmp_path):
    data = small(tmp_path)
    assert trained(data, lambda inputs, target_B, chance: (inputs, target_B)) == trained(data, None)
