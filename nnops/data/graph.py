"""The links of a graph, from a table of edges.

Legend of shape suffixes: E pairs of an edge list, L links: pairs (node, neighbour), two for each edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnops.catalog import nearest
from nnops.data.nodes import WHERE, Nodes, number_nodes
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.reader import Reader, Table
from nnops.data.target import Target
from nnops.data.values import as_number, as_text, column, place
from nnops.errors import DataError, ParamsError
from nnops.params import Data, Edges


@dataclass(frozen=True)
class Links:
    """The links between nodes, in the order of the first node, then of the second.

    Attributes:
        arrays: ``row`` and ``column`` int64 ``[L]``, ``weight`` float32 ``[L]``; each edge stands in both directions.
        told: What the report says of them.
    """

    arrays: dict[str, np.ndarray]
    told: dict[str, int]


def edge_files(edges: Edges | None) -> dict[str, Path]:
    """The file that the edges come from, by path, from the project's folder."""
    path = edges.source.options.get("path") if edges else None
    return {path: Path(path)} if isinstance(path, str) else {}


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


def make_links(
    data: Data, edges: Table | None, every: Sequence[Table], parts: Mapping[SplitName, tuple[pd.DataFrame, str]]
) -> tuple[Nodes | None, Links | None]:
    """The nodes that the rows of all splits are and their links, where params name edges.

    Args:
        data: Says whether there are any.
        edges: One edge a row.
        every: The source of nodes, and perhaps that of test.
        parts: The rows of each split that cleaning left.

    Raises:
        DataError: See :func:`number_nodes` and :func:`link`.
        ParamsError: A column does not exist.
    """
    if data.edges is None or edges is None:
        return None, None
    kept = {
        (int(len(every) > 1 and name == "test"), label) for name in SPLITS for label in parts[name][0].index.tolist()
    }
    nodes, known = number_nodes(data.edges, every, kept)
    return nodes, link(data.edges, edges, nodes, known, " and ".join(one.where for one in every))


def report_links(report: dict[str, Any], links: Links | None, train: Mapping[str, np.ndarray], target: Target) -> None:
    """Put into the data report what is told of links, where there are any."""
    if links is None:
        return
    report["graph"] = links.told | count_same(links, train, target)
    report["notes"] += note_links(report["graph"])


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
