"""Coordinates: the numeric columns of a table that say together where a row is, by ``data.coordinates``."""

from collections.abc import Sequence

from nnops.catalog import unknown
from nnops.data.kinds import Kind
from nnops.errors import ParamsError
from nnops.params import Data

#: What columns are called that say where something is, lower case.
EAST, NORTH = {"lon", "long", "lng", "longitude"}, {"lat", "latitude"}


def find_coordinates(kinds: Sequence[Kind]) -> list[str]:
    """The numeric columns that are called longitude and latitude, where there is one of each; else none."""
    numeric = [kind.name for kind in kinds if kind.kind == "numeric"]
    found = [[name for name in numeric if name.strip().lower() in called] for called in (EAST, NORTH)]
    return [names[0] for names in found] if all(len(names) == 1 for names in found) else []


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
