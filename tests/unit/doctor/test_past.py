"""What is said of a training by its history, and histories that are damaged."""

from pathlib import Path

import pytest
import torch
from small import params, small

from nnops.doctor import CHECKS
from nnops.doctor.case import Case
from nnops.doctor.examine import ORDER
from nnops.doctor.past import Past, past_of, read_history, read_running
from nnops.errors import IntegrityError
from nnops.training.train import build_model, train

#: Losses of train and val by epoch, of three classes: a constant answer has ln 3 = 1.1.
HISTORIES = {
    "overfitting": ([1.0, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02], [1.0, 0.7, 0.6, 0.62, 0.7, 0.8, 0.9, 1.0]),
    "unstable": ([1.0, 0.5, 0.9, 0.4, 0.8, 0.3, 0.7, 0.2], [1.0, 0.6, 0.9, 0.35, 0.8, 0.4, 0.7, 0.4]),
    "stopped_early": ([1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
    "not_learning": ([1.12, 1.11, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1], [1.1] * 8),
}
GOOD = ([1.0, 0.6, 0.3, 0.2, 0.15, 0.12, 0.11, 0.1], [0.9, 0.5, 0.3, 0.22, 0.19, 0.18, 0.175, 0.174])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small(tmp_path_factory.mktemp("data"), "image")


def past(losses, ended="complete") -> Past:
    rows = [{"train_loss": a, "val_loss": b, "lr": 1e-3} for a, b in zip(*losses, strict=True)]
    return Past("the training", rows, ended)


def looked(data, losses, **more) -> list[str]:
    case = Case(params(), data, [past(losses, **more)])
    names = ("not_learning", "overfitting", "unstable", "stopped_early")
    return [found.check for name in names for found in CHECKS.build(name, {}).look(case)]


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_is_named(data, name) -> None:
    assert looked(data, HISTORIES[name]) == [name]


def test_a_good_history_is_not_accused(data) -> None:
    assert looked(data, GOOD) == []


def test_a_training_under_way_has_not_stopped_early(data) -> None:
    assert looked(data, HISTORIES["stopped_early"], ended="running") == []


def test_a_training_under_way_is_read_from_its_checkpoint(data, tmp_path) -> None:
    made = params(train={"epochs": 3})
    train(made, data, checkpoints=tmp_path, until=2)
    (found,) = read_running(tmp_path, build_model(made, data.spec))
    assert len(found.history) == 2
    assert found.ended == "running"
    assert found.module is not None
    assert not torch.equal(next(found.module.parameters()), next(build_model(made, data.spec).parameters()))
    assert read_running(tmp_path / "nothing", build_model(made, data.spec)) == []


def test_a_trained_network_is_looked_at_without_being_changed(data) -> None:
    made = params()
    done = train(made, data)
    module = build_model(made, data.spec)
    module.load_state_dict(done.weights)
    case = Case(made, data, [Past("the training", done.history, done.ended, module)])
    for name in ("gradients", "units", "plateau"):
        CHECKS.build(name, {}).look(case)
    assert all(torch.equal(tensor, done.weights[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "columns epoch, train_loss, val_loss"),
        ("epoch,loss\n1,2\n", "columns epoch, train_loss, val_loss"),
        ("epoch,train_loss,val_loss\n", "a line for each epoch"),
        ("epoch,train_loss,val_loss\n1,0.5,0.5\n2,0.4\n", "line 3 must hold 3 numbers"),
        ("epoch,train_loss,val_loss\n1,0.5,much\n", "line 2 must hold 3 numbers"),
        ("epoch,train_loss,val_loss\n1,nan,0.5\n", "line 2 holds a loss that is no number"),
    ],
)
def test_a_damaged_history_is_one_sentence(text, part) -> None:
    with pytest.raises(IntegrityError, match=part) as error:
        read_history(text, Path("history.csv"))
    assert "\n" not in str(error.value)


def test_a_metric_that_is_no_number_is_no_damage() -> None:
    rows = read_history("epoch,train_loss,val_loss,val_roc_auc\n1,0.5,0.5,nan\n", Path("history.csv"))
    assert rows[0]["train_loss"] == 0.5


def test_a_record_without_losses_is_refused() -> None:
    with pytest.raises(IntegrityError, match="lacks the losses"):
        past_of("trial s/0", {"val_accuracy": {1: 0.5}})
    assert past_of("trial s/0", {"train_loss": {1: 0.5}, "val_loss": {1: 0.6}})[0].history[0]["val_loss"] == 0.6


def test_every_check_has_its_place_and_its_name() -> None:
    assert sorted(ORDER) == CHECKS.names()
    assert [CHECKS.load(name).name for name in ORDER] == list(ORDER)
