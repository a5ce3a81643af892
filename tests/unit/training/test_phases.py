"""Values that change on the way: a schedule's steps, and the same bits however often the training was broken."""

import pytest
from small import params, small

from nnops.errors import ParamsError
from nnops.params import may_change, overlay, parse
from nnops.training.checkpoint import read
from nnops.training.phases import phases
from nnops.training.train import train

LR = "train.optimizer.options.lr"
MOMENTUM = "train.optimizer.options.momentum"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small(tmp_path_factory.mktemp("mixed"), "mixed")


def changed(*changes, **train):
    return params(
        model={"name": "mlp", "options": {"hidden": [16], "dropout": 0.2, "norm": True}},
        train={"epochs": 9, "batch_size": 16, "optimizer": {"name": "sgd", "options": {"lr": 0.01}}, **train}
        | {"changes": [{"after": after, "set": values} for after, values in changes]},
    )


MANY = (
    (2, {LR: 0.03, MOMENTUM: 0.9}),
    (4, {"train.batch_size": 5, "model.options.dropout": 0.0}),
    (7, {MOMENTUM: 0.0, "train.clip_norm": 0.1}),
)


def test_a_change_of_the_rate_is_a_step_of_the_schedule(data):
    step = {"name": "step", "options": {"every_epochs": 5, "gamma": 0.1}}
    by_schedule = train(changed(schedule=step), data)
    by_change = train(changed((5, {LR: 0.001})), data)
    assert by_change.weights_sha256 == by_schedule.weights_sha256
    assert by_change.history == by_schedule.history


def test_a_change_to_the_value_that_was_there_changes_no_bit(data):
    assert train(changed((3, {LR: 0.01})), data).weights_sha256 == train(changed(), data).weights_sha256


def test_changes_change_something(data):
    plain = train(changed(), data).history
    found = train(changed(*MANY), data).history
    assert found[:2] == plain[:2]
    assert found[2] != plain[2]


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_broken_training_with_changes_goes_on_with_the_same_bits(data, tmp_path, stop):
    chosen = changed(*MANY)
    whole = train(chosen, data)
    train(chosen, data, checkpoints=tmp_path, report=lambda moment: moment.epoch < stop)
    rest = train(chosen, data, checkpoints=tmp_path)
    assert rest.history == whole.history
    assert rest.weights_sha256 == whole.weights_sha256


@pytest.mark.parametrize("until", [2, 3, 8])
def test_a_pause_leaves_a_state_that_another_training_goes_on_from(data, tmp_path, until):
    # The second one differs from the first in what comes after the pause alone.
    first, second = changed(*MANY[:1]), changed(MANY[0], (8, {LR: 0.5})) if until == 8 else changed(*MANY)
    if until == 2:
        first = changed()
    paused = train(first, data, checkpoints=tmp_path / "first", checkpoint_every_s=1e9, until=until)
    assert paused.ended == "paused"
    assert len(paused.history) == until
    state = read(tmp_path / "first")
    assert state is not None
    reports = []

    def report(moment):
        reports.append(moment.epoch)
        return True

    heir = train(second, data, checkpoints=tmp_path / "second", start=state, report=report)
    alone = train(second, data)
    assert heir.history == alone.history
    assert heir.weights_sha256 == alone.weights_sha256
    assert reports == list(range(1, 10))


def test_until_the_last_epoch_is_the_whole_training(data):
    assert train(changed(), data, until=9).ended == "complete"


def test_phases():
    found = phases(changed(*MANY))
    assert [phase.until for phase in found] == [2, 4, 7, 9]
    assert [phase.params.train.batch_size for phase in found] == [16, 16, 5, 5]
    assert [phase.params.train.optimizer.options.get("momentum") for phase in found] == [None, 0.9, 0.9, 0.0]
    assert all(phase.params.train.changes == () for phase in found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (((9, {LR: 0.1}),), "train.changes.0.after must be below train.epochs=9, got 9."),
        (((2, {"train.optimizer.options.rate": 0.1}),), "rate"),
        (((2, {"train.batch_size": 0}),), "train.batch_size"),
    ],
)
def test_a_change_that_cannot_be_is_refused_before_the_first_epoch(data, changes, words):
    reports = []

    def report(moment):
        reports.append(moment.epoch)
        return True

    with pytest.raises(ParamsError, match=words):
        train(changed(*changes), data, report=report)
    assert reports == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{"after": 2, "set": {"model.options.hidden": [3]}}], "a training cannot change 'model.options.hidden'"),
        ([{"after": 2, "set": {"seed": 3}}], "a training cannot change 'seed'"),
        ([{"after": 3, "set": {}}, {"after": 3, "set": {}}], "after must rise"),
        ([{"after": 0, "set": {}}], "train.changes"),
        ([{"epoch": 1, "set": {}}], "unknown key 'epoch'; there is after, set"),
    ],
)
def test_a_list_of_changes_that_makes_no_sense_is_refused(changes, words):
    with pytest.raises(ParamsError, match=words) as error:
        parse({"train": {"changes": changes}})
    assert "\n" not in str(error.value)


def test_what_may_change():
    assert may_change("train.batch_size")
    assert not may_change("train.batch_sizes")
    assert not may_change("train.epochs")


def test_changes_can_be_laid_over_params():
    laid = overlay(parse({}), {"train.changes": [{"after": 2, "set": {LR: 0.1}}]})
    assert laid.train.changes[0].set == {LR: 0.1}
    assert parse(laid.record()) == laid
