"""How the rows of a table are linked, found from a table of edges."""

from pathlib import Path
from typing import Any

import pandas as pd

from nnops.data.graph import read_edges
from nnops.data.reader import Table
from nnops.data.values import as_text, column
from nnops.errors import DataError
from nnops.params import Data, Edges, Named


def infer_edges(source: Named, nodes: Table, data: Data) -> dict[str, Any]:
    """Suggest ``data.edges``.

    Args:
        source: The table of edges, whose first two columns name rows.
        nodes: The rows.
        data: Names the target, which is no id.

    Returns:
        The section, with the column of the rows, a value of its own in each, that names the most ends of edges.

    Raises:
        DataError: It is no table of edges, or no column names an end of any.
    """
    table = read_edges(Edges(source=source, id="-"), Path())
    if table.frame.shape[1] < 2:
        raise DataError(f"{table.where}: must have two columns, the rows that an edge joins, got one.")
    frame = table.frame.set_axis([str(name) for name in table.frame.columns], axis=1)
    ends = pd.concat([as_text(column(frame, name)) for name in frame.columns[:2]]).dropna().unique()
    known: dict[str, int] = {}
    for name in map(str, nodes.frame.columns):
        ids = as_text(column(nodes.frame, name))
        if name != data.answer and ids.notna().all() and ids.is_unique:
            known[name] = int(ids.isin(ends).sum())
    best = max(known, key=lambda name: known[name], default=None)
    if best is None or not known[best]:
        example = f", such as '{ends[0]}'" if len(ends) else ""
        raise DataError(
            f"{table.where}: its first two columns must name rows of {nodes.where}{example}, but no column there, with"
            " a value of its own in each row, has any of these names."
        )
    return {"source": source.model_dump(mode="json"), "id": best}
