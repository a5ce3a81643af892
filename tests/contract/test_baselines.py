"""What every baseline of the table promises, on every task and kind of input."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnops.batch import Spec
from nnops.evaluation.baselines import BASELINES
from nnops.evaluation.baselines.base import Rows
from nnops.metrics import METRICS, SHOWN
from nnops.metrics.base import better
from nnops.metrics.predictions import Predictions

INPUTS = ("numeric", "categories", "mixed", "image")
TASKS = ("binary", "multiclass", "regression")
CASES = [(name, task, kind) for name in BASELINES.names() for task in TASKS for kind in INPUTS]


def make(task, kind, rows=240, seed=0):
    """Rows whose target follows from their inputs, and a Spec that says so."""
    rng = np.random.default_rng(seed)
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
    assert output_NC.shape == (50, spec.outputs)
    assert np.isfinite(output_NC).all()
    assert fitted.note == ""
    again, _, _ = fit(name, task, kind)
    assert (again.predict(test.inputs) == output_NC).all()
    one = fitted.predict(tuple(array[:1] for array in test.inputs))
    np.testing.assert_allclose(one, output_NC[:1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "task", "kind"), [case for case in CASES if case[0] not in ("majority", "mean")])
def test_learns_more_than_the_constant_answer(name, task, kind):
    test, _ = make(task, kind, 200, 3)
    metric = METRICS.build(SHOWN[task], {})
    scores = {}
    for each in (name, "majority"):
        fitted, _, _ = fit(each, task, kind)
        scores[each] = metric(Predictions(task, fitted.predict(test.inputs), test.target_N))
    assert better(metric, scores[name], scores["majority"])


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
