"""Raw texts in, answers out: from rows through all stages to a bundle that answers without torch."""

import csv
import subprocess
import sys

import numpy as np
import pytest

from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.files import read_json
from nnops.params import parse
from nnops.registry.bundle import Sources, write_bundle
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

WORDS = {"card": ["card", "pin", "chip"], "money": ["bill", "fee", "pay"], "phone": ["app", "login", "screen"]}
FILL = ["please", "help", "me", "with", "the", "one", "that", "does", "not", "work"]


def write_rows(path, count):
    rng = np.random.default_rng(1)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["text", "label"])
        for row in range(count):
            label = list(WORDS)[row % 3]
            words = [*rng.choice(WORDS[label], 2), *rng.choice(FILL, int(rng.integers(2, 8)))]
            rows.writerow([" ".join(rng.permutation(words)), label])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("tickets")
    write_rows(root / "tickets.csv", 240)
    params = parse(
        {
            "data": {"source": {"name": "csv", "options": {"path": "tickets.csv"}}, "target": "label"},
            "model": {"name": "transformer", "options": {"width": 8, "layers": 1, "heads": 2, "dropout": 0.0}},
            "train": {"epochs": 8, "batch_size": 16, "optimizer": {"name": "adamw", "options": {"lr": 0.02}}},
            "evaluate": {"intervals": {"samples": 20}},
            "register": {"name": "tickets"},
        }
    )
    data = prepare(params, root / "prepare", root)
    write_model(root / "train", train(params, data), params, data)
    model = read_model(root / "train")
    card = evaluate(model, data, params)
    write_scorecard(root / "evaluate", card)
    with pytest.MonkeyPatch.context() as patch:
        # How long a call takes is of no matter here.
        patch.setattr("nnops.compression.cost.SECONDS", 0.01)
        small = compress(model, data, params, root / "compress", root)
    stages = Sources(*(root / stage for stage in ("prepare", "train", "evaluate", "compress")))
    return root, card, small, write_bundle(root / "bundle", params, stages)


def test_both_variants_answer_as_the_network_does(made):
    _, _, small, _ = made
    numbers = small.numbers
    assert numbers["onnx_fp32.parity.relative"] < 1e-4
    assert numbers["onnx_int8.parity.relative"] < 0.1
    assert numbers["onnx_int8.parity.label_agreement"] > 0.95


def test_the_table_says_which_baseline_is_absent_and_why(made):
    root, card, _, _ = made
    assert card.test["accuracy"].value > 0.8
    assert [one.name for one in card.baselines] == ["majority", "linear"]
    assert "boosted_trees" in card.table().splitlines()[-1]
    assert "absent: a tree asks for one word at a time" in card.table()
    assert read_json(root / "evaluate" / "scorecard.json")["absent"] == card.absent


def test_raw_texts_are_answered_without_torch_and_faults_end_with_2(made):
    root, _, _, bundle = made
    assert bundle.lineage["versions"]["tokenizers"]
    (root / "new.csv").write_text("text\nhelp me with the PIN of my card\nlogin does not work on the screen\n")
    (root / "bad.csv").write_text("text\nhelp me with the card\nxyzzy plugh\n")
    code = """
import sys
from nnops.__main__ import main
for file, expected in (("new.csv", 0), ("bad.csv", 2)):
    sys.argv = ["nnops", "model", "predict", "bundle", file]
    try:
        status = main()
    except SystemExit as end:
        status = end.code
    assert (status or 0) == expected, status
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(done.stdout.splitlines()))
    assert [line["class"] for line in lines] == ["card", "phone"]
    assert "row 2: text 'text' must hold a known word" in done.stderr
    assert "Traceback" not in done.stderr
