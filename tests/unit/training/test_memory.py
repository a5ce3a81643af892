"""train.batch_size: auto: the largest batch that fits, by what steps take; params.yaml holds it from then on."""

import pytest
import torch
from small import params, small

from nnops.errors import InputError, ParamsError
from nnops.params import load, overlay, parse
from nnops.pipeline.job import Job
from nnops.pipeline.owner import Owner
from nnops.sweep.check import check_space
from nnops.sweep.space import Space
from nnops.training.memory import MIB, largest, settle_batch
from nnops.training.train import train
from pipelines.train import settle

AUTO = {"batch_size": "auto"}


def linear(rows):
    return MIB * (10 + rows)


@pytest.mark.parametrize(
    ("room", "most", "rows", "limit"),
    [
        (74, 256, 64, "memory"),
        (73, 256, 32, "memory"),
        (9999, 256, 256, "rows"),
        (12, 256, 2, "memory"),
        (99, 1, 1, "rows"),
    ],
)
def test_the_largest_that_fits_is_found_without_trying_more(room, most, rows, limit):
    tried = []

    def measure(rows):
        tried.append(rows)
        return linear(rows)

    found = largest(measure, room * MIB, most, "rows")
    assert (found.rows, found.need, found.limit) == (rows, linear(rows), limit)
    # From the third on, a step is only taken where the two before it say that it fits.
    assert max(tried) <= max(rows, 4)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError(), RuntimeError("x: not enough memory: y")]
)
def test_what_a_device_refuses_does_not_fit(error):
    def measure(rows):
        if rows > 16:
            raise error
        return 0

    assert largest(measure, 1, 256, "rows").rows == 16


def test_other_errors_are_not_taken_for_it():
    def measure(rows):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        largest(measure, 1, 256, "rows")


def test_a_network_that_does_not_fit_is_one_sentence():
    with pytest.raises(
        InputError, match=r"train\.batch_size: auto finds no batch that fits: a step of 2 rows takes more"
    ):
        largest(linear, MIB, 256, "rows")


def test_steps_are_measured_and_change_nothing(tmp_path, monkeypatch):
    data = small(tmp_path, shape=(3, 32, 32))
    chosen = params(model={"name": "cnn", "options": {"channels": [32]}}, train=AUTO)
    found = settle_batch(chosen, data)
    assert (found.rows, found.limit) == (128, "rows")  # of 150 rows
    # A batch holds 32 channels of 32 x 32 numbers a row at least, forth and back.
    assert found.need > 128 * 32 * 32 * 32 * 4
    # What the first convolution of a process sets up once is not a step's; the second time only the step is left.
    again = settle_batch(chosen, data)
    assert again.need > 128 * 32 * 32 * 32 * 4
    monkeypatch.setattr("nnops.training.memory.free_memory", lambda: again.need)
    assert settle_batch(chosen, data).limit == "memory"
    assert settle_batch(overlay(chosen, {"train.batch_limit": 40}), data).rows <= 32
    said = overlay(chosen, {"train.batch_size": 32, "train.epochs": 1})
    assert train(said, data).weights_sha256 == train(said, data).weights_sha256


def test_an_ensemble_takes_what_fits_every_member(tmp_path):
    data = small(tmp_path)
    chosen = params(train=AUTO | {"ensemble": [{}, {"train.batch_limit": 16}]})
    assert settle_batch(chosen, data).rows == 16


def test_a_training_and_a_sweep_want_a_number(tmp_path):
    data = small(tmp_path)
    with pytest.raises(
        ParamsError, match=r"train\.batch_size: auto is settled by the stage train, .* run 'dvc repro train'"
    ):
        train(params(train=AUTO), data)
    space = Space.parse({"train.epochs": {"int": [1, 3]}})
    with pytest.raises(ParamsError, match=r"run 'dvc repro train' before a sweep"):
        check_space(space, params(train=AUTO))
    tuned = Space.parse({"train.batch_size": {"choice": [16, "auto"]}})
    with pytest.raises(ParamsError, match=r"may try 'auto', which depends on the machine"):
        check_space(tuned, params())
    with pytest.raises(ParamsError, match=r"train\.batch_size: auto is settled before a training begins"):
        parse({"train": {"changes": [{"after": 1, "set": {"train.batch_size": "auto"}}]}})


def test_the_stage_writes_the_number_into_params_and_says_it(tmp_path, capsys):
    data = small(tmp_path / "data")
    text = "model: {name: mlp, options: {hidden: [4]}}\ntrain:\n  # what fits\n  batch_size: auto\n  batch_limit: 64\n"
    (tmp_path / "params.yaml").write_text(text)
    job = Job("train", load(tmp_path / "params.yaml"), tmp_path, Owner.find())
    settle(job, data)
    assert job.params.train.batch_size == 64
    assert (tmp_path / "params.yaml").read_text() == text.replace("auto", "64")
    assert "train: train.batch_size: auto is 64 here: a step takes " in capsys.readouterr().out
    settle(job, data)
    assert capsys.readouterr().out == ""
