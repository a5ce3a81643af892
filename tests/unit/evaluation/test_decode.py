"""Decoding beside brute force: every answer of a tiny vocabulary, and its likelihood under a model that remembers."""

from itertools import product

import numpy as np
import pytest

from nnops.errors import InputError
from nnops.evaluation.decode import beam, check_beam, greedy, moved, score

CODES, STEPS, END = 5, 4, 2


class Remembers:
    """Logits of the next token by the whole beginning and the text: the same for the same ones, else unlike."""

    def __init__(self, seed):
        self.seed = seed
        self.rows = 0

    def logits(self, text, beginning):
        return 2.0 * np.random.default_rng([self.seed, *text, 99, *beginning]).normal(size=CODES)

    def __call__(self, inputs):
        text_BS, answer_BT = inputs
        self.rows += len(text_BS)
        assert (answer_BT[:, 0] == END).all()
        return np.array(
            [
                [self.logits(text, answer[1 : place + 1]) for place in range(STEPS)]
                for text, answer in zip(text_BS, answer_BT, strict=True)
            ],
            np.float32,
        )


def every_answer():
    """All answers: tokens 3 and 4, then an end; or cut off without one."""
    for length in range(STEPS):
        for tokens in product((3, 4), repeat=length):
            yield (*tokens, END)
    yield from product((3, 4), repeat=STEPS)


def likelihood(model, text, answer):
    """``log P(answer | text)``, the softmax being over all tokens."""
    total = 0.0
    for place, token in enumerate(answer):
        logit = model.logits(text, answer[:place]).astype(np.float32).astype(float)
        total += logit[token] - np.log(np.exp(logit).sum())
    return total


def padded(answer):
    return [*answer, *[0] * (STEPS - len(answer))]


TEXTS = np.array([[3, 4], [4, 4], [4, 0], [3, 3]])


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all_answers(seed, penalty):
    model = Remembers(seed)
    found = beam(model, TEXTS, STEPS, 40, penalty)
    for text, answer in zip(TEXTS, found.tolist(), strict=True):
        best = max(every_answer(), key=lambda one: score(likelihood(model, text, one), len(one), penalty))
        assert answer == padded(best)


@pytest.mark.parametrize("seed", range(6))
def test_a_beam_of_one_is_greedy(seed):
    model = Remembers(seed)
    answers = greedy(model, TEXTS, STEPS)
    for penalty in (0.0, 1.0):
        np.testing.assert_array_equal(beam(model, TEXTS, STEPS, 1, penalty), answers)
    for text, answer in zip(TEXTS, answers.tolist(), strict=True):
        for place, token in enumerate(answer):
            if token == 0:
                assert END in answer[:place]
                continue
            logit = model.logits(text, answer[:place])
            assert token == max((2, 3, 4), key=lambda code: logit[code])


def test_a_wider_beam_finds_no_likelier_answer_by_looking_at_less():
    def total(width):
        reached = 0.0
        for seed in range(12):
            model = Remembers(seed)
            for text, answer in zip(TEXTS, beam(model, TEXTS, STEPS, width, 0.0).tolist(), strict=True):
                reached += likelihood(model, text, [token for token in answer if token])
        return reached

    one, three, all_of_them = (total(width) for width in (1, 3, 40))
    assert one < three <= all_of_them


def test_the_penalty_is_that_of_the_paper_and_a_large_one_makes_answers_longer():
    assert score(-3.0, 1, 0.6) == -3.0
    assert score(-3.0, 7, 1.0) == pytest.approx(-1.5)

    def length(penalty):
        return sum((beam(Remembers(seed), TEXTS, STEPS, 40, penalty) > 0).sum() for seed in range(8))

    assert length(0.0) < length(3.0)


def test_answers_that_ended_are_not_asked_for_again():
    class Ends:
        def __init__(self):
            self.rows = []

        def __call__(self, inputs):
            self.rows.append(len(inputs[0]))
            logits = np.zeros((len(inputs[0]), STEPS, CODES), np.float32)
            # As many 3 as the text's first token says beyond 3, then an end.
            logits[:, :, 3] = np.arange(STEPS) < inputs[0][:, :1] - 3
            logits[:, :, END] = 0.5
            return logits

    model = Ends()
    assert greedy(model, np.array([[3], [4], [6]]), STEPS).tolist() == [[2, 0, 0, 0], [3, 2, 0, 0], [3, 3, 3, 2]]
    assert model.rows == [3, 2, 1, 1]
    assert moved(np.array([[3, 2, 0, 0]])).tolist() == [[2, 3, 2, 0]]


@pytest.mark.parametrize(
    ("width", "penalty", "words"), [(0, 1.0, "--beam must be at least 1"), (2, -1.0, "--length-p")]
)
def test_wrong_options_are_refused_in_one_sentence(width, penalty, words):
    with pytest.raises(InputError, match=words):
        check_beam(width, penalty)
