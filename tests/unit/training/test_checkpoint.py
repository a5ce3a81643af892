"""Checkpoints: whole or not there, damage seen, a full disk survived, a resume to the bit."""

import json
import logging
import resource
import sys
import time

import pytest
import torch
from safetensors import safe_open
from small import params, small

from nnops.errors import IntegrityError
from nnops.training.checkpoint import Checkpoints, found, read
from nnops.training.state import Image, State, decode
from nnops.training.train import train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small(tmp_path_factory.mktemp("mixed"), "mixed")


def state(epoch, size=1000):
    tensors = {
        "model.weight": torch.full((size, 3), float(epoch)),
        "model.count": torch.tensor(epoch),
        "optimizer.steps.0": torch.tensor(float(epoch)),
        "model.flags": torch.tensor([True, False, True]),
        "best.weight": torch.full((size, 3), 0.5, dtype=torch.float64),
    }
    history = [{"train_loss": 1 / (row + 3), "val_auc": float("nan")} for row in range(epoch)]
    return State(tensors, epoch, 1, history)


def same(a, b):
    assert (a.epoch, a.best_epoch, json.dumps(a.history)) == (b.epoch, b.best_epoch, json.dumps(b.history))
    assert set(a.tensors) == set(b.tensors)
    for name, tensor in a.tensors.items():
        assert tensor.dtype == b.tensors[name].dtype
        assert torch.equal(tensor, b.tensors[name])


def keep(folder, epochs):
    """Save the state of each epoch, waiting for each."""
    for epoch in epochs:
        keeper = Checkpoints(folder)
        keeper.offer(lambda epoch=epoch: state(epoch))
        keeper.close()


def test_an_image_takes_one_state_after_another(tmp_path):
    image = Image(state(0).tensors)
    for epoch in (1, 2, 5):
        image.take(state(epoch))
        header, content, _ = image.encode()
        assert len(header) % 8 == 0
        same(decode(header + bytes(content)), state(epoch))


def test_an_image_is_not_changed_by_the_training_that_goes_on():
    moving = state(1)
    image = Image(moving.tensors)
    image.take(moving)
    moving.tensors["model.weight"].zero_()
    moving.history.append({"train_loss": 9.0})
    header, content, _ = image.encode()
    same(decode(header + bytes(content)), state(1))


def test_a_checkpoint_is_a_safetensors_file(tmp_path):
    keep(tmp_path, [3])
    with safe_open(found(tmp_path)[0], "pt") as stream:
        assert set(stream.keys()) == set(state(3).tensors)
        assert json.loads(stream.metadata()["nnops"])["epoch"] == 3


def test_the_newest_is_read(tmp_path):
    assert read(tmp_path / "none") is None
    keep(tmp_path, [1, 2, 12])
    same(read(tmp_path), state(12))


def test_old_ones_and_parts_of_killed_writers_are_deleted(tmp_path):
    keep(tmp_path, [1])
    (tmp_path / ".epoch-000002-00000000.safetensors.99.part").write_bytes(b"half")
    keep(tmp_path, [2, 3])
    assert [path.name[:12] for path in found(tmp_path)] == ["epoch-000002", "epoch-000003"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_was_flushed_is_kept_until_a_later_one_is(tmp_path, monkeypatch):
    monkeypatch.setattr("nnops.training.checkpoint.LONGEST_S", 0.05)
    keeper = Checkpoints(tmp_path)
    seen = set()
    for epoch in range(1, 60):
        keeper.offer(lambda epoch=epoch: state(epoch))
        time.sleep(0.01)
        seen.add(len(found(tmp_path)))
    keeper.close()
    assert 1 <= len(found(tmp_path)) <= 2
    assert max(seen) <= 3  # the newest is there before an older one goes
    assert read(tmp_path).epoch > 40


def test_clear_deletes_all_and_the_folder(tmp_path):
    folder = tmp_path / "kept"
    keep(folder, [1, 2])
    (folder / ".epoch-000002-00000000.safetensors.99.part").write_bytes(b"half")
    Checkpoints(folder).clear()
    assert not folder.exists()
    Checkpoints(folder).clear()


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "empty":
        content = bytearray()
    else:
        place = {"length": 3, "header": 40, "data": len(content) - 5}[how]
        content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "empty", "length", "header", "data"])
def test_damage_is_refused_in_one_sentence(tmp_path, how):
    keep(tmp_path, [4])
    damage(found(tmp_path)[0], how)
    with pytest.raises(IntegrityError) as caught:
        read(tmp_path)
    assert str(found(tmp_path)[0]) in str(caught.value)
    assert "damaged" in str(caught.value)
    assert "delete it to start this training anew" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_whole_one_before_a_damaged_one_is_used(tmp_path, caplog):
    keep(tmp_path, [4, 5])
    newest = found(tmp_path)[-1]
    damage(newest, "cut")
    with caplog.at_level(logging.WARNING, "nnops"):
        same(read(tmp_path), state(4))
    assert str(newest) in caplog.text


