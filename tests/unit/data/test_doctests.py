"""The examples in docstrings are true, and importing the stage costs nothing heavy."""

import doctest
import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "name", ["nnops.data.values", "nnops.data.target", "nnops.data.readers.jsonl", "nnops.data.chart", "nnops.figure"]
)
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0


def test_importing_the_stage_loads_nothing_heavy():
    heavy = ("pandas", "torch", "matplotlib", "sklearn", "pyarrow", "PIL")
    script = f"import sys, nnops.data.prepare; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
