"""The example notebook runs from its first cell to its last."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_notebook_runs_and_shows_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("execute", ROOT / "examples" / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((ROOT / "examples" / "study.ipynb").read_text(encoding="utf-8"))
    done = module.execute(notebook)
    shown = [cell["outputs"] for cell in done["cells"] if cell["cell_type"] == "code"]
    assert all(shown)
    kept = [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    # What it keeps are its outputs: the same kinds in the same places.
    kinds = [[sorted(each.get("data", {"stream": 0})) for each in outputs] for outputs in shown]
    assert kinds == [[sorted(each.get("data", {"stream": 0})) for each in outputs] for outputs in kept]
    assert any("image/png" in kind for outputs in kinds for kind in outputs)
