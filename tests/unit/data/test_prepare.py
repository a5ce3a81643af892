"""The prepare stage: bytes that repeat, folders that are whole, a cache that many may ask, a report that is right."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from people import PEOPLE

from nnops.data.prepare import cached, data_fingerprint, prepare
from nnops.data.prepared import SPLITS, Prepared
from nnops.files import read_json
from nnops.fingerprint import hash_files
from nnops.params import overlay, parse

DIGITS = parse({})
MIXED = "size,colour,day,price\n" + "".join(
    f"{row % 17 if row % 5 else ''},{('red', 'blue', '?')[row % 3]},2024-0{1 + row % 9}-11,{row * 1.5:.1f}\n"
    for row in range(60)
)


def content(folder: Path) -> str:
    return hash_files([path for path in folder.rglob("*") if path.is_file()], folder)


def mixed(tmp_path: Path, **data: object):
    (tmp_path / "mixed.csv").write_text(MIXED)
    return parse({"data": {"source": {"name": "csv", "options": {"path": "mixed.csv"}}, "target": "price", **data}})


def test_digits_are_what_scikit_learn_has(tmp_path):
    from sklearn.datasets import load_digits

    prepared = prepare(DIGITS, tmp_path / "out")
    assert prepared.spec.image == (1, 8, 8)
    assert [prepared.rows(split) for split in SPLITS] == [1257, 270, 270]
    arrays = [prepared.arrays(split) for split in SPLITS]
    pairs = {
        (one["image"][row].tobytes(), int(one["target"][row])) for one in arrays for row in range(len(one["target"]))
    }
    bunch = load_digits()
    assert pairs == {
        (image.astype(np.uint8).tobytes(), int(label)) for image, label in zip(bunch.images, bunch.target, strict=True)
    }
    assert all(one["target"].dtype == np.int64 for one in arrays)
    shares = np.array([np.bincount(one["target"]) / len(one["target"]) for one in arrays])
    assert np.ptp(shares, axis=0).max() < 0.01
    train = prepared.tensors("train").inputs[0]
    assert abs(float(train.mean())) < 1e-5
    assert abs(float(train.std()) - 1) < 1e-3


def test_same_bytes_again_and_in_another_process(tmp_path):
    params = mixed(tmp_path)
    prepare(params, tmp_path / "one", tmp_path)
    prepare(params, tmp_path / "two", tmp_path)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    script = (
        "import json, sys; from pathlib import Path;"
        "from nnops.data.prepare import prepare; from nnops.params import parse;"
        "prepare(parse(json.loads(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    record = params.model_dump_json(by_alias=True)
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    subprocess.run([sys.executable, "-c", script, record, tmp_path / "three", tmp_path], check=True, env=environment)
    assert content(tmp_path / "one") == content(tmp_path / "three")


def test_hash_names_arrays_and_preprocessing(tmp_path):
    params = mixed(tmp_path)
    one = prepare(params, tmp_path / "one", tmp_path)
    assert one.hash == prepare(overlay(params, {"train.epochs": 3}), tmp_path / "two", tmp_path).hash
    for change in ({"seed": 8}, {"data.scaling": "minmax"}, {"data.split.val": 0.3}):
        assert prepare(overlay(params, change), tmp_path / "two", tmp_path).hash != one.hash


def test_statistics_come_from_train_alone(tmp_path):
    params = mixed(
        tmp_path, split={"by": "given", "column": "part"}, target_scaling="standard", cleaning={"outliers": "iqr"}
    )
    parts = ["train"] * 30 + ["val"] * 15 + ["test"] * 15
    frame = pd.read_csv(tmp_path / "mixed.csv").assign(part=parts)
    frame.to_csv(tmp_path / "mixed.csv", index=False)
    one = read_json(prepare(params, tmp_path / "one", tmp_path).folder / "preprocess.json")
    frame.loc[30:, "size"] = 1e6
    frame.loc[30:, "colour"] = "never seen"
    frame.loc[30:, "price"] *= 7.5
    frame.to_csv(tmp_path / "mixed.csv", index=False)
    prepared = prepare(params, tmp_path / "two", tmp_path)
    assert read_json(prepared.folder / "preprocess.json") == one
    train = pd.read_csv(tmp_path / "mixed.csv")[:30]
    assert prepared.target_scale == pytest.approx((train["price"].mean(), train["price"].std(ddof=0)))
    restored = prepared.target_scale[0] + prepared.target_scale[1] * prepared.arrays("train")["target"]
    np.testing.assert_allclose(restored, train["price"], rtol=1e-5)


def test_a_separate_test_source_is_the_test_split(write, make):
    write("people.csv", PEOPLE)
    header, *lines = PEOPLE.splitlines()
    test = [header, *[line + "." for line in lines[:5]], "99,Paris,high."]
    write("test.csv", "\n".join(test))
    prepared = make(
        "people.csv",
        target="income",
        test={"name": "csv", "options": {"path": "test.csv"}},
        cleaning={"strip_target": "."},
        categories="embedding",
        split={"val": 0.25},
    )
    assert [prepared.rows(split) for split in SPLITS] == [9, 3, 6]
    assert prepared.classes == ["high", "low"]
    assert prepared.arrays("test")["target"].tolist() == [1, 0, 1, 0, 1, 0]
    assert prepared.arrays("test")["categories"][-1].tolist() == [0]
    report = read_json(prepared.folder / "report.json")
    assert report["duplicates"]["test_in_train"] + report["duplicates"]["val_in_train"] >= 5 - 3
    assert any("1 rows of test that train never shows" in note for note in report["notes"])


def test_the_positive_class_is_the_second_or_the_one_named(write, make):
    write("people.csv", PEOPLE)
    usual = make("people.csv", target="income").classes
    assert len(usual) == 2
    assert make("people.csv", target="income", positive=usual[0]).classes == usual[::-1]
    assert make("people.csv", target="income", positive=usual[1]).classes == usual


def test_duplicates_and_rows_with_gaps_can_be_dropped(write, make):
    write("people.csv", PEOPLE + "20,Rome,low\n20,Rome,low\n,Oslo,high\n50,?,low\n")
    assert sum(make("people.csv", target="income").schema["rows"].values()) == 16
    cleaning = {"duplicates": "drop", "numeric_missing": "drop", "categorical_missing": "drop"}
    prepared = make("people.csv", target="income", cleaning=cleaning)
    assert sum(prepared.schema["rows"].values()) == 12
    assert read_json(prepared.folder / "report.json")["rows"]["read"] == 16


def test_duplicate_images_can_be_dropped(tmp_path, make):
    pixels = np.repeat(np.random.default_rng(0).integers(0, 256, (20, 3, 3), np.uint8), 2, axis=0)
    np.savez(tmp_path / "a.npz", x=pixels, y=np.repeat(np.arange(20) % 2, 2))
    source = {"name": "npz", "options": {"path": "a.npz"}}
    assert sum(make(source=source).schema["rows"].values()) == 40
    assert sum(make(source=source, cleaning={"duplicates": "drop"}).schema["rows"].values()) == 20


def test_the_report_counts_what_is_there(tmp_path):
    prepared = prepare(mixed(tmp_path), tmp_path / "out", tmp_path)
    report = read_json(prepared.folder / "report.json")
    assert report["rows"] == {"read": 60, "train": 42, "val": 9, "test": 9}
    size, colour, day = report["columns"]
    frame = pd.read_csv(tmp_path / "mixed.csv")
    everywhere = sum(size["missing"][split] * report["rows"][split] for split in SPLITS)
    assert round(everywhere) == frame["size"].isna().sum()
    assert sum(count for _, count in colour["top"]) == round(42 * (1 - colour["missing"]["train"]))
    assert colour["distinct"] == 2
    assert (day["first"][:4], day["kind"]) == ("2024", "date")
    assert sum(report["target"]["statistics"]["val"]["counts"]) == 9
    assert size["min"] == 1.0 or size["min"] == 0.0


@pytest.mark.parametrize("case", ["table", "regression", "images", "regression of images", "strange names"])
def test_the_figure_is_drawn(case, tmp_path, make):
    if case == "table":
        prepared = make(source={"name": "sklearn", "options": {"set": "iris"}})
    elif case == "regression":
        prepared = prepare(mixed(tmp_path), tmp_path / "out", tmp_path)
    elif case == "images":
        prepared = prepare(DIGITS, tmp_path / "out")
    elif case == "regression of images":
        values = np.random.default_rng(0).uniform(size=30)
        np.savez(tmp_path / "a.npz", x=np.zeros((30, 4, 4, 3), np.uint8), y=values)
        prepared = make(source={"name": "npz", "options": {"path": "a.npz"}})
    else:
        rows = "".join(f"{row},{'日本' if row % 2 else '$x_$'},{'$a$b' if row % 3 else '100%'}\n" for row in range(40))
        (tmp_path / "a.csv").write_text("cost in $,$^{wörd,kläss\n" + rows.replace("\n", "\n"))
        prepared = make("a.csv", target="kläss")
    picture = (prepared.folder / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000
    assert b"Software" not in picture
    assert b"tIME" not in picture


def test_a_folder_is_replaced_whole(tmp_path):
    out = tmp_path / "out"
    prepare(DIGITS, out)
    (out / "stray.txt").write_text("old")
    (tmp_path / ".out.999999999.part").mkdir()
    prepare(DIGITS, out)
    assert not (out / "stray.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


KILLED = """
import sys, time
from pathlib import Path
import nnops.data.prepare as stage
from nnops.params import parse
real = stage._write
def slow(made, params, folder):
    real(made, params, folder)
    print("written", flush=True)
    time.sleep(60)
