from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from small import params, small

from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.params import Params, overlay
from nnops.report import Report
from nnops.training.train import name_result, train

MLP: dict[str, Any] = {"name": "mlp", "options": {"hidden": [8, 6]}}
RESNET: dict[str, Any] = {"name": "resnet", "options": {"channels": [4]}}


@pytest.fixture
def before(tmp_path: Path) -> tuple[Prepared, Path]:
    """Data, and the weights of a network that learned them."""
    data = small(tmp_path / "data")
    path = tmp_path / "before.safetensors"
    save_file(train(params(model=MLP, seed=5), data).weights, path)
    return data, path


def given(path: Path, model: dict[str, Any] = MLP, **transfer: Any) -> Params:
    plain = params(model=model, train={"epochs": 2, "batch_size": 32, "restore_best": False})
    return overlay(plain, {"train.transfer": {"weights": str(path), **transfer}})


def moved(start: dict[str, torch.Tensor], end: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in start if not torch.equal(start[name], end[name])}


def load(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def test_layers_that_are_frozen_stay_and_the_rest_learns_from_there(before: tuple[Prepared, Path]) -> None:
    data, path = before
    assert len(load(path)) == 6
    for unfrozen, last in ((None, 6), (1, 2), (2, 4)):
        trained = train(given(path, unfrozen=unfrozen), data)
        assert moved(load(path), trained.weights) == set(sorted(load(path))[-last:])
    # A net that begins with what was learned is better after an epoch than one that begins anew.
    anew = train(overlay(given(path), {"train.transfer": None}), data)
    assert train(given(path), data).history[0]["train_loss"] < 0.7 * anew.history[0]["train_loss"]
    with pytest.raises(ParamsError, match="unfrozen: 0 leaves nothing to learn"):
        train(given(path, unfrozen=0), data)
    alone = train(given(path, unfrozen=0, new=["layers.6"]), data)
    assert moved(load(path), alone.weights) == {"layers.6.weight", "layers.6.bias"}


def test_what_was_loaded_learns_at_its_own_rate(before: tuple[Prepared, Path]) -> None:
    data, path = before
    one_step = {"train.epochs": 1, "train.batch_size": 150, "train.optimizer": {"name": "sgd", "options": {"lr": 0.1}}}
    ends = [train(overlay(given(path, rate=rate), one_step), data).weights for rate in (1.0, 0.25)]
    for name, start in load(path).items():
        torch.testing.assert_close(0.25 * (ends[0][name] - start), ends[1][name] - start, rtol=1e-3, atol=1e-6)
    fresh = [train(overlay(given(path, rate=rate, new=["layers.6"]), one_step), data).weights for rate in (1.0, 0.25)]
    assert torch.equal(fresh[0]["layers.6.weight"], fresh[1]["layers.6.weight"])
    assert not torch.equal(fresh[0]["layers.0.weight"], fresh[1]["layers.0.weight"])


def test_layers_thaw_one_after_the_other_and_a_kill_changes_no_bit(
    before: tuple[Prepared, Path], tmp_path: Path
) -> None:
    data, path = before
    thawing = overlay(
        given(path, unfrozen=1, rate=0.5),
        {
            "train.epochs": 6,
            "train.changes": [
                {"after": 2, "set": {"train.transfer.unfrozen": 2}},
                {"after": 4, "set": {"train.transfer.unfrozen": 3}},
            ],
        },
    )
    names = sorted(load(path))
    for epochs, last in ((2, 2), (4, 4)):
        paused = train(thawing, data, until=epochs, checkpoints=tmp_path / f"until-{epochs}")
        assert moved(load(path), paused.weights) == set(names[-last:])
    unbroken = train(thawing, data)
    assert moved(load(path), unbroken.weights) == set(names)
    for epochs in (2, 4):
        assert train(thawing, data, checkpoints=tmp_path / f"until-{epochs}").weights_sha256 == unbroken.weights_sha256

    class KilledError(Exception):
        pass

    def report(moment: Report) -> bool:
        if moment.epoch == 5 and moment.seconds > 0:
            raise KilledError
        return True

    with pytest.raises(KilledError):
        train(thawing, data, report=report, checkpoints=tmp_path / "killed")
    assert train(thawing, data, checkpoints=tmp_path / "killed").weights_sha256 == unbroken.weights_sha256


def test_frozen_layers_keep_their_statistics(tmp_path: Path) -> None:
    data = small(tmp_path / "data")
    path = tmp_path / "before.pt"
    torch.save({"state_dict": train(params(model=RESNET), data).weights}, path)
    start = torch.load(path, weights_only=True)["state_dict"]
    changed = moved(start, train(given(path, RESNET, unfrozen=1), data).weights)
    assert changed == {name for name in start if name.startswith("head.")}
    assert any("running_mean" in name for name in moved(start, train(given(path, RESNET), data).weights))


def test_only_the_last_layer_may_have_another_shape(before: tuple[Prepared, Path], tmp_path: Path) -> None:
    _, path = before
    other = small(tmp_path / "other", "mixed")
    with pytest.raises(
        ParamsError, match=r"before\.safetensors has no 'embeddings\.0\.weight'; .*train\.transfer\.new"
    ):
        train(given(path), other)
    images = small(tmp_path / "images", shape=(1, 6, 6))
    with pytest.raises(ParamsError, match=r"'layers\.0\.weight' in .* must have the shape \[8, 36\] .*, got \[8, 64\]"):
        train(given(path), images)
    weights = load(path)
    weights["layers.6.weight"], weights["layers.6.bias"] = torch.zeros(9, 6), torch.zeros(9)
    save_file(weights, path)
    data = small(tmp_path / "again")
    trained = train(given(path, unfrozen=0), data)
    assert trained.weights["layers.6.weight"].shape == (3, 6)
    assert (
        moved(
            weights,
            trained.weights
            | {"layers.6.weight": weights["layers.6.weight"], "layers.6.bias": weights["layers.6.bias"]},
        )
        == set()
    )


def test_the_file_names_the_result(before: tuple[Prepared, Path]) -> None:
    data, path = before
    first = name_result(given(path), data)
    save_file({name: tensor + 1 for name, tensor in load(path).items()}, path)
    assert name_result(given(path), data) != first


def test_files_that_are_no_weights_are_said(tmp_path: Path) -> None:
    data = small(tmp_path / "data")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    torch.save({"module": Path}, tmp_path / "code.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    for name, said in (
        ("brokn.safetensors", r"does not exist; did you mean 'broken\.safetensors'"),
        ("empty", r"must hold model\.safetensors, but holds none"),
        ("broken.safetensors", "holds no weights that can be read without running code in it"),
        ("code.pt", "holds no weights that can be read without running code in it"),
        ("list.pt", r"must hold tensors by name, as module\.state_dict\(\) does"),
    ):
        with pytest.raises(ParamsError, match=said):
            train(given(tmp_path / name), data)
