"""What every baseline of the table promises, on every task and kind of input."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnops.batch import TOKENS, Spec
from nnops.evaluation.baselines import BASELINES
from nnops.evaluation.baselines.base import Rows
from nnops.metrics import METRICS, SHOWN
from nnops.metrics.base import better
from nnops.metrics.predictions import Predictions
from nnops.metrics.tokens import tally

INPUTS = ("numeric", "categories", "mixed", "image")
TASKS = ("binary", "multiclass", "regression")
KINDS = {
    **dict.fromkeys(TASKS, INPUTS),
    "forecasting": ("series",),
    "language_model": ("text",),
    "segmentation": ("image",),
    "sequence": ("text",),
}
CASES = [
    (name, task, kind) for name in BASELINES.names() for task in BASELINES.load(name).tasks for kind in KINDS[task]
]
CONSTANT = ("majority", "majority_pixel", "mean", "unigram")


def make(task, kind, rows=240, seed=0):
    """Rows whose target follows from their inputs, and a Spec that says so."""
    rng = np.random.default_rng(seed)
    if task == "forecasting":
        # Waves of one season about levels of their own: the next steps follow from the window alone.
        step_L = np.arange(15) + rng.integers(0, 6, rows)[:, None]
        wave_NL = 3 * rng.normal(size=(rows, 1)) + np.sin(step_L * np.pi / 3) + 0.05 * rng.normal(size=(rows, 15))
        series = np.stack([rng.normal(size=(rows, 12)), wave_NL[:, :12]], 2).astype(np.float32)
        return Rows((series,), wave_NL[:, 12:].astype(np.float32)), Spec(
            task, ("series",), ((12, 2),), (), 3, targets=(1,)
        )
    if task == "language_model":
        # The next token is nearly always the one before it times two.
        text = np.empty((rows, 9), np.int64)
        text[:, 0] = rng.integers(3, 10, rows)
        for place in range(1, 9):
            text[:, place] = np.where(rng.random(rows) < 0.9, 3 + text[:, place - 1] * 2 % 7, rng.integers(3, 10, rows))
        return Rows((text[:, :8],), text[:, 1:]), Spec(task, ("text",), ((8,),), (), 10, vocabulary=10)
    if task == "sequence":
        # A few texts, each with an answer of its own.
        drawn = rng.integers(0, 9, rows)
        text = np.random.default_rng(9).integers(3, 10, (9, 6))[drawn]
        target = np.random.default_rng(8).integers(3, 10, (9, 4))[drawn]
        text = np.where(rng.random((rows, 6)) < 0.1, rng.integers(3, 10, (rows, 6)), text)
        return Rows((text, target), target), Spec(task, ("text", "answer"), ((6,), (4,)), (), 10, vocabulary=10)
    if task == "segmentation":
        # The class of a pixel shows in its level, and one class is frequent in the upper half.
        code_NHW = np.where(np.arange(5)[:, None] < 2, 2, rng.integers(0, 3, (rows, 5, 4)))
        image = (code_NHW + 0.3 * rng.normal(size=code_NHW.shape)).astype(np.float32)[:, None]
        return Rows((image,), code_NHW), Spec(task, ("image",), ((1, 5, 4),), (), 3)
    outputs = 3 if task == "multiclass" else 1
    level_N = rng.integers(0, 3, rows)
    noise_N = 0.3 * rng.normal(size=rows)
    numeric = np.stack([level_N + noise_N, rng.normal(size=rows)], 1).astype(np.float32)
    codes = np.stack([level_N + 1, rng.integers(0, 300, rows)], 1)
    image = np.repeat(np.repeat((level_N + noise_N)[:, None, None, None], 4, 2), 5, 3).astype(np.float32)
    shapes = {"numeric": (2,), "categories": (2,), "image": (1, 4, 5)}
    parts = {"numeric": numeric, "categories": codes, "image": image}
    names = ("numeric", "categories") if kind == "mixed" else (kind,)
    spec = Spec(task, names, tuple(shapes[n] for n in names), (4, 300) if "categories" in names else (), outputs)
    target_N = {
        "binary": (level_N > 0).astype(np.float32),
        "multiclass": level_N.astype(np.int64),
        "regression": (level_N + noise_N).astype(np.float32),
    }[task]
    return Rows(tuple(parts[n] for n in names), target_N), spec


def fit(name, task, kind):
    train, spec = make(task, kind)
    val, _ = make(task, kind, 80, 1)
    return BASELINES.build(name, {}).fit(train, val, spec, seed=7), train, spec


@pytest.mark.parametrize(("name", "task", "kind"), CASES)
def test_outputs_have_a_networks_shape_and_repeat(name, task, kind):
    fitted, _, spec = fit(name, task, kind)
    test, _ = make(task, kind, 50, 2)
    output_NC = fitted.predict(test.inputs)
    assert output_NC.shape == (50, *(spec.shapes[1] if fitted.whole else spec.answer))
    assert np.isfinite(output_NC).all()
    assert bool(fitted.note) == (name in ("seasonal_naive", "unigram", "bigram"))
    again, _, _ = fit(name, task, kind)
    assert (again.predict(test.inputs) == output_NC).all()
    one = fitted.predict(tuple(array[:1] for array in test.inputs))
    np.testing.assert_allclose(one, output_NC[:1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "task", "kind"), [case for case in CASES if case[0] not in {*CONSTANT, "nearest"}])
def test_learns_more_than_the_constant_answer(name, task, kind):
    test, _ = make(task, kind, 200, 3)
    metric = METRICS.build(SHOWN[task], {})
    scores = {}
    constant = {"language_model": "unigram", "segmentation": "majority_pixel"}.get(task, "majority")
    for each in (name, constant):
        fitted, _, _ = fit(each, task, kind)
        output = fitted.predict(test.inputs)
        predictions = Predictions(task, output, test.target_N)
        scores[each] = metric(tally(task, output, test.target_N, None) if task in TOKENS else predictions)
    assert better(metric, scores[name], scores[constant])


def test_the_nearest_text_has_the_answer():
    fitted, _, _ = fit("nearest", "sequence", "text")
    test, _ = make("sequence", "text", 200, 3)
    assert METRICS.build("exact_match", {})(Predictions("sequence", fitted.predict(test.inputs), test.target_N)) > 0.8


def test_bits_do_not_depend_on_the_number_of_threads():
    code = """
import sys, hashlib
sys.path.insert(0, sys.argv[1])
from test_baselines import BASELINES, fit, make
whole = hashlib.sha256()
for name in ("linear", "boosted_trees"):
    for task in ("multiclass", "regression"):
        fitted, train, spec = fit(name, task, "mixed")
        whole.update(fitted.predict(train.inputs).tobytes())
print(whole.hexdigest())
"""
    found = set()
    for threads in ("1", "2"):
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", code, str(Path(__file__).parent)]
        found.add(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert len(found) == 1
