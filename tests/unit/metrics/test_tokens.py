"""Metrics of tokens beside their definitions, one token at a time."""

import math

import numpy as np
import pytest
import torch

from nnops.losses.cross_entropy import CrossEntropy
from nnops.metrics import METRICS
from nnops.metrics.tokens import count_edits, join, tally
from nnops.metrics.weighted import Weighted

CHARACTERS = np.array([0, 0, 0, 1, 2, 3, 1])


@pytest.fixture
def rows():
    """Logits of 5 rows of 4 places over 7 tokens, and targets of 1 to 4 tokens."""
    rng = np.random.default_rng(4)
    target = np.where(np.arange(4) < rng.integers(1, 5, (5, 1)), rng.integers(2, 7, (5, 4)), 0)
    return (3 * rng.normal(size=(5, 4, 7))).astype(np.float32), target


def one_by_one(output, target):
    """(surprise, hit, token) of every true token."""
    for logits, tokens in zip(output.astype(float), target, strict=True):
        for logit, token in zip(logits, tokens, strict=True):
            if token:
                power = [math.exp(value) for value in logit]
                said = max(range(2, 7), key=lambda code: logit[code])
                yield -math.log(power[token] / sum(power)), said == token, token


def test_a_language_models_metrics_are_their_definitions(rows):
    found = list(one_by_one(*rows))
    predictions = tally("language_model", *rows, CHARACTERS)
    value = {name: METRICS.build(name, {})(predictions) for name in ("perplexity", "bits_per_token", "token_accuracy")}
    bits = sum(lost for lost, _, _ in found) / math.log(2)
    assert value["bits_per_token"] == pytest.approx(bits / len(found), rel=1e-6)
    assert value["perplexity"] == pytest.approx(2 ** (bits / len(found)), rel=1e-6)
    assert value["token_accuracy"] == pytest.approx(sum(hit for _, hit, _ in found) / len(found))
    characters = sum(CHARACTERS[token] for _, _, token in found)
    assert METRICS.build("bits_per_character", {})(predictions) == pytest.approx(bits / characters, rel=1e-6)


def test_the_loss_is_the_mean_surprise_and_its_slope_is_shares_less_the_truth(rows):
    output, target = (torch.from_numpy(array) for array in rows)
    output.requires_grad_()
    loss = CrossEntropy()(output, target)
    assert loss.item() == pytest.approx(np.mean([lost for lost, _, _ in one_by_one(*rows)]), rel=1e-5)
    loss.backward()
    power = np.exp(rows[0].astype(float))
    slope = (power / power.sum(-1, keepdims=True) - np.eye(7)[rows[1]]) * (rows[1] != 0)[..., None]
    np.testing.assert_allclose(output.grad.numpy(), slope / (rows[1] != 0).sum(), atol=1e-6)


def test_rows_tallied_one_by_one_are_the_same_and_weights_count_rows(rows):
    whole = tally("language_model", *rows, CHARACTERS)
    parts = [tally("language_model", rows[0][n : n + 1], rows[1][n : n + 1], CHARACTERS) for n in range(5)]
    np.testing.assert_array_equal(join(parts).output_NC, whole.output_NC)
    weighted = Weighted(whole, np.array([[2.0, 0, 1, 0, 0]]))
    twice = join([parts[0], parts[0], parts[2]])
    metric = METRICS.build("perplexity", {})
    assert metric.values(weighted)[0] == pytest.approx(metric(twice), rel=1e-12)


def slow_edits(answer, truth):
    """Edit distance by its recursion."""
    if not answer or not truth:
        return len(answer) + len(truth)
    change = slow_edits(answer[1:], truth[1:]) + (answer[0] != truth[0])
    return min(change, slow_edits(answer[1:], truth) + 1, slow_edits(answer, truth[1:]) + 1)


def test_edits_are_those_of_the_recursion():
    rng = np.random.default_rng(0)
    answer, truth = (
        np.where(np.arange(5) < rng.integers(0, 6, (60, 1)), rng.integers(2, 5, (60, 5)), 0) for _ in range(2)
    )
    expected = [slow_edits([t for t in a if t], [t for t in b if t]) for a, b in zip(answer, truth, strict=True)]
    assert count_edits(answer, truth).tolist() == expected
