"""A sheet: one table that is shown on a terminal, as Markdown, as HTML or as JSON."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.table import Table

Form = Literal["table", "markdown", "html", "json"]
#: Blanks between columns of a terminal, and how wide a text is where it may go on in another line.
GAP, WRAPPED = 2, 34
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        title: What it shows.
        columns: Names of the columns.
        rows: One text for each column.
        marked: Cells (row, column) that matter: what differs, or the best of a row.
        numbers: Columns that are numbers, and stand on the right.
        spare: Columns that a narrow terminal can do without, what matters most last.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[tuple[int, int]] = frozenset()
    numbers: frozenset[int] = frozenset()
    spare: tuple[str, ...] = ()

    def without_empty(self) -> "Sheet":
        """The same without columns that say nothing."""
        return self._only([place for place in range(len(self.columns)) if any(row[place] for row in self.rows)])

    def _only(self, kept: list[int]) -> "Sheet":
        marked = frozenset((line, kept.index(place)) for line, place in self.marked if place in kept)
        numbers = frozenset(kept.index(place) for place in self.numbers if place in kept)
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return Sheet(self.title, tuple(self.columns[place] for place in kept), rows, marked, numbers, self.spare)

    def within(self, width: int) -> "Sheet":
        """The same with the spare columns that a terminal of this width has room for, long texts in several lines."""
        widths = [max(map(len, (name, *(row[place] for row in self.rows)))) for place, name in enumerate(self.columns)]
        spare = [self.columns.index(name) for name in self.spare if name in self.columns]
        room = width - sum(each + GAP for place, each in enumerate(widths) if place not in spare)
        left: list[int] = []
        for place in reversed(spare):
            needed = min(widths[place], WRAPPED) + GAP
            if needed <= room:
                room -= needed
            else:
                left.append(place)
        return self._only([place for place in range(len(self.columns)) if place not in left])

    def table(self) -> "Table":
        """For a terminal; marked cells are bold."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(
            title=self.title or None, title_justify="left", title_style="bold", box=None, padding=(0, GAP, 0, 0)
        )
        for place, name in enumerate(self.columns):
            side = "right" if place in self.numbers else "left"
            # The first column says which one is meant, so it is never cut.
            table.add_column(name, justify=side, header_style="dim", no_wrap=place == 0)
        for line, row in enumerate(self.rows):
            cells = (escape(cell) for cell in row)
            table.add_row(
                *(f"[bold]{cell}[/]" if (line, place) in self.marked else cell for place, cell in enumerate(cells))
            )
        return table

    def markdown(self) -> str:
        """A Markdown table under its title; marked cells are bold."""
        rule = ["---:" if place in self.numbers else "---" for place in range(len(self.columns))]
        lines = [f"### {self.title}", ""] if self.title else []
        lines += [f"| {' | '.join(self.columns)} |", f"|{'|'.join(rule)}|"]
        for line, row in enumerate(self.rows):
            cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in row)
            shown = (
                f"**{cell}**" if (line, place) in self.marked and cell else cell for place, cell in enumerate(cells)
            )
            lines.append(f"| {' | '.join(shown)} |")
        return "\n".join(lines) + "\n"

    def html(self) -> str:
        """An HTML section."""
        heads = "".join(f"<th{self._side(place)}>{html.escape(name)}</th>" for place, name in enumerate(self.columns))
        body: list[str] = []
        for line, row in enumerate(self.rows):
            cells = (
                f"<td{self._side(place, (line, place) in self.marked)}>{html.escape(cell)}</td>"
                for place, cell in enumerate(row)
            )
            body.append(f"<tr>{''.join(cells)}</tr>")
        title = f"<h2>{html.escape(self.title)}</h2>" if self.title else ""
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        return f'{title}<div class="scroll">{table}</div>'

    def _side(self, place: int, marked: bool = False) -> str:
        names = [name for name, holds in (("number", place in self.numbers), ("marked", marked)) if holds]
        return f' class="{" ".join(names)}"' if names else ""

    def to_json(self) -> list[dict[str, Any]]:
        """One object a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def page(title: str, sheets: list[Sheet]) -> str:
    """A page of sheets that needs no network and no script."""
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>",
            f"<h1>{html.escape(title)}</h1>",
            *(sheet.html() for sheet in sheets),
            "</main>\n</body>\n</html>\n",
        ]
    )
