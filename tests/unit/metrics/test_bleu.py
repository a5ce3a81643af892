"""BLEU beside the paper's sentences, counted by hand, and beside its equations, one n-gram at a time."""

import math
from collections import Counter

import numpy as np
import pytest

from nnops.metrics import METRICS
from nnops.metrics.base import Predictions
from nnops.metrics.bleu import LONGEST, count
from nnops.metrics.weighted import Weighted

BLEU = METRICS.build("bleu", {})
FIRST = "it is a guide to action which ensures that the military always obeys the commands of the party"
TRUTH = "it is a guide to action that ensures that the military will forever heed party commands"
CAT = "the cat is on the mat"


def said(*pairs):
    """Predictions of pairs (answer, truth), words as tokens from 3 on, an end behind each."""
    codes: dict[str, int] = {}
    rows = [
        [[codes.setdefault(word, 3 + len(codes)) for word in text.split()] + [2] for text in pair] for pair in pairs
    ]
    width = max(len(tokens) for row in rows for tokens in row)
    padded = np.array([[tokens + [0] * (width - len(tokens)) for tokens in row] for row in rows])
    return Predictions("sequence", padded[:, 0], padded[:, 1])


def drawn(rows=40, seed=0):
    """Random answers and truths of 0 to 9 words of 4, some of them the same."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(rows):
        answer, truth = ([*rng.choice(list("abcd"), rng.integers(0, 10))] for _ in range(2))
        pairs.append((" ".join(truth if rng.random() < 0.4 else answer), " ".join(truth)))
    return pairs


def slow_bleu(pairs):
    """The paper's equations, with one truth for each answer."""
    answered = [answer.split() for answer, _ in pairs]
    true = [truth.split() for _, truth in pairs]
    shares = []
    for n in range(1, 5):
        hits = total = 0
        for answer, truth in zip(answered, true, strict=True):
            given, there = (Counter(tuple(ws[i : i + n]) for i in range(len(ws) - n + 1)) for ws in (answer, truth))
            hits += sum(min(times, there[gram]) for gram, times in given.items())
            total += sum(given.values())
        shares.append(hits / total if total else 0.0)
    c, r = (sum(len(words) for words in texts) for texts in (answered, true))
    if not all(shares):
        return 0.0
    brevity = 1.0 if c > r else math.exp(1 - r / c)
    return brevity * math.exp(sum(math.log(share) for share in shares) / 4)


def test_the_papers_first_sentence_is_as_counted_by_hand():
    # Twelve words, eight pairs, six triples and four quadruples of the answer's are in the truth; 18 words against 16.
    tally = count(said((FIRST, TRUTH)))
    assert [int(match_N[0]) for match_N in tally.matches] == [12, 8, 6, 4]
    assert [int(given_N[0]) for given_N in tally.given] == [18, 17, 16, 15]
    assert tally.truth_N.tolist() == [16]
    assert BLEU(said((FIRST, TRUTH))) == pytest.approx((12 / 18 * 8 / 17 * 6 / 16 * 4 / 15) ** 0.25)


def test_a_word_counts_as_often_as_it_is_true():
    # The paper's example 2: "the" seven times, twice in the truth, so that its clipped share is 2/7.
    tally = count(said((" ".join(["the"] * 7), CAT)))
    assert [match_N[0] / given_N[0] for match_N, given_N in zip(tally.matches, tally.given, strict=True)] == [
        2 / 7, 0, 0, 0,
    ]  # fmt: skip


def test_a_short_answer_pays_for_its_brevity_and_a_long_one_by_its_shares():
    assert BLEU(said((CAT, CAT))) == 1.0
    assert BLEU(said(("the cat is on", CAT))) == pytest.approx(math.exp(1 - 6 / 4))
    assert BLEU(said((CAT, "the cat is on"))) == pytest.approx((4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)
    # Over the whole corpus: one answer too short is made up for by one too long.
    assert BLEU(said(("the cat is on", CAT), (CAT, "the cat is on"))) == pytest.approx(
        (8 / 10 * 6 / 8 * 4 / 6 * 2 / 4) ** 0.25
    )


def test_it_is_the_papers_equations():
    for seed in range(5):
        pairs = drawn(seed=seed)
        assert BLEU(said(*pairs)) == pytest.approx(slow_bleu(pairs), rel=1e-12)
        assert 0 < slow_bleu(pairs) < 1


def test_a_row_drawn_twice_counts_twice():
    pairs = drawn()
    weights = np.random.default_rng(1).integers(0, 4, (6, len(pairs)))
    expected = [
        slow_bleu([pair for pair, times in zip(pairs, row, strict=True) for _ in range(times)]) for row in weights
    ]
    np.testing.assert_allclose(BLEU.values(Weighted(said(*pairs), weights.astype(float))), expected, rtol=1e-12)


def test_what_follows_the_end_and_the_end_itself_are_no_words():
    whole = said((FIRST, TRUTH))
    further = np.pad(whole.output_NC, ((0, 0), (0, 3)), constant_values=4)
    there = np.pad(whole.target_N, ((0, 0), (0, 3)))
    assert BLEU(Predictions("sequence", further, there)) == BLEU(whole)


def test_without_a_quadruple_to_find_shorter_ones_count():
    assert LONGEST == 4
    assert BLEU(said(("a b", "a b"), ("c", "c"))) == 1.0
    assert BLEU(said(("a b", "a b"), ("c", "d"))) == pytest.approx((2 / 3 * 1 / 1) ** 0.5)


def test_answers_without_a_word_or_a_match_are_worth_nothing():
    assert BLEU(said(("", CAT))) == 0.0
    assert BLEU(said(("", ""))) == 0.0
    assert BLEU(said(("a b c d", "e f g h"))) == 0.0
