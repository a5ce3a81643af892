import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnops.data.prepared import Prepared
from nnops.errors import DataError, InputError, IntegrityError
from nnops.evaluation.predict import predict_split
from nnops.files import read_json, write_json
from nnops.fingerprint import hash_file
from nnops.registry.bundle import Bundle, write_bundle

LIGHT = """
import sys
from pathlib import Path
import pandas as pd
from nnops.registry.bundle import Bundle
answers = Bundle.open(Path(sys.argv[1])).predict(pd.DataFrame({"age": [30.0], "town": ["Ulm"]}))
assert len(answers) == 1
heavy = {"torch", "mlflow", "sklearn", "matplotlib", "onnx"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def bundle(project) -> Bundle:
    return project.bundle()


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.folder, tmp_path / "copy"))


def test_raw_rows_in_answers_out(bundle: Bundle, rows: pd.DataFrame) -> None:
    answers = bundle.predict(rows.set_index(rows.index + 100))
    assert list(answers.columns) == ["class", "p(no)", "p(yes)"]
    assert list(answers.index) == list(range(100, 120))
    np.testing.assert_allclose(answers["p(no)"] + answers["p(yes)"], 1)
    assert (answers["class"] == np.where(answers["p(yes)"] > 0.5, "yes", "no")).all()
    assert (answers["class"].to_numpy() == rows["buys"].to_numpy()).mean() > 0.7


def test_answers_are_those_that_were_measured(bundle: Bundle, project) -> None:
    data = Prepared.open(project.sources.prepare)
    seen = predict_split(bundle.graph, data, "test")
    accuracy = float((seen.label_N == seen.truth_N).mean())
    assert accuracy == bundle.metrics[f"{bundle.variant}.test.accuracy"]


def test_columns_may_stand_in_any_order_and_hold_what_was_never_seen(bundle: Bundle, rows: pd.DataFrame) -> None:
    plain = bundle.predict(rows)
    pd.testing.assert_frame_equal(bundle.predict(rows[["town", "age"]]), plain)
    assert len(bundle.predict(pd.DataFrame({"age": [np.nan], "town": ["Rome"]}))) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="age"), "'age'"),
        (lambda rows: rows.rename(columns={"age": "ages"}), "is it 'ages'"),
        (lambda rows: rows.assign(shoe=1), "'shoe'"),
        (lambda rows: rows.assign(age="old"), "old"),
        (lambda rows: rows.iloc[:0], "at least one"),
        (lambda rows: np.zeros((2, 1, 8, 8), np.uint8), "images"),
    ],
)
def test_rows_that_do_not_fit_are_answered(bundle: Bundle, rows: pd.DataFrame, change, words: str) -> None:
    with pytest.raises(DataError, match=words):
        bundle.predict(change(rows))


def test_bytes_repeat(project, bundle: Bundle) -> None:
    again = project.bundle("again")
    assert again.hash == bundle.hash
    hashes = [{path.name: hash_file(path) for path in one.folder.iterdir()} for one in (bundle, again)]
    assert hashes[0] == hashes[1]


def test_it_says_where_it_comes_from(project, bundle: Bundle) -> None:
    lineage = bundle.lineage
    assert lineage["fingerprint"] == project.fingerprint
    assert lineage["data_hash"] == Prepared.open(project.sources.prepare).hash
    assert lineage["params"]["model"]["options"] == {"hidden": [8]}
    assert {"test.accuracy", "baseline.majority.accuracy", "onnx_int8.latency_p50_ms"} <= set(bundle.metrics)
    assert bundle.classes == ("no", "yes")


def test_there_is_no_pickle(bundle: Bundle) -> None:
    names = {path.name for path in bundle.folder.iterdir()}
    assert {Path(name).suffix for name in names} == {".json", ".onnx", ".safetensors"}
    assert names == {*bundle.manifest["files"], "manifest.json"}


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors", "preprocess.json", "metrics.json"])
def test_a_damaged_file_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=name) as caught:
        Bundle.open(copy)
    assert caught.value.exit_code == 2


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "schema.json").unlink()
    with pytest.raises(IntegrityError, match=r"schema\.json.*missing"):
        Bundle.open(copy)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": 1, "hash": "0"}'])
def test_a_damaged_manifest_is_named(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)
    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        Bundle.open(copy)


def test_an_edited_manifest_is_named(copy: Path) -> None:
    (copy / "model.json").write_text("{}")
    manifest = read_json(copy / "manifest.json")
    manifest["files"]["model.json"] = hash_file(copy / "model.json")
    write_json(copy / "manifest.json", manifest)
    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        Bundle.open(copy)


def test_a_folder_without_bundle_is_answered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model bundle here"):
        Bundle.open(tmp_path)


def test_a_missing_stage_is_answered(project, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match="dvc repro compress"):
        write_bundle(tmp_path / "out", project.params, replace(project.sources, compress=tmp_path))


def test_answering_loads_nothing_heavy(bundle: Bundle) -> None:
    subprocess.run([sys.executable, "-c", LIGHT, str(bundle.folder)], check=True)
