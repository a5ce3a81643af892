"""What train() promises: the best weights, stopping, reports, refusals, causes."""

import math

import numpy as np
import pytest
import torch
from small import params, small

from nnops.data.prepared import Prepared
from nnops.errors import InputError, ParamsError, TrainingError
from nnops.training.train import build_model, choose_device, hash_weights, train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return small(tmp_path_factory.mktemp("numeric"), "numeric")


def heavy(**train):
    """Params under which val gets worse after a while."""
    return params(train={"epochs": 12, "optimizer": {"name": "adamw", "options": {"lr": 0.05}}} | train)


def test_learns(data, numbers):
    assert train(params(train={"epochs": 10}), data).history[-1]["val_accuracy"] > 0.75
    rmse = [row["val_rmse"] for row in train(params(train={"epochs": 30}), numbers).history]
    assert rmse[-1] < 0.5 * rmse[0]


def test_ends_with_the_best_weights_or_the_last(data):
    best, last = train(heavy(), data), train(heavy(restore_best=False), data)
    losses = [row["val_loss"] for row in best.history]
    assert best.history == last.history
    assert best.best_epoch == 1 + losses.index(min(losses)) < 12
    assert best.best["val_loss"] == min(losses)
    assert (last.best_epoch, last.best) == (12, last.history[-1])
    until_best = train(heavy(epochs=best.best_epoch, restore_best=False), data)
    assert until_best.weights_sha256 == best.weights_sha256 != last.weights_sha256


@pytest.mark.parametrize(
    ("metric", "sign", "kind"),
    [("val_loss", 1, "data"), ("val_accuracy", -1, "data"), ("train_loss", 1, "data"), ("val_rmse", 1, "numbers")],
)
def test_stops_early_by_any_metric(metric, sign, kind, request):
    chosen = heavy(epochs=60, early_stopping={"metric": metric, "patience": 3, "min_delta": 0.03})
    ended = train(chosen, request.getfixturevalue(kind))
    values = [sign * row[metric] for row in ended.history]
    assert ended.ended == "early"
    assert len(values) == ended.best_epoch + 3 < 60
    assert values[ended.best_epoch - 1] - min(values) <= 0.03


def test_reports_each_epoch_and_stops_when_told(data):
    seen = []

    def report(moment):
        seen.append((moment.epoch, dict(moment.metrics)))
        assert moment.seconds > 0
        return moment.epoch < 3

    ended = train(params(), data, report=report)
    assert ended.ended == "told"
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert [row for _, row in seen] == ended.history
    assert list(ended.history[0]) == ["train_loss", "val_loss", "lr", "val_accuracy"]


def test_measures_further_metrics_without_changing_the_weights(data):
    plain, watched = train(params(), data), train(params(), data, monitor=("val_log_loss",))
    assert watched.weights_sha256 == plain.weights_sha256
    assert "val_log_loss" in watched.history[0]


@pytest.mark.parametrize("batch_size", [1, 7, 149, 150, 1000])
def test_any_batch_size_trains(data, batch_size):
    ended = train(params(train={"epochs": 1, "batch_size": batch_size}), data)
    assert math.isfinite(ended.history[0]["train_loss"])


def test_a_lone_last_row_does_not_break_batch_normalisation(data):
    model = {"name": "mlp", "options": {"hidden": [8], "norm": True}}
    assert train(params(model=model, train={"batch_size": 149}), data).ended == "complete"
    with pytest.raises(ParamsError, match=r"train\.batch_size must be at least 2 for batch normalisation"):
        train(params(model=model, train={"batch_size": 1}), data)


def test_clipping_bounds_the_step(data):
    def moved(clip_norm):
        chosen = params(
            train={
                "epochs": 1,
                "batch_size": 1000,
                "optimizer": {"name": "sgd", "options": {"lr": 1.0}},
                "clip_norm": clip_norm,
            }
        )
        before = build_model(chosen, data.spec).state_dict()
        after = train(chosen, data).weights
        return math.sqrt(sum(float(((after[name] - before[name]) ** 2).sum()) for name in before))

    assert moved(0.01) == pytest.approx(0.01, rel=1e-3)
    assert moved(None) > 0.1


def test_label_smoothing_changes_the_loss_that_is_trained(data):
    loss = {"name": "cross_entropy", "options": {"label_smoothing": 0.2}}
    assert train(params(loss=loss), data).history[0]["train_loss"] != train(params(), data).history[0]["train_loss"]


