"""A whole small project on a series: from the file to the steps that follow it, in own units and with their times."""

import numpy as np
import pandas as pd
import pytest
from small import params

from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.errors import DataError
from nnops.evaluation.evaluate import evaluate
from nnops.files import write_json
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.mlmodel import _signature
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train


def table(steps=150, start="2024-01-01"):
    parts = []
    for place, site in enumerate(("south", "north")):
        when = pd.date_range(start, periods=steps, freq="h").strftime("%Y-%m-%d %H:%M:%S")
        load = 20 + 10 * place + 5 * np.sin(np.arange(steps) / 3)
        parts.append(pd.DataFrame({"when": when, "site": site, "load": load, "wind": np.cos(np.arange(steps) / 5)}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("series")
    table().to_csv(root / "s.csv", index=False)
    chosen = params(
        data={
            "source": {"name": "csv", "options": {"path": "s.csv"}},
            "series": {"time": "when", "group": "site", "targets": ["load"], "window": 12, "horizon": 3},
        },
        model={"name": "linear_series", "options": {"kind": "dlinear", "kernel": 3}},
        evaluate={"intervals": {"samples": 20}, "baselines": ["last_value"]},
        register={"name": "load"},
    )
    stages = root / "artifacts"
    data = prepare(chosen, stages / "prepare", root)
    write_model(stages / "train", train(chosen, data), chosen, data)
    model = read_model(stages / "train")
    card = evaluate(model, data, chosen)
    write_json(stages / "evaluate" / "metrics.json", card.metrics())
    write_json(stages / "evaluate" / "scorecard.json", card.to_json())
    compressed = compress(model, data, chosen, stages / "compress", root)
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    return write_bundle(root / "bundle", chosen, sources), model, data, compressed


def test_the_graph_gives_what_the_network_gives(project):
    _, _, _, compressed = project
    numbers = compressed.numbers
    assert numbers["onnx_fp32.parity.relative"] < 1e-5
    assert numbers["onnx_int8.parity.relative"] < 0.2
    assert numbers["onnx_fp32.test.scaled_mse"] == pytest.approx(numbers["torch_fp32.test.scaled_mse"], rel=1e-4)


def test_the_steps_that_follow_are_told_in_own_units_with_their_times(project):
    bundle, _, data, _ = project
    answers = bundle.predict(table())
    assert list(answers.columns) == ["site", "when", "load"]
    assert answers["site"].tolist() == ["north"] * 3 + ["south"] * 3
    assert answers["when"].tolist()[:3] == ["2024-01-07 06:00:00", "2024-01-07 07:00:00", "2024-01-07 08:00:00"]
    # The last window of test has its truth in the file: asked without it, it is answered as it was judged.
    before = table().groupby("site").head(147)
    tensors = data.tensors("test")
    output = bundle.graph.run({"series": tensors.inputs[0].numpy()})
    mean, std = data.target_scale
    answers = bundle.predict(before)
    for place, site in enumerate(("north", "south")):
        row = (place + 1) * len(tensors) // 2 - 1
        found = answers["load"][answers["site"] == site]
        np.testing.assert_allclose(found, output[row] * std + mean, rtol=1e-5)


def test_rows_may_be_longer_than_a_window_and_columns_in_any_order(project):
    bundle = project[0]
    tail = table().groupby("site").tail(12)
    whole = bundle.predict(table())
    pd.testing.assert_frame_equal(bundle.predict(tail[["wind", "load", "site", "when"]]), whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda rows: rows.groupby("site").tail(5),
            r"must be at least 12, one window of steps, but series 'north' has 5",
        ),
        (lambda rows: rows.drop(columns="wind"), "must have the column 'wind'"),
        (lambda rows: rows.drop(columns="when"), "must have the column 'when'"),
        (lambda rows: rows.drop(index=20), r"row 22: steps must be 1 hour each"),
        (lambda rows: rows.iloc[::-1], r"column 'when' must rise"),
        (lambda rows: rows.assign(load="much"), r"row 1: column 'load' of a series must hold numbers, got 'much'"),
        (lambda rows: rows.assign(when="soon"), r"row 1: the time column 'when' must hold dates .* got 'soon'"),
        (lambda rows: rows.iloc[:0], "at least one"),
        (lambda rows: np.zeros((2, 1, 8, 8), np.uint8), "rows with the columns when, site, load, wind are wanted"),
    ],
)
def test_rows_that_do_not_fit_are_answered(project, change, words):
    with pytest.raises(DataError, match=words):
        project[0].predict(change(table()))


def test_mlflow_is_told_of_columns_and_answers(project):
    signature = _signature(project[0])
    assert signature.inputs.input_names() == ["when", "site", "load", "wind"]
    assert signature.outputs.input_names() == ["site", "when", "load"]
