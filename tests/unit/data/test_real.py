"""Real data, prepared as a person would: counts that are published, and seconds that a person would wait."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnops.data.infer import infer_file
from nnops.data.prepare import prepare
from nnops.data.prepared import SPLITS
from nnops.data.preprocess import Preprocess
from nnops.data.rows import read_rows
from nnops.files import read_json
from nnops.params import parse

SHARED = Path(__file__).parents[4] / "shared" / "data"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/data beside the checkout is missing"),
]


def seconds(params, out: Path):
    prepare(params, out)  # imports are not what is measured
    start = time.process_time()
    prepared = prepare(params, out)
    return prepared, time.process_time() - start


def test_adult_with_its_test_file(tmp_path):
    folder = SHARED / "adult"
    suggestion = infer_file(folder / "adult.data", "ltgt50k", folder / "adult.test")
    assert suggestion.classes == ("<=50K", ">50K")
    assert list(suggestion.data["kinds"].values()).count("categorical") == 8
    prepared, spent = seconds(parse({"data": suggestion.data | {"split": {"val": 0.1}}}), tmp_path / "out")
    assert [prepared.rows(split) for split in SPLITS] == [29305, 3256, 16281]
    assert prepared.spec.task == "binary"
    assert prepared.arrays("test")["target"].mean() == pytest.approx(3846 / 16281)
    report = read_json(prepared.folder / "report.json")
    missing = {entry["name"]: entry["missing"] for entry in report["columns"]}
    rows = [prepared.rows(split) for split in SPLITS]
    count = sum(missing["occupation"][split] * number for split, number in zip(SPLITS, rows, strict=True))
    assert round(count) == 1843 + 966
    assert spent < 6, f"{spent:.1f} s of processor time"
    preprocess = Preprocess.from_json(read_json(prepared.folder / "preprocess.json"))
    raw = read_rows(folder / "adult.test", prepared.schema)
    assert isinstance(raw, pd.DataFrame)
    assert (preprocess.transform(raw)["numeric"] == prepared.arrays("test")["numeric"]).all()


def test_california_housing(tmp_path):
    suggestion = infer_file(SHARED / "california_housing" / "housing.csv", "median_house_value")
    assert (suggestion.task, suggestion.data["kinds"]["ocean_proximity"]) == ("regression", "categorical")
    prepared, spent = seconds(parse({"data": suggestion.data}), tmp_path / "out")
    assert sum(prepared.schema["rows"].values()) == 20640
    assert prepared.spec.features == 8 + 5
    mean, deviation = prepared.target_scale
    values = np.concatenate([mean + deviation * prepared.arrays(split)["target"] for split in SPLITS])
    assert round(float(values.max())) == 500001
    assert int((np.round(values) == 500001).sum()) == 965
    assert spent < 4, f"{spent:.1f} s of processor time"


def test_fashion_mnist(tmp_path):
    folder = SHARED / "fashion_mnist"
    suggestion = infer_file(folder / "train-images-idx3-ubyte.gz", None, folder / "t10k-images-idx3-ubyte.gz")
    assert suggestion.image
    prepared, spent = seconds(parse({"data": suggestion.data | {"split": {"val": 0.1}}}), tmp_path / "out")
    assert [prepared.rows(split) for split in SPLITS] == [54000, 6000, 10000]
    assert prepared.schema["image_mean"] == pytest.approx([0.2860], abs=2e-3)
    assert prepared.schema["image_std"] == pytest.approx([0.3530], abs=2e-3)
    assert np.bincount(prepared.arrays("train")["target"]).tolist() == [5400] * 10
    assert spent < 6, f"{spent:.1f} s of processor time"


def test_electricity_by_time(tmp_path):
    params = parse(
        {
            "data": {
                "source": {"name": "csv", "options": {"path": str(SHARED / "etth1" / "ETTh1.csv")}},
                "target": "OT",
                "split": {"by": "time", "column": "date"},
            }
        }
    )
    prepared = prepare(params, tmp_path / "out")
    frame = pd.read_csv(SHARED / "etth1" / "ETTh1.csv")
    mean, deviation = prepared.target_scale
    values = np.concatenate([mean + deviation * prepared.arrays(split)["target"] for split in SPLITS])
    np.testing.assert_allclose(values, frame["OT"], atol=1e-4)
    assert {"date.year", "date.month", "date.hour"} <= set(prepared.schema["features"])


def test_electricity_as_a_series_with_its_official_split(tmp_path):
    series = {"time": "date", "window": 336, "horizon": 96, "borders": [8640, 11520, 14400]}
    source = {"name": "csv", "options": {"path": str(SHARED / "etth1" / "ETTh1.csv")}}
    prepared = prepare(parse({"data": {"source": source, "series": series}}), tmp_path / "out")
    assert [prepared.rows(split) for split in SPLITS] == [8209, 2785, 2785]
    test = prepared.tensors("test")
    # Known of this split: the last value goes on, and the last day goes on.
    last = test.inputs[0][:, -1:].expand(-1, 96, -1).flatten(1)
    day = test.inputs[0][:, -24:].repeat(1, 4, 1).flatten(1)
    errors = [float((each - test.target).square().mean()) for each in (last, day)]
    assert errors == pytest.approx([1.2944, 0.5122], abs=5e-5)
