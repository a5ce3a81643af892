"""Groups of rows by the columns of ``data.groups``, kept beside the inputs: who is compared."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.data.kinds import Kind
from nnops.data.prepared import SplitName
from nnops.data.values import as_number, as_text, column
from nnops.errors import ParamsError
from nnops.params import Data

#: The group of rows without a value.
MISSING = "missing"
#: Numbers with more different values than this are cut into as many bins of equally many rows.
BINS = 4
#: More groups than this are names or numbers of rows, not groups.
MOST = 50
#: Tasks whose groups are compared.
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


@dataclass(frozen=True)
class Grouping:
    """How a column's values fall into groups.

    Attributes:
        name: The column.
        groups: Names of the groups in the order of their codes.
        edges: Of numbers that were cut: what the groups but the last one hold at most.
    """

    name: str
    groups: tuple[str, ...]
    edges: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain lists, numbers and text."""
        return asdict(self) | {"groups": list(self.groups), "edges": list(self.edges)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(record["name"], tuple(record["groups"]), tuple(record["edges"]))

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return bool(self.edges) or all(not _by_size(name)[0] for name in self.groups if name != MISSING)

    def codes(self, values: pd.Series, markers: tuple[str, ...]) -> np.ndarray:
        """The group of each value, int64 ``[N]``; -1 for a group that the data of the training did not have."""
        missing = self.groups.index(MISSING) if MISSING in self.groups else -1
        if self.edges:
            number_N, _ = as_number(values, markers)
            found_N = np.searchsorted(np.array(self.edges), number_N, side="left")
            return np.where(np.isnan(number_N), missing, found_N).astype(np.int64)
        text = as_text(values, markers)
        found_N = pd.Index(self.groups, dtype=object).get_indexer(pd.Index(text, dtype=object))
        return np.where(text.isna().to_numpy(), missing, found_N).astype(np.int64)


def check_groups(data: Data, names: Sequence[str], where: str) -> None:
    """Check that the columns of ``data.groups`` are there.

    Raises:
        ParamsError: One is not, the nearest column named; or it is the target.
    """
    for name in data.groups:
        if name not in names:
            raise ParamsError(f"params.yaml: data.groups: {where}: {unknown('column', name, names)}")
        if name == data.answer or name in ((data.target,) if isinstance(data.target, str) else data.target):
            raise ParamsError(
                f"params.yaml: data.groups: '{name}' is the target; name a column that tells who rows are."
            )


def refuse_groups(data: Data, what: str) -> None:
    """Refuse groups of data that have none.

    Raises:
        ParamsError: ``data.groups`` names some.
    """
    if data.groups:
        raise ParamsError(
            f"params.yaml: data.groups: groups are told by columns of a table and compared in the tasks"
            f" {', '.join(TASKS)}, got {what}; leave it out."
        )


def make_groups(
    parts: Mapping[SplitName, tuple[pd.DataFrame, str]], kinds: Sequence[Kind], data: Data, where: str
) -> tuple[list[Grouping], dict[SplitName, np.ndarray]]:
    """The groupings of ``data.groups``, and the group codes int64 ``[N, columns]`` of each split.

    Raises:
        ParamsError: A column holds one group only, more than fit into a figure, dates or free text.
    """
    markers = data.cleaning.missing_markers
    found: list[Grouping] = []
    for name in data.groups:
        kind = next(kind.kind for kind in kinds if kind.name == name)
        if kind in ("date", "text"):
            raise ParamsError(
                f"params.yaml: data.groups: column '{name}' is a {kind}; name a column of words or numbers."
            )
        whole = pd.concat([column(frame, name) for frame, _ in parts.values()])
        found.append(_fit(column(parts["train"][0], name), whole, markers, words=kind == "categorical", where=where))
    codes: dict[SplitName, np.ndarray] = {}
    for split, (frame, _) in parts.items():
        columns = [grouping.codes(column(frame, grouping.name), markers) for grouping in found]
        codes[split] = np.stack(columns, axis=1)
    return found, codes


def _fit(train: pd.Series, whole: pd.Series, markers: tuple[str, ...], *, words: bool, where: str) -> Grouping:
    """Words of all rows, or numbers cut at the quartiles of the train rows."""
    name, text = str(whole.name), as_text(whole, markers)
    number_N, odd_N = as_number(whole, markers)
    different = np.unique(number_N[~np.isnan(number_N)])
    numeric = not words and not odd_N.any() and len(different) > BINS
    if numeric:
        known = as_number(train, markers)[0]
        known = known[~np.isnan(known)] if not np.isnan(known).all() else different
        cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
        # What lies at the top ends no group: there would be none above it.
        edges: tuple[float, ...] = tuple(cuts[cuts < different[-1]].tolist()) or (float(different[-2]),)
        said = [f"{edge:.6g}" for edge in edges]
        groups = [f"up to {said[0]}"] + [f"{low} to {high}" for low, high in pairwise(said)]
        groups.append(f"above {said[-1]}")
    else:
        edges, groups = (), sorted(text.dropna().unique(), key=_by_size)
    if text.isna().any() and MISSING not in groups:
        groups.append(MISSING)
    if len(groups) < 2:
        only = f"'{groups[0]}'" if groups else "nothing"
        raise ParamsError(
            f"params.yaml: data.groups: {where}: column '{name}' must have at least two groups to compare, but every"
            f" row holds {only}; name another column."
        )
    if len(groups) > MOST:
        raise ParamsError(
            f"params.yaml: data.groups: {where}: column '{name}' has {len(groups)} different values, and at most {MOST}"
            " groups are compared; name another column."
        )
    return Grouping(name, tuple(groups), edges)


def _by_size(word: str) -> tuple[bool, float, str]:
    """Numbers by value, then words by alphabet."""
    try:
        return False, float(word), word
    except ValueError:
        return True, 0.0, word
