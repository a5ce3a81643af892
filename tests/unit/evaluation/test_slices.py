"""Slices: a planted weakness is found and told in the table's own words, and where there is none nothing is."""

import csv

import numpy as np
import pandas as pd
import pytest
from bundled import settings
from small import small

from nnops.data.prepare import prepare
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.literals import TRUTH, literals
from nnops.evaluation.slices import find_slices
from nnops.metrics.predictions import Predictions
from nnops.params import parse


def table(folder, **sections):
    rng = np.random.default_rng(0)
    rows = 3000
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, rows),
            "town": rng.choice(["Bern", "Genf", "Zug"], rows),
            "pay": rng.gamma(2, 900, rows),
        }
    )
    frame["kind"] = rng.choice(["no", "yes"], rows)
    frame.loc[::13, "pay"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    data = {
        "source": {"name": "csv", "options": {"path": "t.csv"}},
        "target": "kind",
        "split": {"test": 0.5},
        **sections,
    }
    return prepare(parse({"data": data, "model": {"name": "mlp"}}), folder / "prepared", folder), frame


def answers(data, wrong_N, seed=1):
    """Logits that are mostly right, and mostly wrong on some rows."""
    target_N = np.asarray(data.arrays("test")["target"])
    rng = np.random.default_rng(seed)
    right_N = rng.random(len(target_N)) < np.where(wrong_N, 0.3, 0.9)
    sign_N = np.where((target_N == 1) == right_N, 1.0, -1.0)
    return Predictions("binary", (2 * sign_N)[:, None], target_N)


def said_of(data, text):
    predictions = answers(data, np.zeros(data.rows("test"), bool))
    return next(one for one in literals(data, "test", predictions) if one.text == text)


@pytest.mark.parametrize(
    "sections",
    [{}, {"categories": "embedding", "scaling": "minmax", "skewed": {"pay": "log"}, "cleaning": {"indicator": True}}],
)
def test_numbers_and_words_are_told_in_the_columns_own_units(tmp_path, sections):
    data, frame = table(tmp_path, **sections)
    predictions = answers(data, np.zeros(data.rows("test"), bool))
    found = literals(data, "test", predictions)
    assert {one.about for one in found} == {"age", "town", "pay"}
    ages = [one.text for one in found if one.about == "age"]
    assert len(ages) == 4
    first = int(ages[0].removeprefix("age <= "))
    assert 33 <= first <= 38
    assert ages[1].startswith(f"{first} < age <= ")
    quarter = next(one for one in found if one.text == ages[0]).there_N.mean()
    assert quarter == pytest.approx((frame["age"] <= first).mean(), abs=0.04)
    assert said_of(data, "town = Bern").there_N.mean() == pytest.approx((frame["town"] == "Bern").mean(), abs=0.04)
    missing = [one for one in found if one.text == "pay is missing"]
    assert len(missing) == bool(sections)
    if sections:
        assert missing[0].there_N.mean() == pytest.approx(1 / 13, abs=0.03)


def test_a_weakness_of_two_conditions_is_found_first(tmp_path):
    data, _ = table(tmp_path)
    predictions = answers(data, np.zeros(data.rows("test"), bool))
    town, age = (
        next(one for one in literals(data, "test", predictions) if one.text.startswith(text))
        for text in ("town = Zug", "age > ")
    )
    wrong_N = town.there_N & age.there_N
    found = find_slices(answers(data, wrong_N), data, 5)
    assert found[0].text in (f"{town.text} and {age.text}", f"{age.text} and {town.text}")
    np.testing.assert_array_equal(found[0].place_M, np.flatnonzero(wrong_N))
    assert found[0].loss > 2
    # Those that hold the same rows by other words are not told again.
    assert len(found) < 5


def test_where_nothing_is_worse_nothing_is_told(tmp_path):
    data, _ = table(tmp_path)
    nowhere = np.zeros(data.rows("test"), bool)
    assert [find_slices(answers(data, nowhere, seed), data, 5) for seed in range(5)].count([]) >= 4


def test_images_are_told_by_how_they_look_and_what_they_are(tmp_path):
    data = small(tmp_path, "image", {"train": 60, "val": 30, "test": 300})
    target_N = np.asarray(data.arrays("test")["target"])
    logit_NC = 4 * np.eye(3)[np.where(target_N == 2, np.random.default_rng(0).integers(0, 3, 300), target_N)]
    predictions = Predictions("multiclass", logit_NC, target_N)
    assert {one.about for one in literals(data, "test", predictions)} == {"brightness", "contrast", TRUTH}
    assert find_slices(predictions, data, 3)[0].text == "target = c"


def test_the_worst_slice_is_a_number_for_the_gate(projects, tmp_path):
    project = projects("multiclass")
    card = evaluate(project.model, project.data, settings("multiclass", baselines=[], slices=3))
    numbers = write_scorecard(tmp_path, card)
    worst = card.slices[0].score.value if card.slices else card.test["accuracy"].value
    assert numbers["test.worst_slice_accuracy"] == worst
    with (tmp_path / "slices.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == len(card.slices)
    card = evaluate(project.model, project.data, settings("multiclass", baselines=[], slices=0))
    assert card.slices is None
    assert not [name for name in card.metrics() if "slice" in name]
