"""Fairness in training: weights and terms against their formulas, slopes, resumption to the bit, refusals."""

import numpy as np
import pytest
import torch
import treated

from nnops.data.prepare import prepare
from nnops.errors import ParamsError
from nnops.losses.binary_cross_entropy import BinaryCrossEntropy
from nnops.losses.cross_entropy import CrossEntropy
from nnops.params import Fairness
from nnops.training.fairness import FairLoss, check_fairness, reweigh
from nnops.training.train import train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("treated")
    (folder / "people.csv").write_text(treated.people())
    return prepare(treated.params(), folder / "out", folder, pictures=False)


def asking(method="reweighing", **options):
    return treated.params(
        train={
            "epochs": 4,
            "batch_size": 64,
            "optimizer": {"name": "adamw", "options": {"lr": 0.02}},
            "device": "cpu",
            "fairness": {"method": method, "column": "sex", **options},
        }
    )


def test_weights_make_group_and_class_independent():
    # The example of Kamiran and Calders 2012, table 2: 5 of each sex, 4 and 2 of them of the class.
    sex_N, class_N = torch.tensor([1] * 5 + [0] * 5), torch.tensor([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    weight_JY = reweigh(sex_N, class_N, 2, 2)
    assert weight_JY.tolist() == [pytest.approx([0.5 * 0.4 / 0.3, 0.5 * 0.6 / 0.2]), pytest.approx([2.0, 0.75])]
    weight_N = weight_JY[sex_N, class_N]
    for sex in (0, 1):
        mine = sex_N == sex
        assert (weight_N * class_N)[mine].sum() / weight_N[mine].sum() == pytest.approx(0.6)


def test_the_slope_is_that_of_the_weighted_loss_and_the_loss_the_plain_one():
    torch.manual_seed(0)
    input_BF, weight_FC = torch.randn(12, 4), torch.randn(4, 3, requires_grad=True)
    output_BC = input_BF @ weight_FC
    target_B, group_B = torch.randint(0, 3, (12,)), torch.randint(0, 2, (12,))
    weight_JY = torch.rand(2, 3)
    fair = FairLoss(CrossEntropy(), Fairness(method="reweighing"), "multiclass", weight_JY, 2)
    loss = fair(output_BC, torch.stack([target_B, group_B], 1))
    (slope,) = torch.autograd.grad(loss, weight_FC)
    each_B = torch.nn.functional.cross_entropy(input_BF @ weight_FC, target_B, reduction="none")
    (expected,) = torch.autograd.grad((each_B * weight_JY[group_B, target_B]).mean(), weight_FC, retain_graph=True)
    torch.testing.assert_close(slope, expected)
    torch.testing.assert_close(loss, each_B.mean())
    assert fair(output_BC, target_B) == loss


@pytest.mark.parametrize("goal", ["demographic_parity", "equal_opportunity", "equalized_odds"])
def test_the_penalty_is_the_variance_between_groups(goal):
    torch.manual_seed(1)
    output_BC = torch.randn(40, 1, requires_grad=True)
    target_B, group_B = torch.randint(0, 2, (40,)).float(), torch.randint(0, 3, (40,))
    asked = Fairness(method="penalty", goal=goal, weight=3.0)
    fair = FairLoss(BinaryCrossEntropy(), asked, "binary", None, 3)
    score_B = output_BC[:, 0].detach().sigmoid().numpy()

    def between(rows_B):
        kept, group = score_B[rows_B], group_B.numpy()[rows_B]
        parts = [((group == j).mean(), kept[group == j].mean()) for j in np.unique(group)]
        return sum(share * (mean - kept.mean()) ** 2 for share, mean in parts)

    truth_B = target_B.numpy() == 1
    expected = {
        "demographic_parity": between(np.ones(40, bool)),
        "equal_opportunity": between(truth_B),
        "equalized_odds": (between(truth_B) + between(~truth_B)) / 2,
    }[goal]
    term = fair.term(output_BC, target_B, group_B)
    assert float(term.detach()) == pytest.approx(expected, rel=1e-5)
    loss = fair(output_BC, torch.stack([target_B, group_B.float()], 1))
    plain = BinaryCrossEntropy()(output_BC, target_B)
    assert float(loss.detach()) == pytest.approx(float(plain.detach()))
    (slope,) = torch.autograd.grad(loss, output_BC, retain_graph=True)
    torch.testing.assert_close(slope, torch.autograd.grad(plain + 3 * term, output_BC)[0])


@pytest.mark.parametrize("method", ["penalty", "reweighing"])
def test_a_training_that_was_broken_ends_in_the_same_bits(data, tmp_path, method):
    params = asking(method)
    whole = train(params, data)
    train(params, data, checkpoints=tmp_path, until=2)
    again = train(params, data, checkpoints=tmp_path)
    assert again.weights_sha256 == whole.weights_sha256
    assert again.history == whole.history
    assert whole.weights_sha256 != train(treated.params(), data).weights_sha256
    assert whole.fingerprint != train(treated.params(), data).fingerprint


def test_a_penalty_brings_scores_together(data):
    from nnops.training.train import build_model

    def apart(params):
        model = build_model(params, data.spec)
        model.load_state_dict(train(params, data).weights)
        with torch.no_grad():
            score_N = model.eval()(*data.tensors("train").inputs)[:, 0].sigmoid().numpy()
        sex_N = data.groups("train")[:, 0]
        return abs(score_N[sex_N == 1].mean() - score_N[sex_N == 0].mean())

    parity = asking("penalty", goal="demographic_parity", weight=30.0)
    assert apart(parity) < 0.75 * apart(treated.params())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"column": "age"}, r"train.fairness.column must be one of data.groups, which is [sex, town], got 'age'"),
        ({"column": None}, "got nothing"),
        ({"method": "penalty", "accumulate": 2}, "write train.accumulate: 1, or method: reweighing"),
        ({"method": "penalty", "workers": 2}, "write train.workers: 1, or method: reweighing"),
        ({"sampler": "weighted"}, "write shuffled"),
    ],
)
def test_what_does_not_go_together(data, change, message):
    fairness = {"method": "reweighing", "column": "sex"} | {
        k: v for k, v in change.items() if k in ("method", "column")
    }
    rest = {k: v for k, v in change.items() if k not in fairness}
    with pytest.raises(ParamsError, match=r"params\.yaml: train\.fairness") as caught:
        check_fairness(treated.params(train={"epochs": 1, "fairness": fairness, **rest}), data)
    assert message in str(caught.value)


def test_a_quantity_has_no_classes(tmp_path):
    from small import params, small

    data = small(tmp_path, "numeric")
    with pytest.raises(ParamsError, match="is for classes, and the task is regression"):
        train(params(train={"epochs": 1, "fairness": {"method": "reweighing"}}), data)


def test_options_of_the_other_method():
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="goal is of method: penalty"):
        Fairness(method="reweighing", goal="demographic_parity")
