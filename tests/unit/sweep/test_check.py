import re
from typing import Any

import pytest
from sweeps import LR, sweep_params

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.sweep.check import check_networks, check_space
from nnops.sweep.space import Space

TABLE = Spec("multiclass", ("numeric",), ((4,),), (), 3)


def refusal(space: dict[str, Any], **config: Any) -> str:
    with pytest.raises(ParamsError) as error:
        check_space(Space.parse(space), sweep_params(config))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("train.optimizer.lr", "train.optimizer.options.lr"),
        ("train.optimiser.options.lr", "train.optimizer.options.lr"),
        ("train.batchsize", "train.batch_size"),
        ("model.options.dropot", "model.options.dropout"),
        ("model.options.hiden", "model.options.hidden"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_one(key: str, nearest: str) -> None:
    assert f"did you mean '{nearest}'?" in refusal({key: {"choice": [1, 2]}})


def test_values_that_a_component_refuses_are_said_before_anything_starts() -> None:
    assert "may try 0.0, which is refused" in refusal({LR: {"float": [0.0, 0.1]}})
    assert "greater than 0" in refusal({LR: {"float": [0.0, 0.1]}})
    assert "may try 1.0" in refusal({"model.options.dropout": {"float": [0.0, 1.0]}})
    assert "may try 0," in refusal({"train.batch_size": {"choice": [0, 2]}})
    assert "unknown model 'cn'" in refusal({"model.name": {"choice": ["mlp", "cn"]}})


def test_an_option_of_some_components_needs_a_condition_and_is_told_which() -> None:
    optimizers: dict[str, Any] = {"train.optimizer.name": {"choice": ["sgd", "adamw"]}}
    momentum = {"float": [0.0, 0.9]}
    message = refusal({**optimizers, "train.optimizer.options.momentum": momentum})
    assert "beside train.optimizer.name: 'adamw'" in message
    assert "when: {train.optimizer.name: sgd}" in message
    right = {**optimizers, "train.optimizer.options.momentum": {**momentum, "when": {"train.optimizer.name": "sgd"}}}
    check_space(Space.parse(right), sweep_params())


def test_a_key_that_no_trial_reads_is_refused() -> None:
    assert "a trial reads the sections" in refusal({"tracking.experiment": {"choice": ["a", "b"]}})
    assert "a trial reads the sections" in refusal({"sweep.budget.trials": {"int": [1, 2]}})


def test_options_of_a_component_that_params_leave_out() -> None:
    assert "name it first: loss: {name: ...}" in refusal({"loss.options.label_smoothing": {"float": [0, 0.2]}})
    space = Space.parse({"loss.options.label_smoothing": {"float": [0, 0.2]}})
    check_space(space, sweep_params({"loss": {"name": "cross_entropy"}}))


def test_networks_are_built_before_anything_starts() -> None:
    check_networks(Space.parse({"model.options.hidden": {"choice": [[8], [10**7, 10**7]]}}), sweep_params(), TABLE)
    space = Space.parse({"model.name": {"choice": ["mlp", "cnn"]}})
    check_space(space, sweep_params())
    with pytest.raises(ParamsError, match=r"may try model\.name: 'cnn', which cannot be built"):
        check_networks(space, sweep_params(), TABLE)


def test_options_of_augmentations_are_tuned_by_their_place() -> None:
    given = {"train.augment": [{"name": "flip"}, {"name": "mixup", "options": {"alpha": 0.2}}]}
    alpha = "train.augment.1.options.alpha"
    check_space(Space.parse({alpha: {"float": [0.1, 1.0]}}), sweep_params(given))
    whole = {"train.augment": {"choice": [[], [{"name": "flip"}]]}}
    check_space(Space.parse(whole), sweep_params(given))
    for space, what in (
        ({alpha: {"float": [0.0, 1.0]}}, "train.augment.1.options.alpha must be greater than 0"),
        ({"train.augment": {"choice": [[], [{"name": "flp"}]]}}, "train.augment.0.name: unknown augmentation 'flp'"),
        ({"train.augment.1.options.alpa": {"float": [0.1, 1.0]}}, f"did you mean '{alpha}'?"),
    ):
        with pytest.raises(ParamsError, match=re.escape(what)):
            check_space(Space.parse(space), sweep_params(given))
