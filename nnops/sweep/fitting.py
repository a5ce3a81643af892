"""What fits itself to the width of a terminal: a table that leaves out columns rather than cut all, and pairs."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

#: Blanks between two columns or pairs.
GAP = 2


class FittingTable:
    """A table whose last columns give way where there is no room; how many, stands at the end of its header.

    Args:
        columns: Their names; the second one, of words, is aligned to the left.
        keep: So many of the first columns are always there.
    """

    def __init__(self, columns: Sequence[str], keep: int) -> None:
        self._columns, self._keep = list(columns), keep
        self._rows: list[tuple[list[Text], str]] = []

    def add_row(self, *cells: "str | Text", style: str = "") -> None:
        """Add a row; text may hold markup."""
        from rich.text import Text

        texts = [cell if isinstance(cell, Text) else Text.from_markup(cell) for cell in cells]
        self._rows.append((texts, style))

    def __len__(self) -> int:
        return len(self._rows)

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterable[RenderableType]":
        from rich.table import Table

        shown = self._fitting(options.max_width)
        left = len(self._columns) - shown
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, GAP, 0, 0))
        for place, name in enumerate(self._columns[:shown]):
            table.add_column(name, justify="left" if place == 1 else "right", no_wrap=True)
        if left:
            table.add_column(_more(left), no_wrap=True)
        for cells, style in self._rows:
            table.add_row(*cells[:shown], style=style)
        yield table

    def _fitting(self, width: int) -> int:
        """How many columns there is room for."""
        widths = [
            max([len(name), *(cells[place].cell_len for cells, _ in self._rows)])
            for place, name in enumerate(self._columns)
        ]
        shown = len(widths)
        while shown > self._keep:
            left = len(widths) - shown
            need = sum(widths[:shown]) + GAP * (shown - 1) + (GAP + len(_more(left)) if left else 0)
            if need <= width:
                break
            shown -= 1
        return shown


def _more(count: int) -> str:
    return f"+{count} more"


class Pairs:
    """Names with their values, as many to a line as there is room for; none is torn apart."""

    def __init__(self, pairs: Sequence[str], style: str = "") -> None:
        self._pairs, self._style = list(pairs), style

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterable[RenderableType]":
        from rich.text import Text

        lines: list[str] = []
        for pair in self._pairs:
            if lines and len(lines[-1]) + GAP + len(pair) <= options.max_width:
                lines[-1] += " " * GAP + pair
            else:
                lines.append(pair)
        yield Text("\n".join(lines), style=self._style)
