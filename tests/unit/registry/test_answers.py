"""Texts answered with texts: words turned round, learned whole, from a table to a bundle that answers without torch."""

import csv
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.errors import DataError, InputError
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.params import parse
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.mlmodel import _signature
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("turned")
    words = {"".join(np.random.default_rng(seed).choice(list("abc"), 2 + seed % 3)) for seed in range(400)}
    with (root / "words.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["word", "turned"], *([word, word[::-1]] for word in sorted(words) * 4)])
    params = parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": "words.csv"}},
                "target": "turned",
                "task": "sequence",
                "text": {"tokenizer": "bpe", "vocabulary": 260, "min_frequency": 10_000},
            },
            "model": {"name": "seq2seq", "options": {"width": 32, "layers": 1, "heads": 2, "dropout": 0.0}},
            "train": {"epochs": 26, "batch_size": 16, "optimizer": {"name": "adamw", "options": {"lr": 0.005}}},
            "evaluate": {"intervals": {"samples": 20}},
            "register": {"name": "turned"},
        }
    )
    data = prepare(params, root / "prepare", root)
    write_model(root / "train", train(params, data), params, data)
    model = read_model(root / "train")
    card = evaluate(model, data, params)
    write_scorecard(root / "evaluate", card, root / "train" / "history.csv")
    with pytest.MonkeyPatch.context() as patch:
        # How long a call takes is of no matter here.
        patch.setattr("nnops.compression.cost.SECONDS", 0.01)
        small = compress(model, data, params, root / "compress", root)
    stages = Sources(*(root / stage for stage in ("prepare", "train", "evaluate", "compress")))
    return root, card, small, write_bundle(root / "bundle", params, stages)


def test_words_are_turned_round(made):
    root, card, small, _ = made
    assert card.test["exact_match"].value > 0.9
    assert set(card.test) == {"bleu", "edit_rate", "exact_match", "token_accuracy"}
    assert [one.name for one in card.baselines] == ["nearest"]
    with (root / "evaluate" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(row["actual"] == row["text"][::-1] for row in rows)
    matches = np.mean([row["actual"] == row["predicted"] for row in rows])
    assert matches == pytest.approx(card.test["exact_match"].value)
    assert small.numbers["onnx_fp32.parity.relative"] < 1e-4
    assert small.numbers["onnx_fp32.test.exact_match"] == card.test["exact_match"].value


def test_a_match_told_after_true_tokens_is_a_match_told_after_its_own(made):
    # So that what training shows after each epoch is the very number of the evaluation.
    root, card, _, _ = made
    best = read_model(root / "train").record["val"]["val_exact_match"]
    assert card.val["exact_match"].value == pytest.approx(best)


def test_a_bundle_answers_by_beams_too(made):
    bundle = made[3]
    rows = pd.DataFrame({"word": ["abc", "ca", "bbac"]}, index=[3, 5, 8])
    found = bundle.predict(rows)
    assert found.index.tolist() == [3, 5, 8]
    assert found["turned"].tolist() == ["cba", "ac", "cabb"]
    assert bundle.predict(rows, beam=3)["turned"].tolist() == ["cba", "ac", "cabb"]
    with pytest.raises(InputError, match="--beam must be at least 1"):
        bundle.predict(rows, beam=0)
    with pytest.raises(DataError, match=r"row 2: text 'word' must hold a known word, but is empty"):
        bundle.predict(pd.DataFrame({"word": ["abc", ""]}))
    assert [column.name for column in _signature(bundle).outputs.inputs] == ["turned"]


def test_the_command_needs_no_torch_and_faults_end_with_2(made):
    (made[0] / "new.csv").write_text("word\nabc\nca\n")
    code = """
import sys
from nnops.__main__ import main
for words, expected in [
    ("predict bundle new.csv --beam 2", 0), ("predict bundle new.csv --beam 0", 2), ("generate bundle", 2)
]:
    sys.argv = ["nnops", "model", *words.split()]
    try:
        status = main()
    except SystemExit as end:
        status = end.code
    assert (status or 0) == expected, status
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=made[0], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "turned\ncba\nac\n"
    assert "--beam must be at least 1" in done.stderr
    assert "only a language model goes on with a text" in done.stderr
    assert "Traceback" not in done.stderr
