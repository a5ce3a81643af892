"""Leakage: what a model would know in a test and not in life. Each leak is named with its rows.

Found are rows of val and test that train holds as well (:mod:`nnops.data.twins`), images that it nearly holds
(:mod:`nnops.data.near`), columns that tell the target
(:mod:`nnops.data.tell`), and moments or groups that stand on both sides of a split which is to keep them apart.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from nnops.data.by_column import ByColumn
from nnops.data.dates import parse_dates
from nnops.data.kinds import Kind
from nnops.data.near import find_near
from nnops.data.prepared import SplitName
from nnops.data.tell import Teller, find_tellers
from nnops.data.twins import Twins, find_twins
from nnops.data.values import as_number, as_text, column
from nnops.errors import DataError
from nnops.params import Data

#: Rows that a leak names in each split.
NAMED = 10
#: Twins from which on a split is accused: so many rows, and so large a share of them. Below, a note counts them.
FEWEST_TWINS, LEAST_SHARE = 3, 0.005
#: A later split goes by time where so much of it lies after as much of train.
MOSTLY = 0.95

#: An earlier split and a later one.
PAIRS: tuple[tuple[SplitName, SplitName], ...] = (("train", "val"), ("train", "test"), ("val", "test"))

LATER: tuple[SplitName, ...] = ("val", "test")

WholeParts = Mapping[SplitName, tuple[pd.DataFrame, str]]
Parts = WholeParts | Mapping[SplitName, tuple[ByColumn, str]]


@dataclass(frozen=True)
class Leak:
    """One thing found.

    Attributes:
        kind: ``duplicates``, ``near_duplicates``, ``target``, ``time`` or ``groups``.
        sentence: What was found, where, and what to do.
        rows: Numbers of rows by split, from 1 as in the source, the first ten of them.
        count: How many rows it is about.
    """

    kind: str
    sentence: str
    rows: dict[str, list[int]]
    count: int

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def find_leaks(parts: WholeParts, kinds: list[Kind], data: Data, classes: pd.Series | None) -> list[Leak]:
    """Look for leaks in the splits of a table.

    Args:
        parts: Typed rows of each split (numbers as float64, words as text), and the source's name.
        kinds: Kinds of the columns.
        data: Says the target and how rows were split.
        classes: The class of each train row as text; None for a regression.
    """
    train = parts["train"][0]
    used = [kind for kind in kinds if kind.kind != "ignore"]
    markers = data.cleaning.missing_markers
    twins: dict[SplitName, Twins] = {
        name: find_twins(train, parts[name][0], used, markers) for name in LATER if len(parts[name][0])
    }
    return tell_leaks(find_tellers(train, used, data, classes), twins, parts, kinds, data)


def tell_leaks(
    tellers: list[Teller], twins: Mapping[SplitName, Twins], parts: Parts, kinds: list[Kind], data: Data
) -> list[Leak]:
    """Leaks of what was found in columns and rows, and those of moments and groups.

    Args:
        tellers: Columns that tell the target.
        twins: Rows of later splits that train holds.
        parts: As :func:`find_leaks` takes them.
        kinds: Kinds of the columns.
        data: Says the target and how rows were split.
    """
    train = parts["train"][0]
    leaks = [Leak("target", told.sentence, {"train": told.rows[:NAMED]}, len(train)) for told in tellers]
    for name, found in twins.items():
        leaks += _twins(name, parts[name][0], train, found)
    return leaks + _order(parts, kinds, data) + _groups(parts, data)


def find_image_leaks(
    pixels: Mapping[SplitName, np.ndarray], rows: Mapping[SplitName, np.ndarray], what: str = "image"
) -> list[Leak]:
    """Look for images of val and test that train holds as well, to the bit or nearly; those of one level are left out.

    Args:
        pixels: uint8 [N, C, H, W] of each split.
        rows: Where each of them stands in its source, from 0.
        what: The word for one in messages; only images are looked at for what is nearly the same.
    """
    keys = {name: [hash(image.tobytes()) if np.ptp(image) else None for image in part] for name, part in pixels.items()}
    first: dict[int | None, int] = {}
    for place, key in enumerate(keys["train"]):
        first.setdefault(key, place)
    leaks: list[Leak] = []
    for name in ("val", "test"):
        later = [place for place, key in enumerate(keys[name]) if key is not None and key in first]
        twins = Twins(np.array(later, np.int64), np.array([first[keys[name][place]] for place in later], np.int64), 0)
        places = {split: pd.DataFrame(index=pd.Index(found)) for split, found in rows.items()}
        leaks += _twins(name, places[name], places["train"], twins, what)
        if what == "image":
            others = np.setdiff1d(np.arange(len(pixels[name])), twins.later)
            found, train = find_near(pixels["train"], pixels[name][others])
            leaks += _near(name, places[name], places["train"], others[found], train)
    return leaks


def check_leaks(leaks: list[Leak], data: Data, where: str) -> None:
    """Refuse leaks where params say so.

    Raises:
        DataError: There is one, and ``data.leakage`` is ``error``.
    """
    if leaks and data.leakage == "error":
        more = f" ({len(leaks) - 1} more: set data.leakage to warn and see report.html)" if len(leaks) > 1 else ""
        raise DataError(f"{where}: leakage: {leaks[0].sentence}{more}")


def _twins(
    name: str, later: pd.DataFrame | ByColumn, train: pd.DataFrame | ByColumn, twins: Twins, what: str = "row"
) -> list[Leak]:
    count = len(twins.later)
    if count < FEWEST_TWINS or count < LEAST_SHARE * len(later):
        return []
    rows = {name: _numbers(later, twins.later), "train": _numbers(train, twins.train)}
    near = f", {twins.near} of them but for rounding" if twins.near else ""
    sentence = (
        f"{count} of {len(later)} {what}s of {name} are in train as well{near}, such as {what} {rows[name][0]}, which "
        f"is {what} {rows['train'][0]} of train; remove them, or keep what belongs together in one split (by: grouped)."
    )
    return [Leak("duplicates", sentence, {split: found[:NAMED] for split, found in rows.items()}, count)]


def _near(name: str, later: pd.DataFrame, train: pd.DataFrame, found: np.ndarray, alike: np.ndarray) -> list[Leak]:
    if len(found) < FEWEST_TWINS or len(found) < LEAST_SHARE * len(later):
        return []
    rows = {name: _numbers(later, found), "train": _numbers(train, alike)}
    sentence = (
        f"{len(found)} of {len(later)} images of {name} are nearly in train as well (shifted by at most a pixel, with"
        f" other brightness or noise), such as image {rows[name][0]}, which is nearly image {rows['train'][0]} of"
        " train; look at some of them, and split before images are copied or changed."
    )
    return [Leak("near_duplicates", sentence, {split: each[:NAMED] for split, each in rows.items()}, len(found))]


def _order(parts: Parts, kinds: list[Kind], data: Data) -> list[Leak]:
    """Rows of a later split that lie before the end of the earlier one, where the split goes by time."""
    if data.split.by == "time":
        names = [str(data.split.column)]
    elif data.split.by == "given" or data.test is not None:
        names = [kind.name for kind in kinds if kind.kind == "date"]
    else:
        return []
    leaks: list[Leak] = []
    for column_name in names:
        times = {name: _times(column(frame, column_name)) for name, (frame, _) in parts.items() if len(frame)}
        for before, name in PAIRS:
            if before not in times or name not in times:
                continue
            early, late = times[before], times[name]
            if data.split.by != "time" and not np.nanquantile(late, 1 - MOSTLY) >= np.nanquantile(early, MOSTLY):
                continue
            # Those that lie deepest in the other split are named first.
            inside = np.flatnonzero(late < np.nanmax(early))
            inside = inside[np.argsort(late[inside], kind="stable")]
            ahead = np.flatnonzero(early > np.nanmin(late))
            ahead = ahead[np.argsort(-early[ahead], kind="stable")]
            if len(inside):
                rows = {name: _numbers(parts[name][0], inside), before: _numbers(parts[before][0], ahead)}
                sentence = (
                    f"{len(inside)} rows of {name} lie before the end of {before} by '{column_name}', such as row "
                    f"{rows[name][0]}, while row {rows[before][0]} of {before} lies after it; let {name} begin where "
                    f"{before} ends."
                )
                found = {split: numbers[:NAMED] for split, numbers in rows.items()}
                leaks.append(Leak("time", sentence, found, len(inside)))
    return leaks


def _groups(parts: Parts, data: Data) -> list[Leak]:
    """Groups of a separate test source that train or val hold as well."""
    if data.split.by != "grouped":
        return []
    groups = {name: as_text(column(frame, str(data.split.column))) for name, (frame, _) in parts.items()}
    leaks: list[Leak] = []
    for before, name in PAIRS:
        both = groups[name].isin(set(groups[before].dropna())).to_numpy()
        if both.any():
            inside = np.flatnonzero(both)
            group = groups[name].iloc[inside[0]]
            twin = np.flatnonzero((groups[before] == group).to_numpy())
            rows = {name: _numbers(parts[name][0], inside), before: _numbers(parts[before][0], twin)}
            sentence = (
                f"{len(inside)} rows of {name} belong to groups that {before} holds as well, such as '{group}' (row "
                f"{rows[name][0]}, and row {rows[before][0]} of {before}); give each group to one split."
            )
            found = {split: numbers[:NAMED] for split, numbers in rows.items()}
            leaks.append(Leak("groups", sentence, found, len(inside)))
    return leaks


def _times(values: pd.Series) -> np.ndarray:
    numbers, words = as_number(values)
    if not words.any():
        return numbers
    moments = parse_dates(values, None)
    if moments is None:
        return np.full(len(values), np.nan)
    found = moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64).astype(float)
    found[moments.isna().to_numpy()] = np.nan
    return found


def _numbers(frame: pd.DataFrame | ByColumn, places: np.ndarray) -> list[int]:
    return [int(label) + 1 for label in frame.index[places]]
