"""A language model from a text file through all stages to a bundle that goes on with texts, without torch."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from nnops.compression.compress import compress
from nnops.data.infer_text import infer_texts
from nnops.data.prepare import prepare
from nnops.errors import DataError, InputError
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.sample import Sampling
from nnops.params import parse
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.language import generate, surprises
from nnops.registry.mlmodel import _signature
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

VERSE = "one for sorrow, two for joy, three for a girl, four for a boy, five for silver, six for gold.\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("verse")
    (root / "verse.txt").write_text(VERSE * 60)
    section = infer_texts("language_model", root / "verse.txt", None, None).data
    section["text"] |= {"vocabulary": 300, "length": 24}
    section["source"]["options"]["path"] = "verse.txt"
    params = parse(
        {
            "data": section,
            "model": {"name": "decoder", "options": {"width": 32, "layers": 2, "heads": 2, "dropout": 0.0}},
            "train": {"epochs": 12, "batch_size": 8, "optimizer": {"name": "adamw", "options": {"lr": 0.01}}},
            "evaluate": {"intervals": {"samples": 20}},
            "register": {"name": "verse"},
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


def test_what_comes_is_told_better_than_by_counting_pairs(made):
    root, card, small, _ = made
    assert card.test["token_accuracy"].value > 0.9
    assert [one.name for one in card.baselines] == ["unigram", "bigram"]
    assert card.standing == "ahead of every baseline"
    assert (root / "evaluate" / "predictions.csv").read_text().startswith("row,tokens,perplexity,token_accuracy\n")
    assert (root / "evaluate" / "figures" / "scorecard.png").exists()
    assert small.numbers["onnx_fp32.parity.relative"] < 1e-4
    assert small.numbers["onnx_fp32.parity.label_agreement"] == 1.0
    assert small.numbers["onnx_int8.parity.relative"] < 0.2


def test_it_goes_on_with_a_text(made):
    bundle = made[3]
    assert generate(bundle, "one for sorrow, two", 12, Sampling(temperature=0), 7).startswith(" for joy, three")
    first, again, other = (generate(bundle, "one", 30, Sampling(temperature=3.0), seed) for seed in (7, 7, 8))
    assert first == again != other
    assert generate(bundle, "", 20, Sampling(top_k=5, top_p=0.9), 7)
    # Bytes are pieces, so that no sign of a prompt is unknown.
    assert isinstance(generate(bundle, "日本 ½", 3, Sampling(), 7), str)
    long = VERSE * 3
    assert generate(bundle, long + "one for", 2, Sampling(temperature=0), 7) == generate(
        bundle, VERSE * 2 + "one for", 2, Sampling(temperature=0), 7
    )
    with pytest.raises(InputError, match="--tokens must be at least 1, got 0"):
        generate(bundle, "one", 0, Sampling(), 7)


def test_texts_are_told_how_surprising_they_are(made):
    bundle = made[3]
    found = surprises(bundle, pd.DataFrame({"text": [VERSE, VERSE[::-1]]}, index=[4, 9]))
    assert found.index.tolist() == [4, 9]
    assert found["perplexity"][4] < 3 < found["perplexity"][9]
    np.testing.assert_array_equal(bundle.predict(pd.DataFrame({"text": [VERSE]}))["tokens"], found["tokens"][:1])
    with pytest.raises(DataError, match=r"row 2: text 'text' must hold words, but is empty"):
        bundle.predict(pd.DataFrame({"text": [VERSE, " "]}))
    assert [column.name for column in _signature(bundle).outputs.inputs] == ["tokens", "perplexity"]


def test_the_command_needs_no_torch_and_faults_end_with_2(made):
    code = """
import sys
from nnops.__main__ import main
begin = ["nnops", "model", "generate", "bundle", "--prompt", "one for sorrow, two"]
for words, expected in (("--temperature 0 --tokens 9", 0), ("--temperature -1", 2), ("--top-k 0", 2)):
    sys.argv = [*begin, *words.split()]
    try:
        status = main()
    except SystemExit as end:
        status = end.code
    assert (status or 0) == expected, status
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=made[0], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("one for sorrow, two for joy")
    assert "--temperature must be 0" in done.stderr
    assert "Traceback" not in done.stderr
