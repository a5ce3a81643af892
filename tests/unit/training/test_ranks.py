"""One training in several processes: its losses are those of one, its bits repeat, and it resumes in them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
import ranks_world
import torch
from ranks_world import plain
from small import params, small

from nnops.errors import ParamsError, TrainingError
from nnops.report import Report
from nnops.sweep.check import check_space
from nnops.sweep.space import Space
from nnops.training.ranks import Ranks
from nnops.training.together import Post, follow, train_together
from nnops.training.train import train

#: Losses of N processes beside those of one: sums of gradients are rounded in another order.
TOLERANCE = 1e-5


def test_each_row_is_taken_once():
    for rows in (0, 1, 5, 64):
        parts = [Ranks(rank, 3).part(rows) for rank in range(3)]
        assert [row for start, end in parts for row in range(start, end)] == list(range(rows))


@pytest.mark.parametrize("size", [2, 3])
def test_processes_share_each_batch_and_take_the_same_steps(tmp_path, size):
    tests = Path(ranks_world.__file__).parent
    world = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, ranks_world.__file__, str(tmp_path), str(size)],
        env=world, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *others = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(size))
    assert all(other == first for other in others)
    for name in ("plain", "rich"):
        assert first[name]["ended"] == ["paused", "complete"]
        assert first[name]["resumed"] == first[name]["sha256"]
    assert "not finite" in first["steep"]
    # With three processes and batches of four, the last batch of two rows leaves one of them without any.
    data = small(tmp_path / "one")
    one = train(plain(1), data)
    for row, same in zip(first["plain"]["history"], one.history, strict=True):
        assert row == pytest.approx(same, rel=TOLERANCE)
    assert first["plain"]["fingerprint"] != one.fingerprint


@pytest.mark.parametrize(
    ("train_params", "message"),
    [
        ({"workers": 8, "batch_size": 4}, r"train\.workers must be at most the rows of a batch, .* got 8 for 4 rows"),
        ({"workers": 0}, r"train\.workers must be greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_starts(tmp_path, train_params, message):
    with pytest.raises(ParamsError, match=message):
        train_together(params(train=train_params), small(tmp_path))


def test_batch_normalisation_wants_two_rows_in_each_process(tmp_path):
    model = {"name": "cnn", "options": {"channels": [4], "norm": "batch"}}
    with pytest.raises(ParamsError, match=r"train\.batch_size must be at least 4 for batch normalisation"):
        train_together(params(model=model, train={"workers": 2, "batch_size": 3}), small(tmp_path))


def test_a_sweep_and_a_training_here_are_one_process(tmp_path):
    with pytest.raises(ParamsError, match=r"train\.workers: 2 processes train in the stage train, .* write 1"):
        train(params(train={"workers": 2}), small(tmp_path))
    space = Space.parse({"train.epochs": {"int": [1, 3]}})
    with pytest.raises(ParamsError, match=r"train\.workers: a trial trains in one process"):
        check_space(space, params(train={"workers": 2}))


def test_what_processes_tell_is_passed_on_until_it_is_answered_with_stop():
    post, seen = Post(), []
    rows = [Report(epoch, {"val_loss": 1.0 / epoch}, 0.1) for epoch in (1, 2, 3)]

    def fit():
        for row in rows:
            post.tell(row)

    follow(fit, post, 2, lambda moment: seen.append(moment) or moment.epoch < 3)
    assert seen == rows
    assert not post.tell(rows[0])


class GroupError(Exception):
    worker_failures: ClassVar = {1: RuntimeError("Traceback ...\nRuntimeError: CUDA error: no kernel.")}


@pytest.mark.parametrize(
    ("told", "raised", "kind", "message"),
    [
        (("ParamsError", "model: x."), GroupError(), ParamsError, r"^model: x\.$"),
        (("TrainingError", "the loss is not finite."), GroupError(), TrainingError, r"^the loss is not finite\.$"),
        (
            None,
            GroupError(),
            TrainingError,
            r"^train.workers: process 2 of 2 failed: RuntimeError: CUDA error: no kernel; a",
        ),
        (None, ValueError("no node"), TrainingError, r"^train.workers: Ray Train failed: no node; a new start goes on"),
    ],
)
def test_what_a_process_raises_is_one_sentence(told, raised, kind, message):
    post = Post()

    def fit():
        if told:
            post.blame(*told)
            post.blame("DataError", "a later one")
        raise raised

    with pytest.raises(kind, match=message):
        follow(fit, post, 2, lambda moment: True)


@pytest.mark.slow
def test_ray_train_starts_them(tmp_path):
    """The whole way: Ray's processes, with their reports and weights brought here."""
    data = small(tmp_path / "data")
    chosen = plain(2)
    seen = []
    trained = train_together(
        chosen, data, report=lambda moment: seen.append(moment) or True, checkpoints=tmp_path / "kept"
    )
    assert [moment.metrics for moment in seen] == trained.history
    assert trained.ended == "complete"
    one = train(plain(1), data)
    for row, same in zip(trained.history, one.history, strict=True):
        assert row == pytest.approx(same, rel=TOLERANCE)
    assert all(torch.allclose(trained.weights[name], one.weights[name], atol=1e-4) for name in one.weights)
    assert list((tmp_path / "kept").glob("epoch-*.safetensors"))
