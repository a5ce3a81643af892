"""Rows that stay on disk: the same rows, each once an epoch, well mixed, and never all in memory."""

import numpy as np
import pytest
import torch

from nnops.data import disk
from nnops.data.disk import OnDisk
from nnops.data.prepare import prepare
from nnops.errors import DataError, TrainingError
from nnops.evaluation.predict import read_rows
from nnops.params import overlay, parse
from nnops.training import loop
from nnops.training.loop import row_order
from nnops.training.order import MIXED, shuffle
from nnops.training.train import train

PARAMS = parse(
    {
        "data": {"source": {"name": "sklearn", "options": {"set": "iris"}}, "categories": "embedding"},
        "model": {"name": "mlp", "options": {"hidden": [6]}},
        "train": {"epochs": 3, "batch_size": 16, "stream": True},
    }
)


@pytest.mark.parametrize("shape", [(1000, 7), (1000,), (90, 2, 3, 3)])
def test_rows_are_those_of_the_file(shape, tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "BLOCK_BYTES", 300)
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.save(tmp_path / "a.npy", array)
    column, whole = OnDisk(tmp_path / "a.npy", "cpu"), torch.from_numpy(array)
    assert column.shape == shape
    assert 1 <= column.block < shape[0]
    for rows in (torch.randperm(shape[0]), torch.tensor([shape[0] - 1, 0, 0]), torch.arange(5, 40)):
        assert torch.equal(column.index_select(0, rows), whole.index_select(0, rows))
    assert torch.equal(column[10:50], whole[10:50])
    assert torch.equal(column[shape[0] - 3 : shape[0] + 9], whole[-3:])
    assert torch.equal(column[7], whole[7])


