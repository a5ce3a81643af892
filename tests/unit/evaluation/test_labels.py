"""Several labels a row, from a table to answers: trained, judged beside its baselines, made smaller, asked."""

import json

import numpy as np
import pandas as pd
import pytest

from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.params import parse
from nnops.registry.bundle import Sources, write_bundle
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

LABELS = ("art", "news", "rare", "sport")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(1)
    feature_NF = rng.normal(size=(240, 3)).round(3)
    there_NC = feature_NF @ rng.normal(size=(3, 4)) > [0.0, 0.5, 9.0, -0.5]
    there_NC[0, 2] = True  # one row of the label that no model can learn
    tags = ["|".join(label for label, there in zip(LABELS, row, strict=True) if there) for row in there_NC]
    pd.DataFrame(feature_NF, columns=["a", "b", "c"]).assign(tags=tags).to_csv(folder / "tags.csv", index=False)
    params = parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": str(folder / "tags.csv")}},
                "target": "tags",
                "task": "multilabel",
            },
            "model": {"name": "mlp", "options": {"hidden": [8]}},
            "train": {"epochs": 20, "batch_size": 16, "optimizer": {"name": "adamw", "options": {"lr": 0.02}}},
            "evaluate": {"intervals": {"samples": 50}},
            "compress": {"methods": [{"name": "quantize", "options": {"calibration_rows": 32}}]},
        }
    )
    data = prepare(params, folder / "prepare")
    write_model(folder / "train", train(params, data), params, data)
    return folder, params, data


def test_from_a_table_to_answers(project):
    folder, params, data = project
    model = read_model(folder / "train")
    scorecard = evaluate(model, data, params)
    assert scorecard.primary == "f1_micro"
    of_labels = {"f1_micro", "f1", "precision", "recall", "subset_accuracy", "hamming_loss"}
    assert set(scorecard.test) == of_labels | {"log_loss", "brier", "calibration_error", "roc_auc", "pr_auc"}
    assert scorecard.test["f1_micro"].value > 0.85
    names = [baseline.name for baseline in scorecard.baselines]
    assert names == ["majority", "linear", "boosted_trees"]
    blind, linear, _ = scorecard.baselines
    assert blind.test["roc_auc"].value == 0.5
    assert linear.test["f1_micro"].value > 0.85 > blind.test["f1_micro"].value

    write_scorecard(folder / "evaluate", scorecard)
    drawn = {path.stem for path in (folder / "evaluate" / "figures").iterdir()}
    assert drawn == {"scorecard", "labels", "curves", "calibration"}
    lines = pd.read_csv(folder / "evaluate" / "predictions.csv", keep_default_na=False)
    assert set("|".join(lines["actual"]).split("|")) <= {"", *LABELS}
    assert ((lines["confidence"] >= 0.5) & (lines["confidence"] <= 1)).all()

    compressed = compress(model, data, params, folder / "compress", folder)
    assert set(compressed.limits) == {"f1_micro"}
    sources = Sources(*(folder / stage for stage in ("prepare", "train", "evaluate", "compress")))
    bundle = write_bundle(folder / "bundle", params, sources)
    answers = bundle.predict(pd.DataFrame({"a": [3.0, -3.0], "b": [0.1, 0.2], "c": [0.0, 0.0]}))
    assert list(answers.columns) == ["labels", *(f"p({label})" for label in LABELS)]
    for _, row in answers.iterrows():
        assert row["labels"] == "|".join(label for label in LABELS if row[f"p({label})"] > 0.5)
    assert json.loads((folder / "bundle" / "manifest.json").read_text())["task"] == "multilabel"
