"""Metrics of masks beside scikit-learn's, and the Dice loss beside a derivation in NumPy."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score

from nnops.losses.cross_entropy import CrossEntropy
from nnops.losses.dice import Dice as DiceLoss
from nnops.metrics.dense import Dice, MeanIou
from nnops.metrics.predictions import Predictions


def predictions(seed=0, rows=9, classes=4, seen=4):
    chance = np.random.default_rng(seed)
    output = chance.normal(size=(rows, classes, 6, 5)).astype(np.float32)
    output[:, seen:] -= 50
    target = chance.integers(0, seen, (rows, 6, 5))
    return Predictions("segmentation", output + 1.5 * np.moveaxis(np.eye(classes)[target], -1, 1), target)


def test_a_class_that_is_nowhere_is_left_out_as_scikit_learn_does():
    found = predictions(seen=3)
    truth, said = found.truth_N.ravel(), found.label_N.ravel()
    assert MeanIou()(found) == pytest.approx(jaccard_score(truth, said, average="macro"))
    assert Dice()(found) == pytest.approx(f1_score(truth, said, average="macro"))


def test_the_dice_loss_is_its_formula():
    found = predictions(3)
    output, target = found.output_NC.astype(np.float64), found.target_N
    share = np.exp(output) / np.exp(output).sum(1, keepdims=True)
    wanted = []
    for row in range(9):
        for code in range(4):
            there = target[row] == code
            wanted.append((2 * share[row, code][there].sum() + 0.5) / (share[row, code].sum() + there.sum() + 0.5))
    loss = DiceLoss(smooth=0.5)(torch.from_numpy(output), torch.from_numpy(target))
    assert float(loss) == pytest.approx(1 - np.mean(wanted))
    surprise = -np.log(np.take_along_axis(share, target[:, None], 1)).mean()
    both = DiceLoss(smooth=0.5, cross_entropy=2.0)(torch.from_numpy(output), torch.from_numpy(target))
    assert float(both) == pytest.approx(1 - np.mean(wanted) + 2 * surprise)
    assert float(CrossEntropy()(torch.from_numpy(output), torch.from_numpy(target))) == pytest.approx(surprise)


def test_cross_entropy_weighs_pixels_by_their_class():
    found = predictions(4)
    output, target = torch.from_numpy(found.output_NC), torch.from_numpy(found.target_N)
    weight = {"0": 3.0, "2": 0.5}
    loss = CrossEntropy(class_weights=weight).fitted("segmentation", ("0", "1", "2", "3"), target)
    each = torch.nn.functional.cross_entropy(output, target, reduction="none")
    factor = torch.tensor([3.0, 1.0, 0.5, 1.0])[target]
    torch.testing.assert_close(loss(output, target), (each * factor).mean())
    balanced = CrossEntropy(class_weights="balanced").fitted("segmentation", ("0", "1", "2", "3"), target)
    share = torch.bincount(target.flatten()) / target.numel()
    torch.testing.assert_close(balanced(output, target), (each / (4 * share[target])).mean())
