import subprocess
import sys
from pathlib import Path

import pytest
from told import SPACE, tell_study

import nnops
from nnops.errors import InputError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook")
    tell_study(folder, 40)
    return folder


def test_a_table_of_trials(root: Path) -> None:
    study = nnops.study("s", root)
    table = study.table()
    assert table.index.tolist() == list(range(40))
    assert list(table.columns[:4]) == ["state", "val_loss", "epochs", "seconds"]
    assert set(SPACE) <= set(table.columns)
    complete = table[table["state"] == "complete"]
    assert study.best.value == complete["val_loss"].min()
    assert study.best.number == complete["val_loss"].idxmin()
    assert (table["ended"] >= table["began"]).all()
    assert study.trials.equals(table)


def test_curves_and_importance(root: Path) -> None:
    study = nnops.study("s", root)
    curves = study.curves()
    assert curves.shape == (27, 40)
    assert curves.loc[27].notna().sum() == (study.table()["state"] == "complete").sum()
    assert study.importance().sum() == pytest.approx(1.0)


def test_figures_show_themselves(root: Path) -> None:
    study = nnops.study("s", root)
    figure = study.figure("importance")
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert "history" in study.figures
    with pytest.raises(InputError, match="did you mean 'history'"):
        study.figure("histori")
    with pytest.raises(InputError, match="nothing to show as 'front'"):
        study.figure("front")


def test_words_and_page(root: Path, tmp_path: Path) -> None:
    study = nnops.study("s", root)
    assert repr(study).startswith("<study s: complete, 40 trials, best ")
    assert "<b>s</b>" in study._repr_html_()
    assert study.explain(study.best.number).why.endswith("complete trials.")
    assert study.page(tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert repr(study.refresh()) == repr(study)


def test_no_such_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study 'x'"):
        nnops.study("x", tmp_path)


def test_nnops_itself_imports_nothing() -> None:
    heavy = "'pandas', 'optuna', 'torch', 'matplotlib', 'mlflow', 'pydantic'"
    code = f"import sys, nnops; print([name for name in ({heavy}) if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
