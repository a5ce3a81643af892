"""Tables that are read one column at a time: the very bytes of tables that are read at once, in a part of the memory."""

import gzip
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from nnops.data import prepare as module
from nnops.data import row_keys, table_by_column
from nnops.data.by_column import Cells
from nnops.data.prepare import prepare
from nnops.data.table_by_column import NOTE
from nnops.errors import DataError, ParamsError
from nnops.files import read_json
from nnops.params import parse

ROWS = 900


def rows(count: int = ROWS, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": np.round(random.normal(50, 9, count), 3),
            "age": random.integers(18, 90, count),
            "income": np.round(random.lognormal(9, 1, count), 2),
            "town": random.choice(["Ülm", "Bonn", "Köln, West", 'the "Old"'], count),
            "day": [f"20{year:02}-0{month}-11" for year, month in random.integers(1, 9, (count, 2))],
            "code": [f"c{place}" for place in range(count)],
            "ring": random.choice(["a", "b", "c"], count),
            "site": random.choice([f"s{place}" for place in range(30)], count),
        }
    )
    frame["label"] = np.where(frame["size"] + random.normal(0, 5, count) > 50, "yes", "no")
    frame.loc[random.random(count) < 0.1, "size"] = np.nan
    frame.loc[random.random(count) < 0.1, "town"] = None
    return frame


def write(frame: pd.DataFrame, path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False, row_group_size=200)
    else:
        frame.to_csv(path, index=False, sep=";" if "semi" in path.name else ",")


def both(folder, data: dict, monkeypatch) -> None:
    """Prepare both ways and compare every byte but those of the note."""
    monkeypatch.setattr(table_by_column, "AT_ONCE", 700)
    made = {}
    for way in ("never", "always"):
        params = parse({"data": data | {"by_column": way}})
        made[way] = prepare(params, folder / way, folder, pictures=False)
    whole, parts = folder / "never", folder / "always"
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(parts) for path in parts.rglob("*") if path.is_file())
    for path in files:
        if path.name != "report.json":
            assert (whole / path).read_bytes() == (parts / path).read_bytes(), path
    report, ours = read_json(whole / "report.json"), read_json(parts / "report.json")
    assert ours["notes"].pop() == NOTE
    assert ours == report
    assert made["never"].hash == made["always"].hash


CASES = {
    "plain": {},
    "embedding": {"categories": "embedding", "scaling": "robust"},
    "dropped": {
        "cleaning": {"numeric_missing": "drop", "categorical_missing": "drop", "duplicates": "drop", "outliers": "iqr"}
    },
    "outlier rows": {"cleaning": {"outliers": "zscore", "outlier_rows": "drop", "indicator": True}},
    "regression": {"target": "income", "kinds": {"code": "ignore"}},
    "grouped": {"split": {"by": "grouped", "column": "site"}, "groups": ["ring", "age"]},
    "time": {"split": {"by": "time", "column": "day"}},
    "folds": {"split": {"by": "stratified", "folds": 4, "fold": 1}},
    "skewed": {"skewed": "yeo_johnson", "cleaning": {"numeric_missing": "mean"}, "scaling": "minmax"},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_the_bytes_are_those_of_a_table_read_at_once(case, name, tmp_path, monkeypatch):
    frame = rows()
    frame = pd.concat([frame, frame.iloc[5:9]], ignore_index=True)
    write(frame, tmp_path / name)
    source = {"name": name.rpartition(".")[2], "options": {"path": name}}
    both(tmp_path, {"source": source, "target": "label"} | CASES[case], monkeypatch)
