"""Attacks stay within reach and raise the loss; a network trained against one withstands it better."""

import numpy as np
import pandas as pd
import pytest
import torch
from small import params, small
from torch import nn

from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.errors import NameUnknownError, ParamsError
from nnops.losses import DEFAULT, LOSSES
from nnops.params import parse
from nnops.training.attacks import ATTACKS
from nnops.training.attacks.base import Reach
from nnops.training.attacks.fgsm import Fgsm
from nnops.training.attacks.pgd import Pgd
from nnops.training.train import build_model, train

CASES = [
    pytest.param(one, id=f"{name}-{place}")
    for name in ATTACKS.names()
    for place, one in enumerate(ATTACKS.load(name).examples())
]


def staged(data: Prepared):
    tensors = data.tensors("val")
    return build_model(params(), data.spec), LOSSES.build(DEFAULT[data.spec.task], {}), tensors


@pytest.mark.parametrize("attack", CASES)
@pytest.mark.parametrize("kind", ["image", "series"])
def test_what_is_moved_stays_within_reach_and_raises_the_loss(tmp_path, kind, attack):
    data = small(tmp_path, kind)
    model, loss, rows = staged(data)
    model.train()
    reach = Reach.of(data, "here")
    before = [tensor.clone() for tensor in rows.inputs]
    torch.manual_seed(0)
    moved = attack.apply(model, loss, rows.inputs, rows.target, reach)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())
    assert all(torch.equal(one, old) for one, old in zip(rows.inputs, before, strict=True))
    far = (moved[0] - before[0]).abs() / reach.scale
    assert far.max() <= attack.epsilon * (1 + 1e-4)
    assert far.max() > 0.9 * attack.epsilon
    if reach.low is not None and reach.high is not None:
        assert (moved[0] >= reach.low).all()
        assert (moved[0] <= reach.high).all()
    model.eval()
    assert loss(model(*moved), rows.target) > loss(model(*before), rows.target)


def test_one_step_is_the_sign_of_the_slope():
    model = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[2.0, -1.0, 0.5]]))
    loss = LOSSES.build("binary_cross_entropy", {})
    start = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    reach = Reach(0, torch.tensor([1.0, 1.0, 0.0]))
    (moved,) = Fgsm(epsilon=0.25).apply(model, loss, (start,), torch.tensor([1.0, 0.0]), reach)
    # The slope of the loss is (p - y) w: against w for the first row, along it for the second one; nothing moves where
    # nothing may.
    assert torch.allclose(moved - start, torch.tensor([[-0.25, 0.25, 0.0], [0.25, -0.25, 0.0]]))


def test_several_steps_find_more_than_one(tmp_path):
    data = small(tmp_path)
    chosen = params(train={"epochs": 12})
    trained = train(chosen, data)
    model, loss, rows = staged(data)
    model.load_state_dict(trained.weights)
    reach = Reach.of(data, "here")
    found = []
    for attack in (Fgsm(epsilon=0.15), Pgd(epsilon=0.15, steps=20)):
        torch.manual_seed(0)
        moved = attack.apply(model, loss, rows.inputs, rows.target, reach)
        found.append(loss(model(*moved), rows.target).item())
    assert found[1] > found[0]


def test_a_network_that_met_an_attack_withstands_it_and_goes_on_to_the_bit(tmp_path):
    data = small(tmp_path / "data")
    attack = {"name": "fgsm", "options": {"epsilon": 0.2}}
    plain, hard = params(train={"epochs": 12}), params(train={"epochs": 12, "adversarial": attack})
    model, loss, rows = staged(data)
    reach = Reach.of(data, "here")

    def withstood(trained):
        model.load_state_dict(trained.weights)
        torch.manual_seed(0)
        moved = Pgd(epsilon=0.2).apply(model, loss, rows.inputs, rows.target, reach)
        return float((model(*moved).argmax(1) == rows.target).float().mean())

    whole = train(hard, data)
    assert withstood(whole) > withstood(train(plain, data)) + 0.15
    told = []
    train(hard, data, report=lambda moment: told.append(moment) or moment.epoch < 5, checkpoints=tmp_path / "kept")
    assert len(told) == 5
    again = train(hard, data, checkpoints=tmp_path / "kept")
    assert again.weights_sha256 == whole.weights_sha256


def test_a_share_of_a_batch_is_between_both(tmp_path):
    data = small(tmp_path)
    attack = {"name": "pgd", "options": {"epsilon": 0.1, "steps": 2}}
    shares = [train(params(train={"adversarial": attack | {"share": share}}), data) for share in (0.25, 1.0)]
    assert shares[0].weights_sha256 != shares[1].weights_sha256
    assert shares[0].weights_sha256 != train(params(), data).weights_sha256


def table(folder, **sections):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"word": rng.choice(list("abc"), 60), "size": rng.normal(size=60)})
    frame["kind"] = np.where(frame["size"] + (frame["word"] == "a") > 0.5, "yes", "no")
    frame.loc[::7, "size"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    data = {"source": {"name": "csv", "options": {"path": "t.csv"}}, "target": "kind", **sections}
    return prepare(parse({"data": data, "model": {"name": "mlp"}}), folder / "prepared", folder)


def test_of_a_table_numbers_move_and_words_and_gaps_stay(tmp_path):
    data = table(tmp_path, cleaning={"indicator": True})
    reach = Reach.of(data, "here")
    # size, whether it is missing, and three words.
    assert sorted(reach.scale.tolist()) == [0.0, 0.0, 0.0, 0.0, 1.0]
    model, loss, rows = staged(data)
    moved = Pgd(epsilon=0.5).apply(model, loss, rows.inputs, rows.target, reach)
    hit = (moved[0] != rows.inputs[0]).any(0)
    assert hit.tolist() == [bool(value) for value in reach.scale]


def test_what_does_not_fit_is_one_sentence(tmp_path):
    data = table(tmp_path, kinds={"size": "ignore"})
    with pytest.raises(ParamsError, match=r"train\.adversarial: an attack moves numbers or pixels .* leave it out"):
        train(params(train={"adversarial": {"name": "fgsm"}}), data)
    words = params(train={"adversarial": {"name": "fgsm"}}, model={"name": "bag", "options": {}})
    with pytest.raises(ParamsError, match=r"train\.adversarial: .* the data have text without any"):
        train(words, small(tmp_path / "t", "text"))
    with pytest.raises(NameUnknownError, match="did you mean 'pgd'"):
        train(params(train={"adversarial": {"name": "pdg"}}), small(tmp_path / "i"))
    with pytest.raises(ParamsError, match=r"train\.adversarial\.options\.epsilon must be greater than 0"):
        train(params(train={"adversarial": {"name": "fgsm", "options": {"epsilon": 0}}}), small(tmp_path / "i"))
