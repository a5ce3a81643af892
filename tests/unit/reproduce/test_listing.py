"""The experiment table and the comparison."""

from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from nnops.errors import InputError
from nnops.reproduce.contrast import contrast
from nnops.reproduce.listing import list_runs, records
from nnops.reproduce.sheet import page
from nnops.tracking.runs import RunView

STUDY = RunView(
    "s" * 32, "st-1", "st", "study", "FINISHED", 0, {"model.name": "mlp", "model.options.hidden": "[8]", "seed": "7"}
)


def run(name: str, accuracy: float, loss: float, **changes: Any) -> RunView:
    params = {"model.name": "mlp", "model.options.hidden": "[8]", "train.optimizer.options.lr": "0.001"}
    metrics = {"best/val_accuracy": accuracy, "best/val_loss": loss, "test.accuracy": accuracy - 0.01}
    metrics |= {"test.accuracy.low": accuracy - 0.1, "test.accuracy.high": accuracy + 0.1}
    given: dict[str, Any] = {"params": params, "metrics": metrics, "tags": {"task": "binary", "data.hash": "d" * 64}}
    return RunView(name * 8, name, name, "pipeline", "FINISHED", 0, **given | changes)


def test_the_table_has_architecture_numbers_and_marks_the_best() -> None:
    runs = [run("a", 0.9, 0.3), run("b", 0.8, 0.2, tags={"nnops.note": "wide | tall"})]
    sheet = list_runs(runs, {})
    assert sheet.columns[-4:] == ("val_accuracy", "val_loss", "test.accuracy", "note")
    row = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    assert (row["architecture"], row["training"], row["val_loss"]) == ("hidden [8]", "lr 0.001", "0.3")
    best = {sheet.columns[place]: line for line, place in sheet.marked}
    assert best == {"val_accuracy": 0, "val_loss": 1, "test.accuracy": 0}
    assert "wide \\| tall" in sheet.markdown()
    assert [record["metrics"]["best/val_loss"] for record in records(runs, {})] == [0.3, 0.2]


def test_a_trial_says_what_its_study_says_unless_its_family_is_another() -> None:
    tags = {"nnops.parent": "st-1"}
    same = run("a", 0.9, 0.3, params={"train.batch_size": "16"}, tags=tags)
    other = run("b", 0.9, 0.3, params={"model.name": "resmlp"}, tags=tags)
    found = [record["params"] for record in records([same, other], {"st-1": STUDY})]
    assert found[0] == {"model.name": "mlp", "model.options.hidden": "[8]", "seed": "7", "train.batch_size": "16"}
    assert found[1] == {"model.name": "resmlp", "seed": "7"}


def test_a_comparison_shows_what_differs_and_marks_the_better() -> None:
    runs = [run("a", 0.9, 0.3), run("b", 0.8, 0.2, params={"model.name": "mlp", "model.options.hidden": "[16]"})]
    environments = [
        {"packages": {"torch": "1"}, "git": {"commit": "c" * 40}},
        {"packages": {"torch": "2"}, "git": {"commit": "c" * 40}},
    ]
    sheets = {sheet.title: sheet for sheet in contrast(runs, {}, environments, ["", "+++ b/pipelines/train.py\n"])}
    assert ("model.options.hidden", "[8]", "[16]") in sheets["params"].rows
    assert all(row[0] != "model.name" for row in sheets["params"].rows)
    assert sheets["environment"].rows == (("torch", "1", "2"),)
    assert ("changed since", "", "pipelines/train.py") in sheets["code"].rows
    place = next(line for line, row in enumerate(sheets["results"].rows) if row[0] == "val_loss")
    assert (place, 2) in sheets["results"].marked
    assert "0.89 (0.8 to 1)" in sheets["results"].markdown()
    assert '<td class="marked">[16]</td>' in page("<Two>", list(sheets.values()))
    assert "<Two>" not in page("<Two>", [])


def test_results_of_different_tasks_are_not_compared() -> None:
    with pytest.raises(InputError, match="a is binary, b is regression"):
        contrast([run("a", 1, 1), run("b", 1, 1, tags={"task": "regression"})], {}, [{}, {}], ["", ""])


def test_a_narrow_terminal_goes_without_what_matters_least() -> None:
    sheet = list_runs([run("a", 0.9, 0.3)], {})
    always = ("run", "name", "model", "val_accuracy", "val_loss", "test.accuracy")
    assert sheet.within(1000).columns == sheet.columns
    assert sheet.within(20).columns == always
    # A comparison keeps its columns, whether or not there is anything in them.
    for one in contrast([run("a", 0.9, 0.3), run("b", 0.9, 0.3, params={})], {}, [{}, {}], ["", ""], ["", ""]):
        assert one.within(20) == one
        assert len(one.columns) == 3
    left = [set(sheet.columns) - set(sheet.within(width).columns) for width in range(20, 140)]
    assert left[-1] == set()
    assert all(more >= less for more, less in pairwise(left) if "training" in more)
    for width in range(60, 140):
        console = Console(width=width, record=True, file=StringIO())
        console.print(sheet.within(width).table())
        assert len(console.export_text().splitlines()) == 2, width
