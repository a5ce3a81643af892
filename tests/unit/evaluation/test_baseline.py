import numpy as np
import pytest

from nnops.batch import Spec
from nnops.errors import DataError, NameUnknownError
from nnops.evaluation.baselines import BASELINES
from nnops.evaluation.baselines.base import FLOOR, Rows, block, flatten, logits, one_thread, width
from nnops.evaluation.baselines.boosted_trees import CODES, BoostedTrees, _frequent, _recode
from nnops.evaluation.baselines.constant import Constant
from nnops.evaluation.baselines.linear import Linear
from nnops.evaluation.predict import predict_split, read_rows
from nnops.metrics import METRICS
from nnops.metrics.predictions import Predictions

ACCURACY = METRICS.build("accuracy", {})


def image_spec(side=28, channels=1, outputs=3):
    return Spec("multiclass", ("image",), ((channels, side, side),), (), outputs)


def test_constant_gives_the_shares_of_train_and_the_mean():
    spec = Spec("multiclass", ("numeric",), ((1,),), (), 3)
    train = Rows((np.zeros((4, 1), np.float32),), np.array([0, 1, 1, 1]))
    fitted = Constant().fit(train, train, spec, 0)
    predictions = Predictions("multiclass", fitted.predict((np.zeros((2, 1)),)), np.array([1, 0]))
    np.testing.assert_allclose(predictions.probability_NC[0], [0.25, 0.75, FLOOR], atol=1e-8)
    assert predictions.label_N.tolist() == [1, 1]
    spec = Spec("regression", ("numeric",), ((1,),), (), 1)
    train = Rows((np.zeros((2, 1), np.float32),), np.array([1.0, 4.0], np.float32))
    assert Constant().fit(train, train, spec, 0).predict((np.zeros((3, 1)),)).tolist() == [[2.5]] * 3


def test_constant_is_called_by_what_it_is():
    assert Constant().title("binary") == "majority"
    assert Constant().title("regression") == "mean"


def test_linear_equals_scikit_learn(projects):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = projects("binary").data
    train, test = read_rows(data, "train"), read_rows(data, "test")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(train.inputs[0], train.target_N)
    fitted = Linear().fit(train, train, data.spec, 7)
    predictions = predict_split(fitted.predict, data, "test")
    np.testing.assert_allclose(predictions.probability_NC, model.predict_proba(test.inputs[0]), atol=2e-3)


@pytest.mark.parametrize(
    ("task", "name", "least"), [("multiclass", "linear", 0.94), ("multiclass", "boosted_trees", 0.94)]
)
def test_is_a_fair_rival_on_digits(projects, task, name, least):
    data = projects(task).data
    fitted = BASELINES.build(name, {}).fit(read_rows(data, "train"), read_rows(data, "val"), data.spec, 7)
    assert ACCURACY(predict_split(fitted.predict, data, "test")) >= least


def test_large_data_is_sampled_and_the_note_says_so():
    rng = np.random.default_rng(0)
    target_N = rng.integers(0, 3, 500)
    image = (target_N[:, None, None, None] + rng.normal(size=(500, 1, 28, 28))).astype(np.float32)
    train = Rows((image,), target_N)
    linear = Linear(pixels=200, work=196 * 3 * 100, iterations=2).fit(train, train, image_spec(), 7)
    assert linear.note == "100 of 500 rows, pixels averaged 2 x 2, stopped after 2 iterations"
    trees = BoostedTrees(pixels=60, work=49 * 3 * 200, trees=30).fit(train, train, image_spec(), 7)
    assert trees.note == "200 of 500 rows, pixels averaged 4 x 4"
    assert (trees.predict((image,)).argmax(1) == target_N).mean() > 0.9


