"""Sampling: shares of softmax, what is cut off, and the same draws for a seed."""

from itertools import islice

import numpy as np
import pytest
from scipy.stats import chisquare

from nnops.errors import InputError
from nnops.evaluation.sample import Sampling, go_on

LOGITS = np.array([9.0, 9.0, 1.0, 0.0, -1.0, 2.0, 0.5], np.float32)


def softmax(logits):
    power = np.exp(np.asarray(logits, float))
    return power / power.sum()


@pytest.mark.parametrize(
    ("sampling", "kept", "temperature"),
    [
        (Sampling(), [2, 3, 4, 5, 6], 1.0),
        (Sampling(temperature=0.5), [2, 3, 4, 5, 6], 0.5),
        (Sampling(temperature=2.0, top_k=3), [5, 2, 6], 2.0),
        # The shares fall 0.578, 0.213, 0.129: two make 0.79, three 0.92.
        (Sampling(top_p=0.8), [5, 2, 6], 1.0),
        (Sampling(top_p=0.5), [5], 1.0),
    ],
)
def test_tokens_come_as_often_as_softmax_says(sampling, kept, temperature):
    expected = np.zeros(7)
    expected[kept] = softmax(LOGITS[kept] / temperature)
    np.testing.assert_allclose(sampling.shares(LOGITS), expected, atol=1e-12)
    generator = np.random.default_rng(3)
    counts = np.bincount([sampling.draw(LOGITS, generator) for _ in range(4000)], minlength=7)
    assert counts[expected == 0].sum() == 0
    if len(kept) > 1:
        assert chisquare(counts[kept], 4000 * expected[kept]).pvalue > 0.01


def test_at_temperature_0_the_likeliest_token_is_taken_and_never_padding():
    assert {Sampling(temperature=0).draw(LOGITS, np.random.default_rng(seed)) for seed in range(9)} == {5}


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (Sampling(temperature=-0.1), r"--temperature must be 0 .* or above, such as 0\.8, got -0\.1"),
        (Sampling(temperature=float("nan")), "--temperature must be"),
        (Sampling(top_k=0), "--top-k must be at least 1"),
        (Sampling(top_p=0.0), "--top-p must be above 0 and at most 1"),
        (Sampling(top_p=1.1), "--top-p must be above 0 and at most 1"),
    ],
)
def test_wrong_values_are_refused_in_one_sentence(sampling, words):
    with pytest.raises(InputError, match=words):
        sampling.check()


def test_a_model_sees_the_last_tokens_of_a_block_and_a_seed_gives_the_same_text():
    seen = []

    def predict(inputs):
        (text,) = inputs
        seen.append(text[0].tolist())
        # The token after each is likely the next higher one.
        return 4.0 * np.eye(9, dtype=np.float32)[(text + 1) % 9]

    greedy = list(islice(go_on(predict, [3], 4, Sampling(temperature=0), np.random.default_rng(0)), 5))
    assert greedy == [4, 5, 6, 7, 8]
    assert seen == [[3, 0, 0, 0], [3, 4, 0, 0], [3, 4, 5, 0], [3, 4, 5, 6], [4, 5, 6, 7]]
    drawn = [list(islice(go_on(predict, [3], 4, Sampling(), np.random.default_rng(seed)), 20)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
