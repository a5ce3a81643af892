"""The data report in numbers: balance, statistics of each column, duplicates, and what a person should know."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nnops.batch import QUANTITIES
from nnops.data.dates import parse_dates
from nnops.data.drift import measure_drift
from nnops.data.kinds import Kind
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.target import Target
from nnops.data.values import as_text, column

#: Bars of a histogram, and categories that are listed.
BINS, TOP = 24, 12
#: Shares from which a note is written: missing values, rows of the largest class against the smallest.
MUCH_MISSING, VERY_UNEVEN = 0.4, 10.0

Arrays = Mapping[SplitName, Mapping[str, np.ndarray]]


def describe_target(target: Target, arrays: Arrays) -> dict[str, Any]:
    """How the target is spread over the splits: rows of each class, or statistics in the target's own unit."""
    spread: dict[str, Any] = {}
    answers: dict[SplitName, np.ndarray] = {name: arrays[name]["target"].astype(np.float64) for name in SPLITS}
    several = target.task == "multilabel"
    if target.task not in QUANTITIES:
        for name, codes in answers.items():
            counts = codes.sum(0).astype(np.int64) if several else _count(codes, len(target.classes))
            spread[name] = dict(zip(target.classes, counts.tolist(), strict=True))
        described = {"name": target.name, "task": target.task, "counts": spread}
        if several:
            return described | {"rows": {name: len(codes) for name, codes in answers.items()}}
        words: dict[SplitName, pd.Series] = {
            name: pd.Series(codes.astype(np.int64)).astype(str) for name, codes in answers.items()
        }
        return described | _drift(words)
    values: dict[SplitName, np.ndarray] = {name: target.mean + target.std * scaled for name, scaled in answers.items()}
    every = np.concatenate(list(values.values()))
    edges = np.histogram_bin_edges(every, BINS, _ends(every))
    for name, numbers in values.items():
        spread[name] = _statistics(numbers) | {"counts": np.histogram(numbers, edges)[0].tolist()}
    columns: dict[SplitName, pd.Series] = {name: pd.Series(numbers.ravel()) for name, numbers in values.items()}
    drift = _drift(columns)
    return {"name": target.name, "task": target.task, "edges": _plain(edges), "statistics": spread} | drift


def _ends(numbers: np.ndarray) -> tuple[float, float] | None:
    """Where a histogram begins and ends if the numbers lie too close for its bars, as long ids do; else None."""
    if not len(numbers):
        return None
    low, high = float(numbers.min()), float(numbers.max())
    least = BINS * float(np.spacing(max(abs(low), abs(high))))
    return (low - least, high + least) if (high - low or 1.0) < 2 * least else None


