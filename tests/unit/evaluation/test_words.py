"""Words of the linear baseline, beside scikit-learn's tf-idf, and what a baseline says where it does not fit."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from nnops.batch import Spec
from nnops.evaluation.baselines import BASELINES
from nnops.evaluation.baselines.base import Rows
from nnops.evaluation.baselines.words import Words

SPEC = Spec("multiclass", ("text",), ((7,),), (), 3, vocabulary=12)


def texts(rows=90, seed=0):
    rng = np.random.default_rng(seed)
    length = rng.integers(1, 8, rows)[:, None]
    target = np.arange(rows) % 3
    word = np.where(rng.random((rows, 7)) < 0.4, 2 + target[:, None], rng.integers(2, 12, (rows, 7)))
    return Rows((np.where(np.arange(7) < length, word, 0),), target)


def test_words_are_weighed_as_scikit_learn_weighs_them():
    train, other = texts().inputs[0], texts(20, 1).inputs[0]

    def spell(rows):
        return [" ".join(f"w{token}" for token in row if token) for row in rows]

    reference = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    reference.fit(spell(train))
    ours = Words.fit(train, 12, 10_000)
    singles = ours.known_F < 12
    # scikit-learn keeps pairs of one row as well, so compare where all are known to both: word by word.
    names = [f"w{code}" for code in ours.known_F[singles]]
    expected = reference.idf_[[reference.vocabulary_[name] for name in names]]
    np.testing.assert_allclose(ours.rarity_F[singles], expected)
    matrix = ours.matrix(other).toarray()
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1)
    same = TfidfVectorizer(
        sublinear_tf=True,
        ngram_range=(1, 2),
        vocabulary=[f"w{c}" if c < 12 else f"w{(c - 12) // 12} w{(c - 12) % 12}" for c in ours.known_F],
    )
    same.fit(spell(train))
    np.testing.assert_allclose(matrix, same.transform(spell(other)).toarray())


def test_padding_and_unknown_words_say_nothing():
    words = Words.fit(texts().inputs[0], 12, 10_000)
    assert words.matrix(np.array([[1, 1, 0, 0, 0, 0, 0]])).nnz == 0
    assert (words.known_F >= 2).all()
    assert len(Words.fit(texts().inputs[0], 12, 5).known_F) <= 5


def test_the_linear_model_learns_texts_and_trees_say_why_not():
    train, test = texts(), texts(60, 2)
    fitted = BASELINES.build("linear", {}).fit(train, train, SPEC, 7)
    output = fitted.predict(test.inputs)
    assert output.shape == (60, 3)
    assert (output.argmax(1) == test.target_N).mean() > 0.6
    assert BASELINES.build("boosted_trees", {}).absent(SPEC).startswith("a tree asks for one word at a time")
    assert BASELINES.build("linear", {}).absent(SPEC) == ""
    value = Spec("regression", ("text",), ((7,),), (), 1, vocabulary=12)
    rows = Rows(train.inputs, train.target_N.astype(np.float32))
    assert BASELINES.build("linear", {}).fit(rows, rows, value, 7).predict(test.inputs).shape == (60, 1)
