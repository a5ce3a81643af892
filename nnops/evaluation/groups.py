"""Who is compared: the rows of a split by each group column, and by all of them together.

Legend of shape suffixes: N rows, J groups.
"""

from dataclasses import dataclass

import numpy as np

from nnops.data.prepared import Prepared, SplitName
from nnops.errors import ParamsError
from nnops.params import in_key

#: Groups of fewer rows of a split are counted, but not judged: their rates are mostly luck.
FEWEST = 50
#: Rates of a group that fewer rows are about take no part in a gap: of 19 positive rows one is 5 % of the rate.
FEWEST_OF_RATE = 25
#: What the groups of all columns together are called in dotted names.
INTERSECTION = "intersection"


@dataclass(frozen=True)
class Division:
    """The rows of a split, divided into groups.

    Attributes:
        name: The column, or the columns with commas between them.
        key: Its part of dotted names.
        groups: Names of the groups that have rows.
        code_N: The group of each row, int64.
        rows_J: Rows of each group, int64.
    """

    name: str
    key: str
    groups: tuple[str, ...]
    code_N: np.ndarray
    rows_J: np.ndarray

    @property
    def judged_J(self) -> np.ndarray:
        """Whether a group has rows enough to be judged, bool."""
        return self.rows_J >= FEWEST


def divide(data: Prepared, split: SplitName) -> list[Division]:
    """The divisions of a split: one for each column of ``data.groups``, and where there are several, all together."""
    groupings = data.groupings
    if not groupings:
        return []
    code_NG = data.groups(split)
    found = [
        _division(grouping.name, in_key(grouping.name), [(name,) for name in grouping.groups], code_NG[:, place])
        for place, grouping in enumerate(groupings)
    ]
    if len(groupings) > 1:
        row_JG, code_N = np.unique(code_NG, axis=0, return_inverse=True)
        names = [tuple(each.groups[code] for each, code in zip(groupings, row_G, strict=True)) for row_G in row_JG]
        found.append(_division(", ".join(each.name for each in groupings), INTERSECTION, names, code_N.ravel()))
    return found


def find_column(data: Prepared, name: str | None, where: str) -> int:
    """The place of a column among the groupings; of the only one where none is named.

    Raises:
        ParamsError: It is not one of them, or there are several and none is named.
    """
    names = [grouping.name for grouping in data.groupings]
    if name is None and len(names) == 1:
        return 0
    if name in names:
        return names.index(name)
    listed = f"[{', '.join(names)}]" if names else "not set"
    got = "none" if name is None else f"'{name}'"
    raise ParamsError(
        f"params.yaml: {where} must name a column of data.groups, which is {listed}, got {got}; add the column there."
    )


def _division(name: str, key: str, names: list[tuple[str, ...]], code_N: np.ndarray) -> Division:
    """Without the groups that have no rows."""
    rows_J = np.bincount(code_N, minlength=len(names))
    place_J = np.cumsum(rows_J > 0) - 1
    kept = np.flatnonzero(rows_J)
    return Division(name, key, tuple(", ".join(names[code]) for code in kept), place_J[code_N], rows_J[kept])