@pytest.mark.parametrize(("rows", "block"), [(10_000, 32), (10_007, 32), (50, 64), (65, 64), (1, 1), (5, 1)])
def test_each_row_comes_once_and_blocks_lie_near(rows, block):
    order = shuffle(rows, block, torch.Generator().manual_seed(0))
    assert torch.equal(order.sort().values, torch.arange(rows))
    assert torch.equal(order, shuffle(rows, block, torch.Generator().manual_seed(0)))
    for start in range(0, rows, MIXED * block):
        part = order[start : start + MIXED * block]
        assert len((part // block).unique()) <= MIXED + 1


def test_rows_are_mixed_from_all_over_the_file():
    order = shuffle(100_000, 25, torch.Generator().manual_seed(0))
    batches = order[: 100_000 // 50 * 50].view(-1, 50).double()
    # The mean of a batch is near that of the file, as for any random order; in file order it would be anywhere.
    assert (batches.mean(1) - 50_000).abs().mean() < 6_000
    assert shuffle(1000, 0, torch.Generator().manual_seed(3)).tolist() == (
        torch.randperm(1000, generator=torch.Generator().manual_seed(3)).tolist()
    )


def test_weighted_rows_of_near_blocks_come_together():
    target = (torch.arange(20_000) % 50 == 0).float()
    order = row_order(target, 7, 0, weighted=True, block=25)
    memory = row_order(target, 7, 0, weighted=True)
    # The very draws of a training in memory, in another order.
    assert torch.equal(order.sort().values, memory.sort().values)
    assert not torch.equal(order, memory)
    assert torch.equal(order, row_order(target, 7, 0, weighted=True, block=25))
    assert abs(float(target[order].mean()) - 0.5) < 0.02
    blocks = (order // 25).tolist()
    last = {block: place for place, block in enumerate(blocks)}
    first = {block: blocks.index(block) for block in last}
    assert max(last[block] - first[block] for block in last) < len(order) // 8


def test_streamed_images_are_scaled_as_those_in_memory(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 3, 4, 4), np.uint8)
    np.savez(tmp_path / "a.npz", images=pixels, labels=np.arange(40) % 2)
    source = {"name": "npz", "options": {"path": "a.npz", "layout": "channels_first"}}
    data = prepare(parse({"data": {"source": source}}), tmp_path / "out", tmp_path)
    for split in ("train", "val"):
        whole, streamed = data.tensors(split), data.streamed(split)
        rows = torch.randperm(len(whole))
        assert torch.equal(streamed.inputs[0].index_select(0, rows), whole.inputs[0].index_select(0, rows))
        assert torch.equal(streamed.target, whole.target)


def test_training_from_disk(tmp_path, monkeypatch):
    data = prepare(PARAMS, tmp_path / "iris")
    in_memory = train(overlay(PARAMS, {"train.stream": False}), data)
    # All rows lie in one block, so their order is any order, and the bits are those of a training in memory.
    assert train(PARAMS, data).weights_sha256 == in_memory.weights_sha256
    monkeypatch.setattr(disk, "BLOCK_BYTES", 64)
    first = train(PARAMS, data)
    assert first.weights_sha256 == train(PARAMS, data).weights_sha256
    assert first.history[-1]["train_loss"] < first.history[0]["train_loss"]
    assert first.fingerprint != in_memory.fingerprint
    # A training that goes on from a checkpoint takes the very steps of an unbroken one.
    assert train(PARAMS, data, checkpoints=tmp_path / "kept", until=1).ended == "paused"
    assert train(PARAMS, data, checkpoints=tmp_path / "kept").weights_sha256 == first.weights_sha256


def test_a_loss_that_is_not_finite_is_explained(tmp_path):
    data = prepare(PARAMS, tmp_path / "iris")
    path = data.folder / "train" / "numeric.npy"
    array = np.load(path)
    array[4, 1] = np.nan
    np.save(path, array)
    with pytest.raises(TrainingError, match="input 0 holds 1 values that are not finite, the first in row 4"):
        train(PARAMS, data)


def test_rows_to_come_are_said_to_the_system(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "BLOCK_BYTES", 300)
    np.save(tmp_path / "a.npy", np.zeros((100, 5), np.float32))
    said: list[tuple[int, int]] = []
    monkeypatch.setattr(disk.os, "posix_fadvise", lambda _, start, size, __: said.append((start, size)), raising=False)
    monkeypatch.setattr(disk.os, "POSIX_FADV_WILLNEED", 3, raising=False)
    column = OnDisk(tmp_path / "a.npy", "cpu")
    assert column.block == 15
    column.expect(torch.tensor([44, 3, 99, 30]))
    # A row of 20 bytes; from the first to the last that is asked for in a block.
    assert said == [(128 + 3 * 20, 20), (128 + 30 * 20, 15 * 20), (128 + 99 * 20, 20)]


def test_a_file_that_ends_early_is_said(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((100, 5), np.float32))
    column = OnDisk(tmp_path / "a.npy", "cpu")
    with (tmp_path / "a.npy").open("r+b") as file:
        file.truncate(1000)
    assert column[:5].shape == (5, 5)
    with pytest.raises(DataError, match=r"a\.npy: ends before its last row; run 'dvc repro prepare' again"):
        column.index_select(0, torch.tensor([60, 2]))


def test_losses_put_together_are_those_of_each_step(tmp_path, monkeypatch):
    data = prepare(PARAMS, tmp_path / "iris")
    alone = train(PARAMS, data).history
    for count in (1, 2, 7):
        monkeypatch.setattr(loop, "LOSSES", count)
        assert train(PARAMS, data).history == alone


def test_rows_to_judge_stay_on_disk_and_are_the_same(tmp_path):
    data = prepare(PARAMS, tmp_path / "iris")
    before = (data.folder / "test" / "numeric.npy").read_bytes()
    rows, whole = read_rows(data, "test"), data.tensors("test")
    assert all(isinstance(array.base, np.memmap) for array in rows.inputs)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(rows.inputs, whole.inputs, strict=True))
    assert np.array_equal(rows.target_N, whole.target)
    rows.inputs[0][:] = 0.0
    assert (data.folder / "test" / "numeric.npy").read_bytes() == before
