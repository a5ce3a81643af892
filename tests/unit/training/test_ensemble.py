from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from small import small

from nnops.batch import Task
from nnops.compression.export import export_onnx
from nnops.errors import ParamsError
from nnops.evaluation.predict import network, predict_split
from nnops.params import Params, parse
from nnops.report import Report
from nnops.training.artifact import read_model, write_model
from nnops.training.ensemble import members, train_model, vote
from nnops.training.train import train

MEMBERS = [{}, {"seed": 8}, {"model.options.hidden": [4, 4], "train.epochs": 2}]


def ensemble(configs: list[dict[str, object]] | None = None) -> Params:
    record = {
        "seed": 3,
        "model": {"name": "mlp", "options": {"hidden": [8]}},
        "train": {"epochs": 3, "batch_size": 32, "ensemble": MEMBERS if configs is None else configs},
    }
    return parse(record)


def softmax(logits: np.ndarray) -> np.ndarray:
    power = np.exp(logits - logits.max(-1, keepdims=True))
    return power / power.sum(-1, keepdims=True)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_votes_are_means_of_probabilities(scale: float) -> None:
    rng = np.random.default_rng(0)
    many, one = rng.normal(scale=scale, size=(3, 40, 5)), rng.normal(scale=scale, size=(3, 40, 1))
    voted = vote(torch.tensor(many), "multiclass").numpy()
    assert np.allclose(np.exp(voted), softmax(many).mean(0), rtol=1e-9)
    logit = vote(torch.tensor(one), "binary").numpy()
    mean = (1 / (1 + np.exp(-one))).mean(0)
    assert np.allclose(logit, np.log(mean) - np.log1p(-mean), rtol=1e-6)
    assert np.allclose(vote(torch.tensor(one), "regression").numpy(), one.mean(0))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_members_that_are_certain_do_not_overflow(task: Task) -> None:
    certain = torch.tensor([[[1e4, 0.0]], [[1e4, 0.0]]])[..., : 1 if task == "binary" else 2].requires_grad_()
    voted = vote(certain, task)
    assert torch.isfinite(voted).all()
    assert voted[0, 0] == (1e4 if task == "binary" else 0.0)
    # Two that contradict one another are undecided.
    assert float(vote(torch.tensor([[[900.0]], [[-900.0]]]), "binary")) == 0.0


def test_each_member_is_the_network_that_it_would_be_alone(tmp_path: Path) -> None:
    data, params = small(tmp_path / "data"), ensemble()
    heard: list[Report] = []
    whole = train_model(params, data, report=lambda moment: heard.append(moment) or True)
    alone = [train(member, data) for member in members(params)]
    for place, one in enumerate(alone):
        for name, tensor in one.weights.items():
            assert torch.equal(whole.weights[f"members.{place}.{name}"], tensor)
    assert len(whole.weights) == sum(len(one.weights) for one in alone)
    assert [row["member"] for row in whole.history] == [1, 1, 1, 2, 2, 2, 3, 3, 0]
    assert [moment.epoch for moment in heard] == list(range(1, 10))
    assert [row["val_loss"] for row in whole.history[:-1]] == [row["val_loss"] for one in alone for row in one.history]

    write_model(tmp_path / "model", whole, params, data)
    model = read_model(tmp_path / "model")
    seen = predict_split(network(model), data, "val")
    assert np.isclose(seen.surprise_N.mean(), whole.best["val_loss"], rtol=1e-5)
    inputs = [tensor.numpy() for tensor in data.tensors("test").inputs]
    session = ort.InferenceSession(export_onnx(model), providers=["CPUExecutionProvider"])
    answer = np.asarray(session.run(None, dict(zip(data.spec.inputs, inputs, strict=True)))[0])
    assert np.allclose(answer, predict_split(network(model), data, "test").output_NC, atol=1e-5)


def test_a_killed_one_trains_no_member_twice_and_has_the_same_bits(tmp_path: Path) -> None:
    data, params = small(tmp_path / "data", "mixed"), ensemble()
    unbroken = train_model(params, data)

    class KilledError(Exception):
        pass

    def report(moment: Report) -> bool:
        if moment.metrics["member"] == 2 and moment.epoch == 5:
            raise KilledError
        return True

    folder = tmp_path / "checkpoints"
    with pytest.raises(KilledError):
        train_model(params, data, report=report, checkpoints=folder)
    heard: list[Report] = []
    again = train_model(params, data, report=lambda moment: heard.append(moment) or True, checkpoints=folder)
    assert again.weights_sha256 == unbroken.weights_sha256
    assert again.history == unbroken.history
    assert all(moment.seconds == 0.0 for moment in heard if moment.metrics["member"] == 1)


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ([{"data.scaling": "none"}], "ensemble.0: a member cannot set 'data.scaling'; it can set seed and keys of"),
        ([{}, {"train.epoch": 3}], "train.ensemble.1: .*epochs"),
        ([{}, {"seed": 3}], "train.ensemble.1 is the same as member 0"),
        ([{"train.ensemble": []}], "a member cannot set 'train.ensemble'"),
        ([{"model.name": "cnn", "model.options.channels": []}, {}], "channels"),
    ],
)
def test_members_that_are_wrong_are_said_before_anything_is_trained(
    tmp_path: Path, configs: list[dict[str, object]], said: str
) -> None:
    heard: list[Report] = []
    with pytest.raises(ParamsError, match=said):
        train_model(ensemble(configs), small(tmp_path), report=lambda moment: heard.append(moment) or True)
    assert heard == []
