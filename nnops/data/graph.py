"""A graph of rows: nodes by their ids, and edges from a table of pairs.

Legend of shape suffixes: E pairs of an edge list, L links: pairs (node, neighbour), two for each edge.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from nnops.catalog import nearest
from nnops.data.kinds import Kind
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.reader import Reader, Table
from nnops.data.target import Target
from nnops.data.values import as_number, as_text, column, place
from nnops.errors import DataError, ParamsError
from nnops.params import Data, Edges

WHERE = "params.yaml: data.edges"


@dataclass(frozen=True)
class Nodes:
    """The nodes of a graph.

    Attributes:
        name: The column of their ids.
        ids: By number, as text.
    """

    name: str
    ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain lists and text."""
        return {"name": self.name, "ids": list(self.ids)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(record["name"], tuple(record["ids"]))

    def numbers(self, frame: pd.DataFrame) -> np.ndarray:
        """The number of each row's node, int64 ``[B]``.

        Raises:
            DataError: A row is of a node that the graph does not have.
        """
        text = as_text(column(frame, self.name))
        node_B = pd.Index(self.ids).get_indexer(pd.Index(text)).astype(np.int64)
        if (node_B < 0).any():
            row = int((node_B < 0).argmax())
            raise DataError(
                f"{place(text, row)}: column '{self.name}' must name a node of the graph that the model was trained on,"
                f" got '{text.iloc[row]}'; a new node is answered after a training with it and its edges."
            )
        return node_B


@dataclass(frozen=True)
class Links:
    """The links between nodes, in the order of the first node, then of the second.

    Attributes:
        arrays: ``row`` and ``column`` int64 ``[L]``, ``weight`` float32 ``[L]``; each edge stands in both directions.
        told: What the report says of them.
    """

    arrays: dict[str, np.ndarray]
    told: dict[str, int]


def edge_files(data: Data, root: Path) -> dict[str, Path]:
    """The files that the edges come from, by path.

    Raises:
        DataError: A file is missing.
    """
    return {path.as_posix(): path for path in edge_reader(data.edges).files(root)} if data.edges else {}


def edge_reader(edges: Edges) -> Reader:
    """The reader of the table of edges."""
    from nnops.data import READERS

    return READERS.build(edges.source.name, edges.source.options, "data.edges.source")


def read_edges(edges: Edges, root: Path) -> Table:
    """The table of edges.

    Raises:
        DataError: It is missing, damaged or no table.
    """
    try:
        table = edge_reader(edges).read(root, "")
    except DataError as error:
        # A reader names its options where it mostly stands.
        raise DataError(str(error).replace("data.source.", "data.edges.source.")) from error
    if not isinstance(table, Table):
        raise DataError(f"{table.where}: edges are a table with two columns of node ids, such as a CSV file.")
    return table


def check_nodes(kinds: Sequence[Kind], data: Data) -> None:
    """Check that nodes have numbers or categories to learn from.

    Raises:
        ParamsError: They have a text, or the id is the target.
    """
    if data.edges is None:
        return
    if data.edges.id == data.answer:
        raise ParamsError(f"{WHERE}.id: '{data.answer}' is the target; name the column of the nodes' ids.")
    text = next((kind.name for kind in kinds if kind.kind == "text"), None)
    if text is not None:
        raise ParamsError(
            f"{WHERE}: nodes are learned from by numbers and categories, and column '{text}' is a text; set"
            f" data.kinds.{text} to ignore, or leave edges out."
        )


def number_nodes(edges: Edges, every: Iterable[Table], kept: set[tuple[int, Any]]) -> tuple[Nodes, set[str]]:
    """Number the nodes in the order of the sources.

    Args:
        edges: Names the column of ids.
        every: The sources of nodes, with all of their rows.
        kept: Rows that were not dropped, each as (place of its source, label).

    Returns:
        The nodes that are left, and the ids of all of them.

    Raises:
        DataError: A row without an id, or two with the same one.
        ParamsError: There is no such column.
    """
    first: dict[str, str] = {}
    ids: list[str] = []
    for at, table in enumerate(every):
        names = [str(name) for name in table.frame.columns]
        if edges.id not in names:
            guess = nearest(edges.id, names)
            hint = f"did you mean '{guess}'?" if guess else f"the columns are {', '.join(names[:12])}."
            raise ParamsError(f"{WHERE}.id: {table.where} has no column '{edges.id}'; {hint}")
        text = as_text(column(table.frame, edges.id))
        missing = text.isna().to_numpy()
        if missing.any():
            raise DataError(
                f"{table.where}: {place(text, int(missing.argmax()))}: column '{edges.id}' must name the node, but is"
                " empty; give each node an id of its own."
            )
        for row, (label, name) in enumerate(text.items()):
            if name in first:
                raise DataError(
                    f"{table.where}: {place(text, row)}: the node '{name}' is there twice, first in {first[name]};"
                    " remove one of the rows."
                )
            first[name] = f"{place(text, row)} of {table.where}"
            if (at, label) in kept:
                ids.append(name)
    return Nodes(edges.id, tuple(ids)), set(first)


def link(edges: Edges, table: Table, nodes: Nodes, known: set[str], source: str) -> Links:
    """The links of an edge list: both directions of each edge, each once, none from a node to itself.

    Args:
        edges: Names the columns.
        table: One edge a row.
        nodes: The nodes that are left.
        known: The ids of all nodes; edges to those that were dropped are left out.
        source: What to call the nodes' source in messages.

    Raises:
        DataError: Fewer than two columns, an edge to a node that does not exist, a weight that is none, no edge.
        ParamsError: A column does not exist.
    """
    where, frame = table.where, table.frame.set_axis([str(name) for name in table.frame.columns], axis=1)
    if frame.shape[1] < 2:
        raise DataError(
            f"{where}: must have two columns, the nodes that an edge joins, got only '{frame.columns[0]}'; separate"
            " them by a comma or a tab."
        )
    ends = edges.ends or (str(frame.columns[0]), str(frame.columns[1]))
    _check_columns(edges, ends, list(frame.columns), where)
    index = pd.Index(nodes.ids)
    node_2E = np.empty((2, len(frame)), np.int64)
    for at, name in enumerate(ends):
        text = as_text(column(frame, name))
        strange = ~text.isin(known).to_numpy()
        if strange.any():
            row = int(strange.argmax())
            got = "is empty" if pd.isna(text.iloc[row]) else f"is '{text.iloc[row]}'"
            raise DataError(
                f"{where}: {place(text, row)}: column '{name}' must name a node of {source}, but {got}; add the node or"
                " remove the edge."
            )
        node_2E[at] = index.get_indexer(pd.Index(text))
    weight_E = _weights(frame, edges.weight, where)
    left_out, loop = (node_2E < 0).any(0), node_2E[0] == node_2E[1]
    used = np.flatnonzero(~left_out & ~loop)
    if not len(used):
        raise DataError(
            f"{where}: must hold at least one edge between two different nodes, got none in {len(frame)} rows."
        )
    low, high = np.sort(node_2E[:, used], axis=0)
    _, first, back = np.unique(low * len(index) + high, return_index=True, return_inverse=True)
    differs = weight_E[used] != weight_E[used[first]][back]
    if differs.any():
        row, other = int(used[differs.argmax()]), int(used[first][back[differs.argmax()]])
        first_end, second_end = (column(frame, name) for name in ends)
        raise DataError(
            f"{where}: {place(first_end, row)}: the edge between '{first_end.iloc[row]}' and '{second_end.iloc[row]}'"
            f" must have one weight, got {weight_E[row]:g} here and {weight_E[other]:g} in {place(first_end, other)}."
        )
    weight = np.concatenate([weight_E[used[first]]] * 2).astype(np.float32)
    one, other = np.concatenate([low[first], high[first]]), np.concatenate([high[first], low[first]])
    order = np.lexsort((other, one))
    told = {
        "nodes": len(index),
        "edges": len(first),
        "isolated": len(index) - len(np.unique(one)),
        "repeated": len(used) - len(first),
        "loops": int((loop & ~left_out).sum()),
        "left_out": int(left_out.sum()),
    }
    return Links({"row": one[order], "column": other[order], "weight": weight[order]}, told)


def note_links(told: Mapping[str, float]) -> list[str]:
    """What people are told of a graph."""
    notes = [f"{told['nodes']} nodes are joined by {told['edges']} edges."]
    said = {
        "isolated": "nodes have no edge: they are answered from their own columns alone.",
        "repeated": "edges are there more than once, in one direction or both; each counts once.",
        "loops": "edges go from a node to itself and are left out, since each node sees itself anyway.",
        "left_out": "edges are left out, since cleaning dropped a node that they join.",
    }
    notes += [f"{told[name]} {words}" for name, words in said.items() if told[name]]
    if "same_class" in told:
        notes.append(
            f"Of the edges within train {told['same_class']:.0%} join rows of one class, and {told['by_chance']:.0%} of"
            " all pairs of its rows are of one."
        )
    return notes


def count_same(links: Links, train: Mapping[str, np.ndarray], target: Target) -> dict[str, float]:
    """How far edges join rows of one class, by the rows of train alone; nothing where there are none or no classes."""
    if target.task not in ("binary", "multiclass"):
        return {}
    node_N, class_N = train["node"], train["target"].astype(np.int64)
    class_M = np.full(links.told["nodes"], -1, np.int64)
    class_M[node_N] = class_N
    one, other = class_M[links.arrays["row"]], class_M[links.arrays["column"]]
    inside = (one >= 0) & (other >= 0)
    if not inside.any():
        return {}
    share_C = np.bincount(class_N) / len(class_N)
    return {"same_class": float((one == other)[inside].mean()), "by_chance": float((share_C**2).sum())}


def rows_kept(parts: Mapping[SplitName, tuple[pd.DataFrame, str]], separate_test: bool) -> set[tuple[int, Any]]:
    """The rows of all splits, each as (place of its source, label)."""
    return {
        (int(separate_test and name == "test"), label) for name in SPLITS for label in parts[name][0].index.tolist()
    }


def _check_columns(edges: Edges, ends: tuple[str, str], names: list[str], where: str) -> None:
    if ends[0] == ends[1]:
        raise ParamsError(f"{WHERE}.ends must name two columns, got '{ends[0]}' twice.")
    for key, name in (("ends", ends[0]), ("ends", ends[1]), ("weight", edges.weight)):
        if name is not None and name not in names:
            guess = nearest(name, names)
            hint = f"did you mean '{guess}'?" if guess else f"the columns are {', '.join(names[:12])}."
            raise ParamsError(f"{WHERE}.{key}: {where} has no column '{name}'; {hint}")


def _weights(frame: pd.DataFrame, name: str | None, where: str) -> np.ndarray:
    if name is None:
        return np.ones(len(frame))
    values = column(frame, name)
    weight_E, _ = as_number(values)
    wrong = ~(np.isfinite(weight_E) & (weight_E > 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{where}: {place(values, row)}: column '{name}' must hold weights above 0, got '{values.iloc[row]}'."
        )
    return weight_E
