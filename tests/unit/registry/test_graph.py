"""A whole small project on a graph, with the params of the guide: from the files to answers for nodes."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from graphs import write_graph
from safetensors.numpy import save_file

from nnops import params as params_file
from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.doctor.case import Case
from nnops.doctor.examine import examine
from nnops.errors import DataError, InputError, ParamsError
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.explain.explain import kind_of
from nnops.files import write_json
from nnops.judge import judge
from nnops.params import overlay
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.mlmodel import _signature
from nnops.registry.nodes import check_as_trained
from nnops.sweep.run import run_sweep
from nnops.sweep.study import Study
from nnops.tracking.null import NullTracker
from nnops.training.artifact import read_model, write_model
from nnops.training.ensemble import train_model

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "graphs.md"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project as the guide writes it."""
    root = tmp_path_factory.mktemp("graph")
    write_graph(root, count=300)
    (_, text, *_) = GUIDE.read_text(encoding="utf-8").split("```yaml\n")
    (root / "params.yaml").write_text(text.split("```")[0], encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def chosen(root):
    short = {"train.epochs": 30, "train.device": "cpu", "evaluate.intervals.samples": 20, "register.name": "papers"}
    return overlay(params_file.load(root / "params.yaml"), short)


@pytest.fixture(scope="module")
def project(root, chosen):
    stages = root / "artifacts"
    data = prepare(chosen, stages / "prepare", root)
    write_model(stages / "train", train_model(chosen, data), chosen, data)
    model = read_model(stages / "train")
    card = evaluate(model, data, chosen)
    write_json(stages / "evaluate" / "metrics.json", card.metrics())
    write_json(stages / "evaluate" / "scorecard.json", card.to_json())
    compressed = compress(model, data, chosen, stages / "compress", root)
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    return write_bundle(root / "bundle", chosen, sources), data, card, compressed


@pytest.fixture
def rows(root):
    return pd.read_csv(root / "data" / "papers.csv")


def test_the_params_of_the_guide_are_judged_whole(chosen, root):
    judge(chosen, root)


def test_the_network_is_ahead_of_what_sees_no_edges(project):
    _, _, card, _ = project
    linear = next(one for one in card.baselines if one.name == "linear")
    assert card.test["accuracy"].value > linear.test["accuracy"].value + 0.1


def test_the_exported_graph_gives_what_the_network_gives(project):
    _, _, _, compressed = project
    assert compressed.numbers["onnx_fp32.parity.relative"] < 1e-5
    assert compressed.numbers["onnx_int8.parity.label_agreement"] > 0.95


def test_rows_of_nodes_are_answered_in_any_order(project, rows):
    bundle, data, _, _ = project
    some = rows.sample(40, random_state=1)
    answers = bundle.predict(some.drop(columns="field"))
    assert list(answers.index) == list(some.index)
    pd.testing.assert_frame_equal(answers, bundle.predict(rows).loc[some.index])
    assert (answers["class"] == some["field"]).mean() > 0.6
    assert data.spec.nodes == 300


def test_a_node_that_is_not_in_the_graph_is_refused(project, rows):
    bundle = project[0]
    other = rows.head(5).copy()
    other.loc[3, "paper"] = "p999"
    with pytest.raises(
        DataError, match=r"row 4: column 'paper' must name a node of the graph .* got 'p999'; a new node"
    ):
        bundle.predict(other)
    with pytest.raises(DataError, match="must have the column 'paper'"):
        bundle.predict(rows.drop(columns="paper"))


def test_a_node_with_other_columns_than_in_the_graph_is_refused(project, rows):
    bundle = project[0]
    other = rows.head(5).copy()
    other.loc[2, "x1"] += 0.5
    with pytest.raises(
        DataError, match=r"row 3: the node 'p2' has another x1 than in the graph that the model was train"
    ):
        bundle.predict(other)


@pytest.mark.parametrize("part", ["", "links.", "body.graph."])
def test_the_graph_is_found_whatever_its_part_is_called(part, project, rows, tmp_path):
    preprocess = project[0].preprocess
    inputs = preprocess.transform(rows.head(3))
    nodes = int(inputs["node"].max()) + 1
    numeric = np.zeros((nodes, inputs["numeric"].shape[1]), np.float32)
    numeric[inputs["node"]] = inputs["numeric"]
    held = {f"{part}start_S": np.zeros(nodes + 1, np.int64), f"{part}numeric": numeric}
    save_file(held, tmp_path / "same.safetensors")
    check_as_trained(rows.head(3), inputs, preprocess, tmp_path / "same.safetensors")
    save_file(held | {f"{part}numeric": numeric + 1}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match=r"row 1: the node 'p\d+' has another"):
        check_as_trained(rows.head(3), inputs, preprocess, tmp_path / "other.safetensors")


def test_the_signature_names_the_id(project):
    assert _signature(project[0]).inputs.input_names()[0] == "paper"


def test_what_is_of_a_row_alone_refuses_a_graph(project, chosen, root):
    with pytest.raises(InputError, match="answered from its neighbours, too"):
        kind_of(project[1].spec)
    for sets in ({"evaluate.robustness": {}}, {"train.adversarial": {"name": "fgsm"}}):
        with pytest.raises(ParamsError, match="answered from its neighbours, too"):
            judge(overlay(chosen, sets), root)


def test_the_doctor_accuses_nothing(project, chosen):
    found = examine(Case(chosen, project[1]))
    assert [finding.check for finding in found.findings if finding.severity == "error"] == []


def test_a_sweep_tries_networks_with_and_without_edges(project, chosen, tmp_path):
    shutil.copytree(Path(project[0].folder).parent / "data", tmp_path / "data")
    sets = {
        "sweep.engine": "inline",
        "sweep.budget.trials": 4,
        "sweep.sampler.name": "grid",
        "sweep.pruner.name": "none",
        "sweep.space": {
            "model.name": {"choice": ["gcn", "mlp"]},
            "train.optimizer.options.lr": {"choice": [0.01, 0.03]},
        },
        "train.epochs": 15,
        "model.options": {},
    }
    tuned = overlay(chosen, sets)
    run_sweep(tuned, tmp_path, "s", tracker=NullTracker())
    study = Study.open(tmp_path, "s")
    reached = {
        name: max(trial.value for trial in study.trials() if trial.config["model.name"] == name)
        for name in ("gcn", "mlp")
    }
    assert reached["gcn"] > reached["mlp"]