stage._write = slow
stage.cached(parse({}), Path(), Path(sys.argv[1]))
"""


def test_a_kill_leaves_no_half_folder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    prepared = cached(DIGITS, Path(), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []
    assert prepared.rows("train") == 1257


def _ask(folder: Path) -> tuple[str, float]:
    prepared = cached(DIGITS, Path(), folder)
    return prepared.hash, (prepared.folder / "schema.json").stat().st_mtime_ns


def test_a_cache_that_many_ask_at_once_is_filled_once(tmp_path):
    with ProcessPoolExecutor(3) as pool:
        answers = set(pool.map(_ask, [tmp_path] * 3))
    assert len(answers) == 1
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    start = time.perf_counter()
    assert _ask(tmp_path) in answers
    assert time.perf_counter() - start < 0.5


def test_the_fingerprint_follows_content_not_place(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        root.mkdir()
    params = mixed(one)
    mixed(two)
    first = data_fingerprint(params, one)
    assert first == data_fingerprint(params, two)
    assert first == data_fingerprint(overlay(params, {"train.epochs": 2}), one)
    assert first != data_fingerprint(overlay(params, {"data.scaling": "none"}), one)
    assert first != data_fingerprint(overlay(params, {"seed": 8}), one)
    (two / "mixed.csv").write_text(MIXED + "1,red,2024-01-01,3.5\n")
    assert first != data_fingerprint(params, two)


def test_prepared_data_maps_into_memory(tmp_path):
    prepared = Prepared.open(prepare(DIGITS, tmp_path / "out").folder)
    image = prepared.arrays("train")["image"]
    assert isinstance(image, np.memmap)
    assert not image.flags.writeable
