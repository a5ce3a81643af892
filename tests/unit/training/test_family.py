"""The benchmark of a step beside a plain loop runs on all kinds of data; what it finds stands in RESULTS.md."""

import pytest

from benchmarks.family import DATA, measure

CASES = {
    "images of 28x28": ("mlp", {"hidden": [3]}),
    "masks of 32x32": ("unet", {"channels": [2, 3]}),
    "64 numbers": ("tabular", {"hidden": [3], "periods": 2, "width": 2}),
    "texts": ("bag", {"width": 2, "pairs": 8}),
    "windows of 96 steps": ("linear_series", {}),
    "running text": ("rnn", {"embedding": 2, "hidden": 2}),
    "a graph": ("gcn", {"hidden": [3]}),
    "texts and answers": ("seq2seq", {"width": 2, "heads": 1, "layers": 1, "feed_forward": 2}),
}


@pytest.mark.parametrize("kind", DATA)
def test_a_step_of_every_kind_of_data_is_measured(kind):
    name, options = CASES[kind]
    found, row = measure(name, options, steps=1, batch=2, turns=2, wanted=kind)
    assert found == kind
    assert row["low"] <= row["ratio"] <= row["high"]
    assert row["plain_ms"] > 0
    assert row["nnops_ms"] > 0


def test_a_family_is_measured_on_the_first_data_that_it_takes():
    assert measure("transformer", {"width": 2, "heads": 1, "layers": 1, "feed_forward": 2}, 1, 2, 2)[0] == "texts"
    with pytest.raises(SystemExit, match="takes none of texts"):
        measure("mlp", {}, 1, 2, 2, "texts")
