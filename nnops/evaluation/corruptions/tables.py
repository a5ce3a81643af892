"""Damage of tables: cells and columns that are missing, cells that belong to another row."""

from typing import ClassVar

import numpy as np

from nnops.evaluation.corruptions.base import Cell, Corruption, Ground, Inputs

#: Share of cells, or of columns, that are hit.
SHARE = (0.05, 0.1, 0.2, 0.3, 0.5)


class _Cells(Corruption):
    """Changes cells of a table."""

    inputs: ClassVar[tuple[str, ...]] = ("categories", "numeric")


class MissingCells(_Cells):
    """Cells anywhere are empty, and are filled as preparing fills them."""

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        found = _copies(inputs, ground)
        for cell in ground.cells:
            hit = generator.random(len(inputs[0])) < SHARE[severity - 1]
            found[cell.input][hit, cell.places] = cell.missing
        return tuple(found.values())


class MissingColumns(_Cells):
    """Whole columns are empty for a row, at least one: a sensor, a form's page, a service that did not answer."""

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        found, rows = _copies(inputs, ground), len(inputs[0])
        count = max(1, round(SHARE[severity - 1] * len(ground.cells)))
        # The same number for every row, drawn row by row: what is learnt of it is a mean over all sets of columns.
        rank = generator.random((rows, len(ground.cells))).argsort(1).argsort(1)
        for place, cell in enumerate(ground.cells):
            found[cell.input][rank[:, place] < count, cell.places] = cell.missing
        return tuple(found.values())


class SwappedCells(_Cells):
    """Cells hold what another row has there: typed into the wrong line, joined by the wrong key."""

    def apply(self, inputs: Inputs, severity: int, ground: Ground, generator: np.random.Generator) -> Inputs:
        """See :class:`Corruption`."""
        found, rows = _copies(inputs, ground), len(inputs[0])
        for cell in ground.cells:
            hit = generator.random(rows) < SHARE[severity - 1]
            other = generator.integers(0, rows, rows)
            found[cell.input][hit, cell.places] = _of(inputs, cell, ground)[other[hit]]
        return tuple(found.values())


def _copies(inputs: Inputs, ground: Ground) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in zip(ground.spec.inputs, inputs, strict=True)}


def _of(inputs: Inputs, cell: Cell, ground: Ground) -> np.ndarray:
    return inputs[ground.spec.inputs.index(cell.input)][:, cell.places]
