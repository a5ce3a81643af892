"""Gaps between groups, against numbers counted by hand as fairlearn defines them."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import treated

from nnops.errors import ParamsError
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.fairness import Comparison, gap_values
from nnops.evaluation.fairness_report import build_report
from nnops.evaluation.figures.fairness import draw_fairness
from nnops.evaluation.groups import Division, divide, find_column
from nnops.figure import render_png
from nnops.files import dump_json, read_json
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return treated.Treated(tmp_path_factory.mktemp("treated"))


def divided(code_N, name="sex", groups=("f", "m")):
    code_N = np.asarray(code_N)
    return Division(name, name, groups, code_N, np.bincount(code_N, minlength=len(groups)))


def binary(table):
    """Predictions of cells ``{(group, truth, label): rows}``."""
    rows = [cell for cell, count in table.items() for _ in range(count)]
    code_N, truth_N, label_N = (np.array(column) for column in zip(*rows, strict=True))
    return Predictions("binary", (2.0 * label_N - 1)[:, None], truth_N.astype(np.float32)), divided(code_N)


def test_gaps_of_two_groups_are_those_counted_by_hand():
    # Of f: 40 positive, 30 found, 60 negative, 6 called so; of m: 100, 50 and 100, 40.
    predictions, sex = binary(
        {
            (0, 1, 1): 30,
            (0, 1, 0): 10,
            (0, 0, 1): 6,
            (0, 0, 0): 54,
            (1, 1, 1): 50,
            (1, 1, 0): 50,
            (1, 0, 1): 40,
            (1, 0, 0): 60,
        }
    )
    (told,) = Comparison(predictions, [sex]).tell(Weighted.once(predictions))
    rates = {name: rate_SJC[0, :, 0].tolist() for name, rate_SJC in told.rates.items()}
    assert rates["selection_rate"] == pytest.approx([0.36, 0.45])
    assert rates["accuracy"] == pytest.approx([0.84, 0.55])
    assert rates["tpr"] == pytest.approx([0.75, 0.5])
    assert rates["fpr"] == pytest.approx([0.1, 0.4])
    assert rates["precision"] == pytest.approx([30 / 36, 50 / 90])
    expected = {
        "demographic_parity_gap": 0.09,
        "equalized_odds_gap": 0.3,
        "equal_opportunity_gap": 0.25,
        "accuracy_gap": 0.29,
    }
    found = gap_values(predictions, [sex])
    assert found == pytest.approx(expected | {f"{name}.sex": value for name, value in expected.items()})


def test_weights_count_rows_as_often():
    rng = np.random.default_rng(0)
    code_N, truth_N = rng.integers(0, 3, 400), rng.integers(0, 2, 400)
    predictions = Predictions("binary", rng.normal(size=(400, 1)) + truth_N[:, None], truth_N.astype(np.float32))
    division = divided(code_N, groups=("a", "b", "c"))
    times_N = rng.integers(0, 4, 400)
    weighted = Weighted(predictions, np.stack([np.ones(400), times_N.astype(float)]))
    chosen = np.repeat(np.arange(400), times_N)
    again = gap_values(predictions.rows(chosen), [divided(code_N[chosen], groups=("a", "b", "c"))])
    values = Comparison(predictions, [division]).values(weighted)
    for name, value in gap_values(predictions, [division]).items():
        assert values[name].tolist() == pytest.approx([value, again[name]])


def test_of_several_classes_the_worst_one_counts():
    # Class 2 of group b is never found, though 30 rows are of it; classes 0 and 1 are always right.
    truth_N = np.repeat([0, 1, 2, 0, 1, 2], [40, 40, 40, 50, 50, 30])
    label_N = np.where((np.arange(250) >= 220), 1, truth_N)
    code_N = np.repeat([0, 1], [120, 130])
    predictions = Predictions("multiclass", np.eye(3)[label_N], truth_N)
    found = gap_values(predictions, [divided(code_N)])
    assert found["equal_opportunity_gap"] == found["equalized_odds_gap"] == 1.0
    assert found["demographic_parity_gap"] == pytest.approx(1 / 3)
    assert found["accuracy_gap"] == pytest.approx(30 / 130)


def test_gaps_of_a_quantity_are_in_its_own_unit():
    error_N = np.repeat([1.0, -1.0, 3.0], [60, 60, 60])
    code_N = np.repeat([0, 0, 1], [60, 60, 60])
    predictions = Predictions("regression", (error_N / 2)[:, None], np.zeros(180), mean=5.0, std=2.0)
    found = gap_values(predictions, [divided(code_N)])
    assert found["mae_gap"] == pytest.approx(2.0)
    assert found["mean_error_gap"] == pytest.approx(3.0)


def test_few_rows_are_counted_and_not_judged():
    cells = {(0, 1, 1): 40, (0, 0, 0): 40, (1, 1, 0): 30, (1, 0, 0): 50, (2, 1, 0): 20, (2, 0, 1): 29}
    predictions, _ = binary(cells)
    code_N = np.concatenate([np.full(count, cell[0]) for cell, count in cells.items()])
    division = divided(code_N, groups=("a", "b", "c"))
    assert division.judged_J.tolist() == [True, True, False]
    assert gap_values(predictions, [division])["equalized_odds_gap"] == 1.0
    assert gap_values(predictions, [division])["accuracy_gap"] == pytest.approx(30 / 80)
    # Of 24 positive rows a rate is told, and takes no part in a gap.
    few, sex = binary({(0, 1, 1): 40, (0, 0, 0): 40, (1, 1, 0): 24, (1, 0, 0): 50})
    assert "equalized_odds_gap" not in gap_values(few, [sex])
    assert Comparison(few, [sex]).few(0, 1, 0) == ["tpr"]


def test_the_overall_gap_is_of_the_worst_column_and_the_intersection_stands_alone(project):
    divisions = divide(project.data, "test")
    assert [division.key for division in divisions] == ["sex", "town", "intersection"]
    assert divisions[1].groups == ("Bonn", "Kiel", "missing")
    assert divisions[2].rows_J.sum() == project.data.rows("test")
    flat = evaluate(project.model, project.data, project.params).metrics()
    for name in ("equalized_odds_gap", "demographic_parity_gap", "accuracy_gap"):
        parts = [flat[f"test.{name}.{key}"] for key in ("sex", "town")]
        assert flat[f"test.{name}"] == max(parts)
        assert f"test.{name}.intersection" in flat
        assert flat[f"test.{name}.sex.low"] <= flat[f"test.{name}.sex.high"]


def test_what_is_written(project, tmp_path):
    card = evaluate(project.model, project.data, project.params)
    write_scorecard(tmp_path / "a", card)
    again = evaluate(project.model, project.data, project.params)
    assert dump_json(again.to_json()) == (tmp_path / "a" / "scorecard.json").read_text()
    assert render_png(draw_fairness(again)) == (tmp_path / "a" / "figures" / "fairness.png").read_bytes()
    rows = list(csv.DictReader((tmp_path / "a" / "groups.csv").read_text().splitlines()))
    assert {row["by"] for row in rows} == {"sex", "town", "sex, town"}
    mine = [row for row in rows if row["by"] == "sex"]
    assert sum(int(row["rows"]) for row in mine) == project.data.rows("test")
    low, high = float(mine[0]["tpr.low"]), float(mine[0]["tpr.high"])
    assert low < float(mine[0]["tpr"]) < high
    record = read_json(tmp_path / "a" / "scorecard.json")["fairness"]
    assert record["gaps"]["equalized_odds_gap.sex"]["value"] == card.metrics()["test.equalized_odds_gap.sex"]
    assert any(line.startswith("equalized_odds_gap 0.") and line.endswith("by sex") for line in card.remarks())
    assert any("fewer than 50 rows" in line for line in card.remarks())


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_the_figure_of_other_tasks(project, task):
    rng = np.random.default_rng(1)
    code_N = rng.integers(0, 2, 300)
    truth_N = rng.integers(0, 3, 300)
    outputs = (np.eye(3)[truth_N] + rng.normal(size=(300, 3)), truth_N)
    if task == "regression":
        outputs = (rng.normal(size=(300, 1)), rng.normal(size=300))
    report = build_report(Comparison(Predictions(task, *outputs), [divided(code_N)]), {}, 0.95)
    card = evaluate(project.model, project.data, project.params)
    card = replace(card, fairness=report, classes=("$a", "b", "c"), samples=0)
    assert render_png(draw_fairness(card)) == render_png(draw_fairness(card))


def test_a_column_that_is_not_compared(project):
    assert find_column(project.data, "town", "here") == 1
    with pytest.raises(ParamsError, match=r"params.yaml: here must name .* which is \[sex, town\], got 'age'"):
        find_column(project.data, "age", "here")
    with pytest.raises(ParamsError, match="got none"):
        find_column(project.data, None, "here")
