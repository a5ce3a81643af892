"""The view of a sweep that runs: one live table in a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnops.number import short
from nnops.sweep.board import LAST, Board
from nnops.sweep.event import Listener
from nnops.sweep.fitting import FittingTable, Pairs
from nnops.sweep.insight import short_names
from nnops.sweep.lineage import in_force
from nnops.sweep.lines import json_lines, plain_lines
from nnops.sweep.show import STYLES, cell
from nnops.sweep.words import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Running trials that the table shows.
RUNNING = 8
#: Seconds between two drawings.
REFRESH_S = 0.25
BARS = " ▁▂▃▄▅▆▇█"


def draw(board: Board) -> "RenderableType":
    """The live table."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    opened = board.opened
    if opened is None:
        return Text("getting ready ...", style="dim")
    names = short_names(opened.keys)
    goal = ", ".join([f"{opened.direction} {opened.metric}", *opened.others])
    head = Table.grid(padding=(0, 3))
    head.add_column(no_wrap=not opened.others)
    head.add_column(style="dim")
    how = f"{opened.sampler} + {opened.pruner}, {opened.engine} x {opened.workers}"
    head.add_row(Text.assemble((opened.name, "bold"), ("   ", ""), goal), how)

    progress = Table.grid(padding=(0, 2))
    progress.add_column(min_width=4, max_width=30)
    for _ in range(3):
        progress.add_column(no_wrap=True)
    total = opened.budget
    of = f" of {total}" if total is not None else ""
    clock = duration(time.monotonic() - board.start_s)
    left = board.left_s
    if board.closed is None and left is not None:
        clock += f", about {duration(left)} left"
    progress.add_row(
        ProgressBar(total=total or 1, completed=board.ended, complete_style="green", finished_style="green"),
        Text(f"{board.ended}{of}"),
        _counts(board),
        Text(clock, style="dim"),
    )
    parts: list[RenderableType] = [head, progress]
    if board.best is not None:
        label = f"front of {board.front}, last  " if opened.others else "best  "
        best = Text.assemble((label, "dim"), (short(board.best.value, 6), "bold green"), f"  trial {board.best.number}")
        config = [f"{names.get(key, key)} {cell(value)}" for key, value in in_force(board.best.config).items()]
        line = Table.grid(padding=(0, 2))
        line.add_column(no_wrap=True)
        line.add_row(best, Pairs(config, style="green"))
        parts.append(line)
    rungs = _rungs(board)
    if rungs:
        parts.append(rungs)
    if board.running or board.last:
        table = FittingTable(("trial", "state", opened.metric, *opened.others, "epoch", *names.values()), keep=4)
        for number in list(board.running)[:RUNNING]:
            config, epoch, value = board.running[number]
            shown = short(value)
            full = config.get("train.epochs", opened.epochs)
            cells = [cell(in_force(config).get(key)) for key in names]
            state = f"repeats {board.repeats[number]}" if number in board.repeats else "running"
            blanks = ["-"] * len(opened.others)
            table.add_row(str(number), Text(state, style="cyan"), shown, *blanks, f"{epoch}/{full}", *cells)
        for event in list(board.last)[: LAST if board.closed is None else 0]:
            shown = short(event.value)
            style = "bold green" if event.best else STYLES[event.state]
            state = event.state if event.repeat is None else f"{event.state}, repeats {event.repeat}"
            cells = [cell(in_force(event.config).get(key)) for key in names]
            others = [short(event.measures.get(name)) for name in opened.others]
            table.add_row(str(event.number), Text(state, style=style), shown, *others, str(event.epochs), *cells)
        if len(table):
            parts += [Text(), table]
    elif board.closed is None and not board.ended:
        parts += [Text(), Text("workers are starting ...", style="dim")]
    parts += [Text(note, style="yellow") for note in board.notes]
    return Group(*parts)


@contextmanager
def open_view(*, json: bool = False) -> Iterator[Listener]:
    """Open the view that fits the output.

    Args:
        json: A machine reads. Its document is all that standard output holds, so events go to standard error.

    Yields:
        The listener for :func:`nnops.sweep.run.run_sweep`.
    """
    from rich.console import Console

    if json:
        yield json_lines(sys.stderr)
        return
    if not sys.stdout.isatty():
        yield plain_lines(sys.stdout)
        return
    from rich.live import Live

    console = Console(file=sys.stdout, highlight=False)
    board = Board()
    with Live(_Drawn(board), console=console, refresh_per_second=1 / REFRESH_S, redirect_stdout=False) as live:
        yield board.take
        live.update(draw(board), refresh=True)


class _Drawn:
    """Draws the board whenever rich refreshes, so that clocks go on between events."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def __rich__(self) -> "RenderableType":
        return draw(self._board)


def _counts(board: Board) -> Any:
    from rich.text import Text

    counts = board.counts | {"running": len(board.running)}
    told = [(f"{counts[state]} {state}", style) for state, style in STYLES.items() if counts[state]]
    told += [(f"{board.repeated} repeats", "magenta")] if board.repeats else []
    return Text("  ").join(Text(text, style=style) for text, style in told)


def _rungs(board: Board) -> Any:
    """How many trials reached each epoch, as a row of bars that fall where trials are stopped."""
    from rich.text import Text

    reached = board.reached
    if len(reached) < 2:
        return None
    most, step = reached[0], len(reached) // 61 + 1
    bars = "".join(BARS[max(1, round(8 * count / most))] for count in reached[::step])
    text = Text.assemble(("epochs reached  ", "dim"), (bars, "blue"))
    return text.append(f"  {most} at 1, {reached[-1]} at {len(reached)}", style="dim")
