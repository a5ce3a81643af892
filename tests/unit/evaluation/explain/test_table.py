"""Explanations of a table: what its parts add up to, what they find, and back to raw values."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from explained import Explained
from explained import people as rows_of_people

from nnops.data.warp import fit_warp, unwarp, warp
from nnops.errors import InputError
from nnops.evaluation.explain.explain import build_method, explain, kind_of
from nnops.evaluation.explain.permutation import Permutation
from nnops.evaluation.explain.sanity import likeness, randomise
from nnops.evaluation.explain.shap import Shap, draw_orders


def by_definition(subject, background):
    """Shapley values of the first row, one order after the other."""
    columns = len(subject.features)
    value_M = np.zeros(columns)
    orders = list(permutations(range(columns)))
    row = [torch.from_numpy(each[:1]) for each in subject.inputs]
    others = [torch.from_numpy(each) for each in background]

    def worth(known):
        known_M = torch.zeros(columns, dtype=torch.bool)
        known_M[list(known)] = True
        mixed = [torch.where(known_M[o], a, b) for o, a, b in zip(subject.owners, row, others, strict=True)]
        return subject.ask(mixed, np.full(len(others[0]), subject.choice_N[0])).mean()

    for order in orders:
        for place, column in enumerate(order):
            value_M[column] += worth(order[: place + 1]) - worth(order[:place])
    return value_M / len(orders)


def test_shap_is_the_mean_over_all_orders(people: Explained) -> None:
    subject = people.subject(rows=1)
    background = tuple(each[:8] for each in subject.background)
    found = Shap(background=8).explain(subject)
    np.testing.assert_allclose(found.value[0], by_definition(subject, background), atol=1e-6)


def test_drawn_orders_come_near_all_subsets(people: Explained) -> None:
    subject = people.subject(rows=20)
    whole, drawn = Shap(exact=5).explain(subject), Shap(exact=1).explain(subject)
    assert np.corrcoef(whole.value.ravel(), drawn.value.ravel())[0, 1] > 0.99
    assert np.abs(whole.value - drawn.value).max() < 0.05
    np.testing.assert_allclose(whole.base_N, drawn.base_N, atol=1e-9)


@pytest.mark.parametrize("exact", [1, 5])
def test_shap_values_add_up(people: Explained, exact: int) -> None:
    subject = people.subject(rows=20)
    found = Shap(exact=exact).explain(subject)
    assert found.score_N is not None
    np.testing.assert_allclose(found.value.sum(1), found.score_N - found.base_N, atol=1e-6)
    assert found.checks["sum_error"] < 1e-6


def test_orders_hold_each_column_once_in_each_place() -> None:
    order_RM = draw_orders(10, 5, seed=3)
    for block in (order_RM[:5], order_RM[5:]):
        assert all(sorted(row) == list(range(5)) for row in (*block, *block.T))


def test_a_column_of_many_inputs_is_one(tmp_path) -> None:
    hot = Explained.table(tmp_path, categories="one_hot")
    subject = hot.subject(rows=20)
    found = Shap().explain(subject)
    assert found.names == ("age", "height", "income", "shoe", "town")
    size = dict(zip(found.names, np.abs(found.value).mean(0), strict=True))
    assert min(size["age"], size["town"]) > 3 * max(size["height"], size["shoe"])


def test_permutation_finds_what_decides(people: Explained) -> None:
    found = Permutation(repeats=8).explain(people.subject())
    drop = dict(zip(found.names, found.value.mean(0), strict=True))
    assert min(drop["age"], drop["town"]) > 0.1
    assert max(abs(drop["height"]), abs(drop["shoe"])) < 0.05


@pytest.mark.parametrize("method", ["shap", "permutation"])
def test_random_weights_say_otherwise(people: Explained, method: str) -> None:
    found = explain(people.subject(rows=12), build_method(method, {}, "table"))
    assert found.checks["randomised"] < 0.9
    assert "rank otherwise" in found.notes[-1]


def test_a_method_that_looks_at_the_data_alone_is_told(people: Explained) -> None:
    class Sizes(Shap):
        def explain(self, subject):
            found = super().explain(subject)
            return replace(found, value=np.tile(np.arange(5.0), (len(subject), 1)))

    found = explain(people.subject(), Sizes())
    assert found.checks["randomised"] == pytest.approx(1.0)
    assert found.notes[-1].startswith("DO NOT TRUST THIS")


def test_randomised_weights_keep_their_spread(people: Explained) -> None:
    module = people.model.module
    fresh = randomise(module, 7)
    for old, new in zip(module.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(old.flatten().sort()[0], new.flatten().sort()[0])
    assert any(not torch.equal(a, b) for a, b in zip(module.parameters(), fresh.parameters(), strict=True))
    found = Shap().explain(people.subject())
    assert likeness(found, found) == pytest.approx(1.0)


def test_a_row_alone_has_nothing_to_be_compared_with(people: Explained) -> None:
    with pytest.raises(InputError, match="at least 2 rows"):
        people.subject(raw=rows_of_people(1), data=None)
    subject = people.subject(raw=rows_of_people(2), data=None)
    assert len(subject.background[0]) == 2
    with pytest.raises(InputError, match="true answer is known"):
        explain(people.subject(raw=rows_of_people(2).drop(columns="buys")), Permutation())


def test_other_tasks_are_refused(people: Explained) -> None:
    spec = people.data.spec
    for task in ("language_model", "segmentation", "sequence"):
        with pytest.raises(InputError, match=f"task {task} gives many answers"):
            kind_of(replace(spec, task=task))


def test_raw_values_come_back(people: Explained) -> None:
    raw = rows_of_people(20).assign(age=[np.nan, *range(20, 39)])
    subject = people.subject(raw=raw, rows=20)
    inputs = subject.named(subject.inputs)
    for feature in subject.features:
        given = raw[feature.name]
        if feature.name in ("shoe", "town"):
            assert feature.texts(inputs) == list(given)
        else:
            numbers = feature.numbers(inputs)
            assert numbers is not None
            inside = given.between(*np.nanquantile(people_column(people, feature.name), [0.01, 0.99])).to_numpy()
            np.testing.assert_allclose(numbers[inside], given[inside], rtol=1e-4)
    # What was missing is what stands for it.
    assert subject.features[0].texts(inputs)[0] == "48"
    assert subject.judged is not None


def people_column(people: Explained, name: str) -> pd.Series:
    return pd.read_csv(people.root / "people.csv")[name]


@pytest.mark.parametrize("way", ["none", "log", "yeo_johnson", "quantile"])
def test_a_warp_is_undone(way) -> None:
    numbers = np.random.default_rng(1).normal(1, 2, 300)
    fitted = fit_warp(numbers, way)
    np.testing.assert_allclose(unwarp(warp(numbers, way, fitted), way, fitted), numbers, rtol=1e-5, atol=1e-5)
