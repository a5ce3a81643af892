"""The view of a sweep that runs: one live table in a terminal, plain lines elsewhere, nothing for machines."""

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnops.sweep.event import Asked, Closed, Ended, Event, Listener, Note, Opened, Reported
from nnops.sweep.insight import short_names
from nnops.sweep.show import STYLES, cell
from nnops.sweep.words import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Ended trials that the table keeps in sight.
LAST = 8
#: Running trials that the table shows.
RUNNING = 8
#: Seconds between two drawings.
REFRESH_S = 0.25
#: Seconds between two plain lines of progress.
LINE_S = 10.0
BARS = " ▁▂▃▄▅▆▇█"


class Board:
    """What the view remembers of a sweep."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.closed: Closed | None = None
        self.start_s = time.monotonic()
        self.running: dict[int, tuple[Mapping[str, Any], int, float | None]] = {}
        self.counts = dict.fromkeys(STYLES, 0)
        self.last: deque[Ended] = deque(maxlen=LAST)
        self.best: Ended | None = None
        self.notes: deque[str] = deque(maxlen=3)
        self.reached: dict[int, int] = {}
        self.epochs = 0
        self.epoch_s = 0.0

    def take(self, event: Event) -> None:
        """Remember an event."""
        match event:
            case Opened():
                self.opened = event
                self.start_s = time.monotonic()
                for state, count in event.counts.items():
                    self.counts[state] = 0 if state == "running" else count
                if event.best is not None:
                    self.best = event.best
            case Asked():
                self.running[event.number] = (event.config, 0, None)
            case Reported():
                config = self.running[event.number][0] if event.number in self.running else {}
                self.running[event.number] = (config, event.epoch, event.value)
                if not event.replayed:
                    self.reached[event.epoch] = self.reached.get(event.epoch, 0) + 1
                    self.epochs += 1
                    self.epoch_s += event.seconds
            case Ended():
                self.running.pop(event.number, None)
                self.counts[event.state] += 1
                self.last.appendleft(event)
                if event.best:
                    self.best = event
            case Note():
                self.notes.append(event.text)
            case Closed():
                self.closed = event

    @property
    def ended(self) -> int:
        """Trials with a final state."""
        return sum(self.counts.values())

    @property
    def left_s(self) -> float | None:
        """Seconds left, reckoned from what was done since the sweep began or went on."""
        if self.opened is None or not self.reached:
            return None
        done = self.ended - sum(self.opened.counts[state] for state in STYLES if state != "running")
        lefts: list[float] = []
        if self.opened.budget is not None and done >= 3:
            lefts.append((time.monotonic() - self.start_s) / done * (self.opened.budget - self.ended))
        if self.opened.budget_s is not None:
            lefts.append(self.opened.budget_s - self.opened.spent_s - (time.monotonic() - self.start_s))
        return max(0.0, min(lefts)) if lefts else None


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
    head = Text.assemble((opened.name, "bold"), ("   ", ""), f"{opened.direction} {opened.metric}", ("   ", ""))
    head.append(f"{opened.sampler} + {opened.pruner}, {opened.engine} x {opened.workers}", style="dim")

    progress = Table.grid(padding=(0, 2))
    total = opened.budget
    of = f" of {total}" if total is not None else ""
    clock = duration(time.monotonic() - board.start_s)
    left = board.left_s
    if board.closed is None and left is not None:
        clock += f", about {duration(left)} left"
    progress.add_row(
        ProgressBar(total=total or 1, completed=board.ended, width=30, complete_style="green", finished_style="green"),
        Text(f"{board.ended}{of}"),
        _counts(board),
        Text(clock, style="dim"),
    )
    parts: list[RenderableType] = [head, progress]
    if board.best is not None:
        best = Text.assemble(
            ("best  ", "dim"), (f"{board.best.value:.6g}", "bold green"), f"  trial {board.best.number}  "
        )
        best.append(_config(board.best.config, names), style="green")
        parts.append(best)
    rungs = _rungs(board)
    if rungs:
        parts.append(rungs)
    if board.running or board.last:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("trial", "state", opened.metric, "epoch", *names.values()):
            table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
        for number in list(board.running)[:RUNNING]:
            config, epoch, value = board.running[number]
            shown = "-" if value is None else f"{value:.5g}"
            full = config.get("train.epochs", opened.epochs)
            cells = [cell(config.get(key)) for key in names]
            table.add_row(str(number), Text("running", style="cyan"), shown, f"{epoch}/{full}", *cells)
        for event in list(board.last)[: LAST if board.closed is None else 0]:
            shown = "-" if event.value is None else f"{event.value:.5g}"
            style = "bold green" if event.best else STYLES[event.state]
            cells = [cell(event.config.get(key)) for key in names]
            table.add_row(str(event.number), Text(event.state, style=style), shown, str(event.epochs), *cells)
        if table.row_count:
            parts += [Text(), table]
    parts += [Text(note, style="yellow") for note in board.notes]
    return Group(*parts)


def line(event: Event, board: Board) -> str | None:
    """A plain line for an event, or None where it is not worth one."""
    match event:
        case Opened():
            begin = f"goes on at {event.trials}" if event.resumed else "begins"
            budget = f"{event.budget} trials" if event.budget else "no limit of trials"
            return (
                f"{event.name} {begin}: {event.direction} {event.metric}, {budget}, {event.sampler} + {event.pruner},"
                f" engine {event.engine} x {event.workers}"
            )
        case Ended(state="complete"):
            star = "  best so far" if event.best else ""
            return f"trial {event.number} complete: {event.value:.6g} in {duration(event.seconds)}{star}"
        case Ended(state="failed" | "infeasible"):
            return f"trial {event.number} {event.state}: {event.reason}"
        case Note():
            return event.text
        case Closed():
            counts = ", ".join(f"{count} {state}" for state, count in event.trials.items() if count)
            best = f"; best {event.value:.6g} by trial {event.best}" if event.value is not None else ""
            return f"{event.name} is {event.state} ({event.why}) after {duration(event.seconds)}: {counts}{best}"
        case _:
            return None


@contextmanager
def open_view(*, json: bool = False) -> Iterator[Listener]:
    """Open the view that fits the output.

    Args:
        json: Standard output belongs to a machine; then nothing is shown on it, and plain lines go to standard error.

    Yields:
        The listener for :func:`nnops.sweep.run.run_sweep`.
    """
    from rich.console import Console

    if json or not sys.stdout.isatty():
        yield _plain(sys.stderr if json else sys.stdout)
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


def _plain(stream: Any) -> Listener:
    board = Board()
    last_s = time.monotonic()

    def listen(event: Event) -> None:
        nonlocal last_s
        board.take(event)
        text = line(event, board)
        now_s = time.monotonic()
        if text is None and now_s - last_s >= LINE_S and board.opened is not None:
            of = f"/{board.opened.budget}" if board.opened.budget else ""
            best = f", best {board.best.value:.6g} (trial {board.best.number})" if board.best else ""
            text = f"{board.ended}{of} trials, {len(board.running)} running{best}"
        if text is not None:
            last_s = now_s
            print(text, file=stream, flush=True)

    return listen


def _counts(board: Board) -> Any:
    from rich.text import Text

    text = Text()
    running = len(board.running)
    for state, style in STYLES.items():
        count = running if state == "running" else board.counts[state]
        if count:
            text.append(f"{count} {state}  ", style=style)
    return text


def _rungs(board: Board) -> Any:
    """How many trials reached each epoch, as a row of bars that fall where trials are stopped."""
    from rich.text import Text

    if len(board.reached) < 2:
        return None
    last = max(board.reached)
    most = max(board.reached.values())
    shown = range(1, last + 1) if last <= 60 else range(1, last + 1, last // 60 + 1)
    bars = "".join(BARS[max(1, round(8 * board.reached.get(epoch, 0) / most))] for epoch in shown)
    text = Text.assemble(("epochs reached  ", "dim"), (bars, "blue"))
    return text.append(f"  {most} at 1, {board.reached[last]} at {last}", style="dim")


def _config(config: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return "  ".join(f"{names.get(key, key)} {cell(value)}" for key, value in config.items())
