"""Rows that are nodes of a graph, held against the graph that a bundle's network was trained on."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nnops.data.values import column, place
from nnops.errors import DataError

if TYPE_CHECKING:
    from nnops.data.preprocess import Preprocess

#: How far a scaled value may be from the one in the graph: another machine's rounding, no other value.
CLOSE = 1e-4
#: What :class:`nnops.models.graph.Graph` calls the starts of its rows.
ROWS = "start_S"


def check_as_trained(
    rows: pd.DataFrame, inputs: dict[str, np.ndarray], preprocess: "Preprocess", weights: Path
) -> None:
    """Check that rows say of their nodes what the graph says, which is what a network of a graph answers by.

    Args:
        rows: Raw rows.
        inputs: What the preprocessing made of them.
        preprocess: The fitted preprocessing.
        weights: The file of the weights, which holds the graph where the network looks at one.

    Raises:
        DataError: A value is another one.
    """
    from safetensors.numpy import load_file

    assert preprocess.nodes is not None
    held = load_file(weights)
    for kind in ("numeric", "categories"):
        # Beside the rows of the adjacency, whatever the part is called that holds them.
        name = next((f"{name[: -len(ROWS)]}{kind}" for name in held if name.endswith(ROWS)), kind)
        if name not in held:
            continue
        differs = np.abs(inputs[kind] - held[name][inputs["node"]]) > CLOSE
        if differs.any():
            row, at = (int(where) for where in np.argwhere(differs)[0])
            ids = column(rows, preprocess.nodes.name)
            told = preprocess.coded[at].name if kind == "categories" else preprocess.features[at]
            raise DataError(
                f"{place(ids, row)}: the node '{ids.iloc[row]}' has another {told} than in the graph that the model was"
                " trained on, by which it answers; give the row as it was, or train with the new one."
            )
