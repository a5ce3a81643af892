"""What is said of a result that was made again."""

import math
from dataclasses import replace
from typing import Any

import pytest

from nnops.errors import InputError
from nnops.params import parse
from nnops.reproduce.make import Made
from nnops.reproduce.recorded import Recorded
from nnops.reproduce.verdict import compare

ENVIRONMENT: dict[str, Any] = {
    "python": "3.12.1",
    "packages": {"torch": "2.13.0", "numpy": "2.3.0"},
    "hardware": {"cpu": "one", "gpus": []},
    "code": {"training": "a" * 64},
}
LOSSES = {"train_loss": {1: 0.9, 2: 0.5}, "val_loss": {1: 0.8, 2: 0.6}}
MADE = Made("d" * 64, "f" * 64, "w" * 64, LOSSES, {"test.accuracy": 0.9, "test.note": math.nan})
PARAMS = parse({})
RECORDED = Recorded(
    "run",
    "one",
    PARAMS,
    PARAMS,
    MADE.data_hash,
    MADE.fingerprint,
    MADE.weights_sha256,
    LOSSES,
    MADE.metrics,
    ENVIRONMENT,
)


def test_the_same_is_the_same_also_where_a_number_is_not_one() -> None:
    verdict = compare(RECORDED, MADE, ENVIRONMENT)
    assert (verdict.word, verdict.first, verdict.differences) == ("bits", None, ())
    assert verdict.same == ("data", "2 epochs", "weights wwwwwwwwwwww", "2 metrics")


def test_the_first_epoch_that_is_off_is_named_and_the_library_that_changed() -> None:
    losses = {"train_loss": {1: 0.9, 2: 0.5000001}, "val_loss": {1: 0.8, 2: 0.6000001}}
    made = replace(MADE, losses=losses, weights_sha256="x" * 64)
    now = ENVIRONMENT | {"packages": {"torch": "2.14.0", "numpy": "2.3.0"}}
    verdict = compare(RECORDED, made, now)
    assert (verdict.word, verdict.first) == ("metrics", "epoch 2, train_loss")
    assert [(one.what, one.then, one.now) for one in verdict.differences] == [("torch", "2.13.0", "2.14.0")]
    assert "torch was 2.13.0, is 2.14.0" in verdict.sentence


def test_a_metric_beyond_the_tolerance_differs() -> None:
    made = replace(MADE, metrics={"test.accuracy": 0.85, "test.note": math.nan})
    verdict = compare(RECORDED, made, ENVIRONMENT, tolerance=0.01)
    assert (verdict.word, verdict.first) == ("differs", "test.accuracy")
    assert verdict.farthest == ("test.accuracy", 0.9, 0.85)
    assert compare(RECORDED, made, ENVIRONMENT, tolerance=0.1).word == "metrics"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"python": "3.13.0"}, "python"),
        ({"hardware": {"cpu": "two", "gpus": []}}, "processor"),
        ({"hardware": {"cpu": "one", "gpus": ["H200"]}}, "GPUs"),
        ({"code": {"training": "b" * 64}}, "code of nnops (training)"),
        ({"packages": {"torch": "2.13.0"}}, "numpy"),
    ],
)
def test_what_bits_depend_on_is_told(change: dict[str, Any], what: str) -> None:
    verdict = compare(RECORDED, MADE, ENVIRONMENT | change)
    assert verdict.word == "bits"
    assert [one.what for one in verdict.differences] == [what]


def test_other_data_come_first() -> None:
    verdict = compare(RECORDED, replace(MADE, data_hash="e" * 64), ENVIRONMENT)
    assert (verdict.first, verdict.differences[0].what) == ("the prepared data", "data")


def test_a_trial_that_was_stopped_is_compared_as_far_as_it_went() -> None:
    trial = replace(RECORDED, losses={"val_roc_auc": {1: 0.7}, "val_loss": {1: 0.8}}, weights_sha256=None, metrics={})
    verdict = compare(trial, replace(MADE, weights_sha256="x" * 64), ENVIRONMENT)
    assert (verdict.word, verdict.same) == ("bits", ("data", "1 epoch"))
    assert compare(trial, replace(MADE, losses={"val_loss": {1: 0.9}}), ENVIRONMENT).word == "differs"


def test_other_weights_are_other_bits_whatever_the_numbers_say() -> None:
    verdict = compare(RECORDED, replace(MADE, weights_sha256="x" * 64), ENVIRONMENT)
    assert (verdict.word, verdict.first) == ("metrics", "the weights")


def test_what_cannot_be_compared_is_not_called_the_same() -> None:
    tuned = compare(replace(RECORDED, data_hash=""), MADE, ENVIRONMENT)
    assert (tuned.word, "data" in tuned.same) == ("bits", False)
    stopped = replace(RECORDED, losses={"val_roc_auc": {1: 0.7}}, weights_sha256=None, metrics={})
    with pytest.raises(InputError, match=r"nothing on record can be compared: .* val_roc_auc"):
        compare(stopped, MADE, ENVIRONMENT)
    complete = compare(replace(stopped, weights_sha256=MADE.weights_sha256), MADE, ENVIRONMENT)
    assert complete.same == ("data", "weights wwwwwwwwwwww")