def test_the_seed_decides_every_bit(data):
    chosen = {"model": {"name": "mlp", "options": {"hidden": [8], "dropout": 0.3}}}
    first = train(params(**chosen), data)
    torch.manual_seed(123)
    np.random.seed(5)
    again = train(params(**chosen), data)
    assert again.history == first.history
    assert again.weights_sha256 == first.weights_sha256
    assert again.fingerprint == first.fingerprint
    other = train(params(**chosen, seed=8), data)
    assert other.weights_sha256 != first.weights_sha256
    assert other.fingerprint != first.fingerprint


def test_a_report_may_draw_random_numbers(data):
    chosen = params(model={"name": "mlp", "options": {"hidden": [8], "dropout": 0.3}})

    def report(moment):
        torch.rand(moment.epoch)
        return True

    assert train(chosen, data, report=report).weights_sha256 == train(chosen, data).weights_sha256


def test_hash_weights_sees_name_type_shape_and_value():
    one = {"a": torch.ones(2, 3)}
    others = [
        {"b": torch.ones(2, 3)},
        {"a": torch.ones(3, 2)},
        {"a": torch.ones(2, 3).half()},
        {"a": torch.ones(2, 3) * 1.0000001},
        {"a": torch.ones(2, 3), "b": torch.ones(1)},
    ]
    assert hash_weights(one) == hash_weights({"a": torch.ones(3, 2).t()})
    assert all(hash_weights(one) != hash_weights(other) for other in others)


@pytest.mark.parametrize(
    ("sections", "what"),
    [
        ({"loss": {"name": "mse"}}, "loss.name: 'mse' does not fit the task multiclass; write cross_entropy"),
        ({"loss": {"name": "cros_entropy"}}, "loss.name: unknown loss 'cros_entropy'; did you mean 'cross_entropy'"),
        ({"model": {"name": "mpl"}}, "model.name: unknown model 'mpl'; did you mean 'mlp'"),
        ({"model": {"name": "cnn", "options": {"kernel": 9}}}, "model.options.kernel must be at most 8"),
        (
            {"train": {"early_stopping": {"metric": "val_rmse"}}},
            "train.early_stopping.metric: unknown metric of the task multiclass 'val_rmse'",
        ),
        ({"train": {"early_stopping": {"metric": "accuracy"}}}, "did you mean 'val_accuracy'"),
        ({"train": {"early_stopping": {"metric": "val_acuracy"}}}, "'val_acuracy'; did you mean 'val_accuracy'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(data, sections, what):
    with pytest.raises(InputError) as caught:
        train(params(**sections), data)
    assert what in str(caught.value)
    assert str(caught.value).startswith("params.yaml: ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(data):
    with pytest.raises(InputError, match="torch sees no GPU; write 'auto' or 'cpu'"):
        train(params(train={"device": "cuda"}), data)
    assert choose_device(params(train={"device": "auto"})) == "cpu"


def spoiled(data, tmp_path, split, name, change):
    """A copy of the data with one array changed."""
    copy = small(tmp_path / "spoiled", "numeric" if "numeric" in data.spec.inputs else "image")
    path = copy.folder / split / f"{name}.npy"
    array = np.load(path)
    change(array)
    np.save(path, array)
    return Prepared.open(copy.folder)


def at(value, *place):
    def change(array):
        array[place] = value

    return change


def test_a_rate_that_is_too_high_is_named(numbers):
    chosen = params(train={"optimizer": {"name": "sgd", "options": {"lr": 1e6}}, "epochs": 5})
    with pytest.raises(TrainingError) as caught:
        train(chosen, numbers)
    text = str(caught.value)
    assert text.startswith(("the training loss became", "the validation loss became"))
    assert "epoch 1" in text
    assert "the learning rate 1e+06 is likely too high" in text
    assert "train.clip_norm: 1.0" in text


@pytest.mark.parametrize(
    ("split", "name", "change", "what"),
    [
        ("train", "numeric", at(np.nan, 17, 2), "input 0 holds 1 values that are not finite, the first in row 17"),
        (
            "train",
            "target",
            at(np.inf, slice(3, 5)),
            "the target holds 2 values that are not finite, the first in row 3",
        ),
        ("val", "numeric", at(-np.inf, 5, 0), "the validation loss became nan at the end of epoch 1: input 0 holds 1"),
        (
            "train",
            "target",
            at(1e30, ...),
            "no weight had changed yet, so the values are too large (the target goes up",
        ),
    ],
)
def test_values_that_are_to_blame_are_named(numbers, tmp_path, split, name, change, what):
    with pytest.raises(TrainingError) as caught:
        train(params(), spoiled(numbers, tmp_path, split, name, change))
    assert what in str(caught.value)
    assert "learning rate" not in str(caught.value)