def test_a_sample_is_drawn_by_the_seed_and_keeps_the_order():
    rows = Rows((np.arange(100)[:, None],), np.arange(100))
    first, again, other = (rows.sample(10, seed).target_N for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() == sorted(first)
    assert first.tolist() != other.tolist()
    assert rows.sample(100, 1) is rows


@pytest.mark.parametrize(
    ("side", "channels", "pixels"), [(28, 1, 784), (28, 1, 783), (28, 1, 256), (33, 3, 300), (5, 1, 1)]
)
def test_images_are_averaged_to_what_is_asked(side, channels, pixels):
    spec = image_spec(side, channels)
    image = np.random.default_rng(0).normal(size=(4, channels, side, side)).astype(np.float32)
    feature_NF, code_NK = flatten((image,), spec, pixels)
    assert feature_NF.shape == (4, width(spec, pixels))
    assert width(spec, pixels) <= max(pixels, channels)
    assert code_NK.shape == (4, 0)
    if block(spec, pixels) == 2 and side % 2 == 0:
        np.testing.assert_allclose(feature_NF[0, 0], image[0, 0, :2, :2].mean(), rtol=1e-6)


def test_logits_undo_to_the_probabilities():
    spec = Spec("binary", ("numeric",), ((1,),), (), 1)
    probability_NM = np.array([[0.3, 0.7], [1.0, 0.0]])
    predictions = Predictions("binary", logits(probability_NM, np.array([0.0, 1.0]), spec), np.zeros(2))
    np.testing.assert_allclose(predictions.probability_NC, probability_NM, atol=1e-8)


@pytest.mark.parametrize("baseline", [Linear(), BoostedTrees()])
def test_a_class_that_train_lacks_is_never_predicted_and_costs_no_error(baseline):
    rng = np.random.default_rng(0)
    spec = Spec("multiclass", ("numeric",), ((2,),), (), 4)
    target_N = rng.choice([0, 3], 60)
    train = Rows((rng.normal(size=(60, 2)).astype(np.float32) + target_N[:, None],), target_N)
    val = Rows(train.inputs, np.where(np.arange(60) < 5, 1, target_N))
    output_NC = baseline.fit(train, val, spec, 0).predict(train.inputs)
    assert output_NC.shape == (60, 4)
    assert set(output_NC.argmax(1)) <= {0, 3}


@pytest.mark.parametrize("baseline", [Linear(), BoostedTrees()])
def test_codes_never_seen_and_columns_of_many_codes_are_taken(baseline):
    rng = np.random.default_rng(0)
    spec = Spec("regression", ("categories",), ((2,),), (900, 3), 1)
    code_NK = np.stack([rng.integers(1, 600, 1500), rng.integers(1, 3, 1500)], 1)
    train = Rows((code_NK,), code_NK[:, 1].astype(np.float32))
    fitted = baseline.fit(train, train, spec, 0)
    unseen = np.array([[899, 1], [0, 2], [3, 2]])
    answer_N = fitted.predict((unseen,))[:, 0]
    np.testing.assert_allclose(answer_N, [1, 2, 2], atol=0.2)


def test_codes_keep_their_place_and_the_rest_share_one():
    kept = _frequent(np.array([5, 5, 5, 2, 2, 9]))
    assert kept.tolist() == [5, 2, 9]
    assert _recode(np.array([9, 5, 2, 7, 0, 11]), kept).tolist() == [2, 0, 1, 3, 3, 3]
    many = _frequent(np.arange(1000))
    assert _recode(np.arange(1000), many).max() == CODES - 1


def test_fitting_takes_one_thread():
    from threadpoolctl import threadpool_info

    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def test_one_class_in_train_is_one_sentence():
    spec = Spec("binary", ("numeric",), ((1,),), (), 1)
    train = Rows((np.random.default_rng(0).normal(size=(20, 1)).astype(np.float32),), np.ones(20, np.float32))
    with pytest.raises(DataError, match="the baseline linear cannot be fitted on 20 rows"):
        Linear().fit(train, train, spec, 0)


def test_an_unknown_baseline_is_answered_with_the_nearest():
    with pytest.raises(NameUnknownError, match="did you mean 'linear'"):
        BASELINES.load("liner")