def _count(codes: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(codes.astype(np.int64), minlength=classes)


def describe_columns(
    parts: Mapping[SplitName, pd.DataFrame], kinds: list[Kind], markers: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Statistics of each column in the train split, and the share of missing values in every split.

    Args:
        parts: Rows of each split; numeric columns hold float64.
        kinds: Kinds of the columns.
        markers: Texts that mean missing.
    """
    return [_describe(kind, {name: column(part, kind.name) for name, part in parts.items()}, markers) for kind in kinds]


def count_duplicates(arrays: Arrays) -> dict[str, int]:
    """Rows that a model sees twice: within train, and rows of val and test that are in train as well."""
    keys = {name: _row_keys(arrays[name]) for name in SPLITS}
    train = set(keys["train"])
    return {
        "train": len(keys["train"]) - len(train),
        "val_in_train": sum(key in train for key in keys["val"]),
        "test_in_train": sum(key in train for key in keys["test"]),
    }


def write_notes(report: Mapping[str, Any], unit: str = "rows") -> list[str]:
    """What a person should know before training, each in one sentence; ``unit`` is what classes are counted in."""
    notes = [f"Leakage: {leak['sentence']}" for leak in report.get("leakage", ())]
    accused = {split for leak in report.get("leakage", ()) if leak["kind"] == "duplicates" for split in leak["rows"]}
    for entry in report.get("columns", []):
        if entry["kind"] == "ignore":
            notes.append(f"Column '{entry['name']}' is not used: {entry['reason']}.")
        elif entry["missing"]["train"] >= MUCH_MISSING:
            notes.append(f"Column '{entry['name']}' misses {entry['missing']['train']:.0%} of its values.")
        unseen = {name: count for name, count in entry.get("unseen", {}).items() if count}
        if unseen:
            where = " and ".join(f"{count} rows of {name}" for name, count in unseen.items())
            notes.append(f"Column '{entry['name']}' has words in {where} that train never shows.")
    for entry in (report["target"], *report.get("columns", [])):
        if entry.get("drifts"):
            psi = " and ".join(f"{entry['drift'][name]:.2g} to {name}" for name in entry["drifts"])
            what = "The target" if entry is report["target"] else f"Column '{entry['name']}'"
            notes.append(f"{what} drifts from train (PSI {psi}).")
    if report.get("outliers"):
        notes.append(f"{report['outliers']} rows of train hold an outlier and are left out.")
    duplicates = report["duplicates"]
    for name in ("val", "test"):
        if duplicates[f"{name}_in_train"] and name not in accused:
            notes.append(f"{duplicates[f'{name}_in_train']} rows of {name} are in train as well.")
    if duplicates["train"]:
        notes.append(f"{duplicates['train']} rows of train repeat another one.")
    counts = report["target"].get("counts", {}).get("train")
    if counts:
        least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        if counts[most] > VERY_UNEVEN * counts[least]:
            notes.append(f"Class '{most}' has {counts[most]} {unit} in train, class '{least}' only {counts[least]}.")
    return notes


def _describe(kind: Kind, values: Mapping[SplitName, pd.Series], markers: tuple[str, ...]) -> dict[str, Any]:
    if kind.kind != "numeric":
        values = {name: as_text(part, markers) for name, part in values.items()}
    known = values["train"].dropna()
    entry: dict[str, Any] = {
        "name": kind.name,
        "kind": kind.kind,
        "reason": kind.reason,
        "missing": {name: round(float(part.isna().mean()), 6) for name, part in values.items()},
        "distinct": int(known.nunique()),
    }
    if kind.kind == "numeric":
        finite = known.to_numpy(np.float64)
        counts, edges = np.histogram(finite, BINS, _ends(finite))
        entry |= _statistics(finite) | {"edges": _plain(edges), "counts": counts.tolist()}
    elif kind.kind == "categorical":
        words: dict[str, int] = known.value_counts().to_dict()
        order = sorted(words, key=lambda word: (-words[word], word))
        entry["top"] = [[word, words[word]] for word in order[:TOP]]
        seen = set(words)
        entry["unseen"] = {
            name: int((text.notna() & ~text.isin(seen)).sum()) for name, text in values.items() if name != "train"
        }
    elif kind.kind == "date":
        moments = parse_dates(values["train"], None, markers)
        assert moments is not None
        stamps = moments.dropna().dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
        counts, edges = np.histogram(stamps, BINS)
        entry |= {
            "first": str(moments.min()),
            "last": str(moments.max()),
            "edges": _plain(edges),
            "counts": counts.tolist(),
        }
        values = {name: _seconds(part, markers) for name, part in values.items()}
    return entry if kind.kind == "ignore" else entry | _drift(values)


def _drift(values: Mapping[SplitName, pd.Series]) -> dict[str, Any]:
    """PSI of val and test against train, and which of them drift."""
    found = {name: measure_drift(values["train"], values[name]) for name in SPLITS if name != "train"}
    return {
        "drift": {name: _short(psi) for name, (psi, _) in found.items()},
        "drifts": [name for name, (_, drifts) in found.items() if drifts],
    }


def _seconds(text: pd.Series, markers: tuple[str, ...]) -> pd.Series:
    moments = parse_dates(text, None, markers)
    if moments is None:
        return pd.Series(np.full(len(text), np.nan))
    seconds = moments.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64).astype(np.float64)
    return pd.Series(np.where(moments.isna(), np.nan, seconds))


def _statistics(numbers: np.ndarray) -> dict[str, float]:
    low, first, median, third, high = (float(value) for value in np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1]))
    spread = {"mean": float(numbers.mean()), "std": float(numbers.std()), "min": low, "max": high}
    return {name: _short(value) for name, value in (spread | {"q25": first, "median": median, "q75": third}).items()}


def _plain(values: np.ndarray) -> list[float]:
    return [_short(float(value)) for value in values]


def _short(value: float) -> float:
    """Six significant digits: enough for people, and the same text on every machine."""
    return float(f"{value:.6g}")


def _row_keys(arrays: Mapping[str, np.ndarray]) -> list[int]:
    # A node's number is no value of its row: all of them differ.
    kept = [array for name, array in arrays.items() if name != "node"]
    columns = [np.ascontiguousarray(array).reshape(len(array), -1) for array in kept]
    return [hash(row) for row in zip(*([row.tobytes() for row in part] for part in columns), strict=True)]