def test_train_says_that_a_checkpoint_is_damaged(data, tmp_path):
    train(params(), data, checkpoints=tmp_path, report=lambda moment: moment.epoch < 2)
    for path in found(tmp_path):
        damage(path, "data")
    with pytest.raises(IntegrityError, match="damaged"):
        train(params(), data, checkpoints=tmp_path)


def test_a_checkpoint_of_another_network_is_refused(data, tmp_path):
    train(params(), data, checkpoints=tmp_path, report=lambda moment: moment.epoch < 2)
    other = params(model={"name": "mlp", "options": {"hidden": [7]}})
    with pytest.raises(IntegrityError, match="is of another network or optimizer; delete it"):
        train(other, data, checkpoints=tmp_path)


@pytest.mark.parametrize(
    ("optimizer", "stop"),
    [
        ({"name": "adamw", "options": {"lr": 0.01}}, 1),
        ({"name": "adam", "options": {"lr": 0.01, "weight_decay": 0.1}}, 3),
        ({"name": "sgd", "options": {"lr": 0.1, "momentum": 0.9, "nesterov": True}}, 5),
        ({"name": "rmsprop", "options": {"lr": 0.01, "momentum": 0.5}}, 2),
    ],
)
def test_a_stopped_training_goes_on_with_the_same_bits(data, tmp_path, optimizer, stop):
    chosen = params(
        model={"name": "mlp", "options": {"hidden": [16, 8], "dropout": 0.2, "norm": True}},
        train={
            "epochs": 9,
            "optimizer": optimizer,
            "schedule": {"name": "cosine", "options": {"warmup_epochs": 2}},
            "early_stopping": {"metric": "val_accuracy", "patience": 4},
            "clip_norm": 1.0,
        },
    )
    whole = train(chosen, data)
    first, second = [], []

    def until(moment):
        first.append(dict(moment.metrics))
        return moment.epoch < stop

    def replay(moment):
        second.append((moment.epoch, dict(moment.metrics)))
        return True

    train(chosen, data, checkpoints=tmp_path, report=until)
    rest = train(chosen, data, checkpoints=tmp_path, report=replay)
    assert rest.history == whole.history
    assert rest.weights_sha256 == whole.weights_sha256
    assert (rest.best_epoch, rest.ended) == (whole.best_epoch, whole.ended)
    # Epochs that the checkpoint holds are reported again, with the numbers that they had.
    assert [epoch for epoch, _ in second] == list(range(1, len(whole.history) + 1))
    assert [row for _, row in second] == whole.history
    assert first == whole.history[:stop]


def test_the_best_weights_survive_when_nothing_better_comes(data, tmp_path):
    chosen = params(train={"epochs": 40, "optimizer": {"name": "adamw", "options": {"lr": 0.1}}})
    whole = train(chosen, data)
    stop = whole.best_epoch + 2
    assert stop < 40
    part = train(chosen, data, checkpoints=tmp_path, report=lambda moment: moment.epoch < stop)
    rest = train(chosen, data, checkpoints=tmp_path)
    assert part.weights_sha256 == rest.weights_sha256 == whole.weights_sha256


def test_a_finished_training_is_not_trained_again(data, tmp_path):
    whole = train(params(), data, checkpoints=tmp_path)
    again = train(params(), data, checkpoints=tmp_path)
    assert again.weights_sha256 == whole.weights_sha256
    assert again.history == whole.history


def test_every_epoch_is_kept_when_epochs_are_not_tiny(data, tmp_path):
    kept = []

    def report(moment):
        """An epoch as long as it takes to write the one before it, and a little longer."""
        until_s = time.monotonic() + 20
        while moment.epoch > 1 and time.monotonic() < until_s:
            kept.append(int(found(tmp_path)[-1].name[6:12]) if found(tmp_path) else 0)
            if kept[-1] == moment.epoch - 1:
                break
            time.sleep(0.002)
        time.sleep(0.05)
        return True

    train(params(train={"epochs": 8}), data, checkpoints=tmp_path, report=report)
    assert set(kept) >= set(range(1, 8))


def test_no_more_often_than_asked(data, tmp_path):
    train(params(train={"epochs": 30}), data, checkpoints=tmp_path, checkpoint_every_s=60.0)
    assert found(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_disk_that_is_full_costs_the_checkpoint_and_not_the_training(data, tmp_path, caplog):
    """The limit on a file's size gives a real error of the system, as a full disk does."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    train(params(), data, checkpoints=tmp_path, report=lambda moment: moment.epoch < 2)
    before = found(tmp_path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with caplog.at_level(logging.WARNING, "nnops"):
            whole = train(params(), data, checkpoints=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert whole.ended == "complete"
    assert caplog.text.count("no checkpoint could be written") == 1
    assert found(tmp_path) == before
    assert not list(tmp_path.glob(".*"))
    assert train(params(), data, checkpoints=tmp_path).weights_sha256 == whole.weights_sha256
