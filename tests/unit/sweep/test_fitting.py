"""What fits itself to the width of a terminal."""

import io

import pytest
from rich.console import Console

from nnops.sweep.fitting import FittingTable, Pairs


def lines_of(renderable: object, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.fixture
def table() -> FittingTable:
    table = FittingTable(["trial", "state", "value", "lr", "batch_size"], keep=3)
    table.add_row("7", "[green]complete[/]", "0.5", "0.00123", "64")
    table.add_row("11", "pruned", "0.25", "0.1", "128")
    return table


def test_all_columns_where_there_is_room(table: FittingTable) -> None:
    assert lines_of(table, 80) == [
        "trial  state     value       lr  batch_size",
        "    7  complete    0.5  0.00123          64",
        "   11  pruned     0.25      0.1         128",
    ]
    assert lines_of(table, 43) == lines_of(table, 80)


def test_the_last_ones_give_way_and_none_is_cut(table: FittingTable) -> None:
    assert lines_of(table, 42) == [
        "trial  state     value       lr  +1 more",
        "    7  complete    0.5  0.00123",
        "   11  pruned     0.25      0.1",
    ]
    assert lines_of(table, 31)[0] == "trial  state     value  +2 more"


def test_pairs_are_not_torn_apart() -> None:
    pairs = Pairs(["hidden [128, 64]", "lr 0.001", "dropout 0.1"])
    assert lines_of(pairs, 80) == ["hidden [128, 64]  lr 0.001  dropout 0.1"]
    assert lines_of(pairs, 26) == ["hidden [128, 64]  lr 0.001", "dropout 0.1"]
    assert lines_of(pairs, 25) == ["hidden [128, 64]", "lr 0.001  dropout 0.1"]
