"""The nodes of a graph: rows of a table, by their ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from nnops.catalog import nearest
from nnops.data.kinds import Kind
from nnops.data.reader import Table
from nnops.data.values import as_text, column, place
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
