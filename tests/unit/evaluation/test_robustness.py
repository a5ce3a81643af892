"""Damaged and attacked rows: what each corruption promises, and how the numbers are told."""

import csv

import numpy as np
import pandas as pd
import pytest
from bundled import settings
from small import params, small

from nnops.data.prepare import prepare
from nnops.errors import NameUnknownError, ParamsError
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.corruptions import CORRUPTIONS
from nnops.evaluation.corruptions.base import SEVERITIES, Ground
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.predict import read_rows
from nnops.evaluation.robustness import check_robustness
from nnops.judge import judge
from nnops.params import overlay, parse

ATTACKS = [{"name": "fgsm", "options": {"epsilon": 0.1}}, {"name": "pgd", "options": {"epsilon": 0.1, "steps": 4}}]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"word": rng.choice(list("abc"), 300), "size": rng.normal(5, 2, 300), "age": rng.random(300)})
    frame["kind"] = np.where(frame["size"] + 3 * (frame["word"] == "a") > 6, "yes", "no")
    frame.loc[::9, "size"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    data = {"source": {"name": "csv", "options": {"path": "t.csv"}}, "target": "kind"}
    return prepare(parse({"data": data, "model": {"name": "mlp"}}), folder / "prepared", folder)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("kinds")
    return {kind: small(folder / kind, kind) for kind in ("image", "masks", "series", "text")} | {"table": table}


@pytest.mark.parametrize("name", CORRUPTIONS.names())
def test_each_severity_is_worse_and_repeats(kinds, name):
    fitting = [data for data in kinds.values() if CORRUPTIONS.load(name).fits(Ground.of(data))]
    assert fitting
    for data in fitting:
        ground, rows = Ground.of(data), read_rows(data, "test")
        before = [array.copy() for array in rows.inputs]
        changed = []
        for severity in SEVERITIES:
            one, again = (
                CORRUPTIONS.build(name, {}).apply(rows.inputs, severity, ground, np.random.default_rng(1))
                for _ in range(2)
            )
            for new, repeated, old in zip(one, again, before, strict=True):
                assert new.shape == old.shape
                assert new.dtype == old.dtype
                assert np.isfinite(new).all()
                np.testing.assert_array_equal(new, repeated)
            off = [np.abs(new.astype(float) - old).mean() for new, old in zip(one, before, strict=True)]
            changed.append(sum(off))
        assert all(np.array_equal(array, old) for array, old in zip(rows.inputs, before, strict=True))
        assert changed[0] > 0
        assert changed[-1] > 1.05 * changed[0]


def test_pixels_stay_between_black_and_white(kinds):
    ground, rows = Ground.of(kinds["image"]), read_rows(kinds["image"], "test")
    for name in ("brightness", "gaussian_noise", "impulse_noise"):
        (image,) = CORRUPTIONS.build(name, {}).apply(rows.inputs, 5, ground, np.random.default_rng(1))
        pixel = image * ground.std[0] + ground.mean[0]
        assert pixel.min() >= -1e-6
        assert pixel.max() == pytest.approx(1, abs=1e-6)


def test_a_cell_that_is_missing_is_what_preparing_makes_of_an_empty_one(table):
    ground, rows = Ground.of(table), read_rows(table, "test")
    (cells,) = CORRUPTIONS.build("missing_columns", {}).apply(rows.inputs, 5, ground, np.random.default_rng(1))
    by_name = {cell.name: cell for cell in ground.cells}
    assert by_name.keys() == {"age", "size", "word"}
    # Two of three columns of each row are empty: a word without any 1, a number as its median.
    for cell in by_name.values():
        empty = (cells[:, cell.places] == cell.missing).all(1)
        assert 0.4 < empty.mean() < 0.95
    assert (by_name["word"].missing == 0).all()


@pytest.fixture
def judged(projects, tmp_path):
    """A network of digits, and its scorecard with everything asked for."""
    project = projects("multiclass")
    asked = {"robustness": {"attacks": ATTACKS, "rows": 40}, "intervals": {"samples": 50}, "baselines": []}
    chosen = settings("multiclass", **asked)
    return tmp_path, project.data, chosen, project.model, evaluate(project.model, project.data, chosen)


def test_what_is_told(judged):
    folder, data, chosen, model, card = judged
    numbers = write_scorecard(folder / "out", card)
    assert card.damaged_rows == 40
    names = {one.name for one in card.damage if one.kind == "corruption"}
    assert {"gaussian_noise", "occlusion", "rotation"} <= names
    each = [numbers[f"corruption.{name}.{severity}.accuracy"] for name in names for severity in SEVERITIES]
    assert numbers["test.corruption_accuracy"] == pytest.approx(sum(each) / len(each))
    clean = card.damage[0].score.value
    assert clean >= numbers["attack.pgd.quarter.accuracy"] >= numbers["attack.pgd.half.accuracy"]
    assert numbers["test.pgd_accuracy"] == numbers["attack.pgd.full.accuracy"] < clean
    assert numbers["test.pgd_accuracy.low"] <= numbers["test.pgd_accuracy"] <= numbers["test.pgd_accuracy.high"]
    with (folder / "out" / "robustness.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 1 + 5 * len(names) + 3 * len(ATTACKS)
    assert (folder / "out" / "figures" / "robustness.png").stat().st_size > 5000
    assert evaluate(model, data, chosen).damage == card.damage


def test_nothing_is_there_where_nothing_is_asked_for(judged):
    _, data, chosen, model, _ = judged
    card = evaluate(model, data, overlay(chosen, {"evaluate.robustness": None}))
    assert card.damage == ()
    assert "damage" not in card.to_json()
    assert not [name for name in card.metrics() if "corruption" in name or "pgd" in name]


def test_the_gate_knows_the_names_where_they_are_measured():
    digits = {"data": {"source": {"name": "sklearn", "options": {"set": "iris"}}}, "model": {"name": "mlp"}}
    asked = {"evaluate": {"robustness": {"attacks": ATTACKS}}, "register": {"gate": ["pgd_accuracy >= 0.3"]}}
    judge(parse(digits | asked))
    with pytest.raises(ParamsError, match=r"'pgd_accuracy' is not measured; ask for it by \{name: pgd\} in evaluate"):
        judge(parse(digits | {"register": asked["register"]}))
    with pytest.raises(ParamsError, match=r"register\.gate: unknown metric 'high'"):
        judge(parse(digits | {"register": {"gate": ["accuracy >= high"]}}))


@pytest.mark.parametrize(
    ("kind", "asked", "error", "message"),
    [
        ("text", {"corruptions": ["rotation"]}, ParamsError, "'rotation' does not fit data with text; write some of"),
        ("image", {"corruptions": ["rotatoin"]}, ParamsError, "did you mean 'rotation'"),
        ("text", {"attacks": ATTACKS}, ParamsError, r"robustness\.attacks: an attack moves numbers or pixels"),
        ("language", {}, ParamsError, "answers of the task language_model are told token by token"),
        ("image", {"attacks": [{"name": "fgms"}]}, NameUnknownError, "did you mean 'fgsm'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path, kind, asked, error, message):
    with pytest.raises(error, match=message):
        check_robustness(params(evaluate={"robustness": asked}), small(tmp_path, kind))


def test_an_attack_is_named_once():
    with pytest.raises(ParamsError, match="each attack once"):
        params(evaluate={"robustness": {"attacks": [ATTACKS[0], ATTACKS[0]]}})


def test_the_terminal_has_a_line_of_it(judged):
    *_, card = judged
    numbers = card.metrics()
    (line,) = [line for line in card.remarks() if "pgd_accuracy" in line]
    assert line.startswith(f"fgsm_accuracy {numbers['test.fgsm_accuracy']:.4f}, pgd_accuracy ")
    assert line.endswith(f"corruption_accuracy {numbers['test.corruption_accuracy']:.4f}")
