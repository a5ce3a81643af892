"""Coordinates: the numeric columns of a table that say together where a row is, by ``data.coordinates``."""

from collections.abc import Sequence

from nnops.catalog import unknown
from nnops.data.kinds import Kind
from nnops.errors import ParamsError
from nnops.params import Data


def check_coordinates(data: Data, kinds: Sequence[Kind], where: str) -> None:
    """Check that the columns are there, and numeric.

    Raises:
        ParamsError: One is not; the nearest numeric column is named.
    """
    numeric = [kind.name for kind in kinds if kind.kind == "numeric"]
    for name in data.coordinates:
        if name not in numeric:
            raise ParamsError(f"params.yaml: data.coordinates: {where}: {unknown('numeric column', name, numeric)}")


def refuse_coordinates(data: Data, what: str) -> None:
    """Refuse coordinates of data that have no columns.

    Raises:
        ParamsError: ``data.coordinates`` names some.
    """
    if data.coordinates:
        raise ParamsError(f"params.yaml: data.coordinates: they are columns of a table, got {what}; leave it out.")
