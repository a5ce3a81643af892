"""The view of a sweep that runs: a live table on a terminal, plain lines elsewhere, silence for machines."""

import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nnops.sweep.event import Asked, Closed, Ended, Event, Listener, Note, Opened, Reported

#: Trials that have ended and are still shown.
LAST = 6
#: Redraws of the live table in a second.
REDRAWS_PER_S = 6
COLORS = {"complete": "green", "pruned": "yellow", "running": "cyan", "failed": "red", "infeasible": "magenta"}
BARS = "▁▂▃▄▅▆▇█"


@dataclass
class Row:
    """One trial as it is shown."""

    number: int
    config: Mapping[str, Any]
    epoch: int = 0
    value: float | None = None
    state: str = "running"
    reason: str | None = None


@dataclass
class View:
    """What a person wants to know of a running sweep, gathered from its events."""

    opened: Opened | None = None
    start_s: float = field(default_factory=time.monotonic)
    running: dict[int, Row] = field(default_factory=dict)
    last: "deque[Row]" = field(default_factory=lambda: deque(maxlen=LAST))
    ends: Counter[str] = field(default_factory=Counter)
    reached: Counter[int] = field(default_factory=Counter)
    stops: set[int] = field(default_factory=set)
    best: Row | None = None
    bests: list[float] = field(default_factory=list)
    notes: "deque[str]" = field(default_factory=lambda: deque(maxlen=3))
    ended_here: int = 0

    def __call__(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case Opened():
                self.opened = event
            case Asked():
                self.running[event.number] = Row(event.number, event.config)
            case Reported():
                self._report(event)
            case Ended():
                self._end(event)
            case Note():
                self.notes.append(event.text)
            case Closed():
                self.running.clear()

    def _report(self, event: Reported) -> None:
        row = self.running.get(event.number)
        if row is not None:
            row.epoch, row.value = event.epoch, event.value
        self.reached[event.epoch] += 1

    def _end(self, event: Ended) -> None:
        self.running.pop(event.number, None)
        row = Row(event.number, event.config, event.epochs, event.value, event.state, event.reason)
        self.last.append(row)
        self.ends[event.state] += 1
        self.ended_here += 1
        self.stops.add(event.epochs)
        if event.best:
            self.best = row
        if self.best is not None and self.best.value is not None:
            self.bests.append(self.best.value)

    @property
    def left_s(self) -> float | None:
        """Seconds that are likely left, once three trials have ended here."""
        opened = self.opened
        if opened is None or self.ended_here < 3:
            return None
        spent_s = time.monotonic() - self.start_s
        guesses: list[float] = []
        if opened.budget is not None:
            todo = opened.budget - opened.trials - self.ended_here
            guesses.append(max(todo, 0) * spent_s / self.ended_here)
        if opened.budget_s is not None:
            guesses.append(max(opened.budget_s - spent_s, 0.0))
        return min(guesses, default=None)

    def __rich__(self) -> RenderableType:
        """The live table."""
        if self.opened is None:
            return Text("starting ...", style="dim")
        parts: list[RenderableType] = [self._head(), self._bar(), Text()]
        parts += [self._best(), Text()]
        parts.append(self._trials())
        parts += [Text(f"! {note}", style="yellow", overflow="ellipsis", no_wrap=True) for note in self.notes]
        return Group(*parts)

    def _head(self) -> RenderableType:
        opened = self.opened
        assert opened is not None
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        left = "" if self.left_s is None else f", about {clock(self.left_s)} left"
        head.add_row(
            Text.assemble(
                (opened.name, "bold"), f"  {opened.direction} ", (opened.metric, "bold"),
                (f"  {opened.engine}, {opened.workers} worker{'s' * (opened.workers != 1)}", "dim"),
            ),
            Text(f"{clock(time.monotonic() - self.start_s)}{left}", style="dim"),
        )  # fmt: skip
        return head

    def _bar(self) -> RenderableType:
        opened = self.opened
        assert opened is not None
        before = opened.trials if opened.resumed else 0
        done = before + self.ended_here
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(ratio=1)
        line.add_column()
        total = opened.budget
        counts = Text("  ").join(
            Text(f"{count} {state}", style=COLORS[state])
            for state in ("complete", "pruned", "infeasible", "failed")
            if (count := self.ends[state])
        )
        bar = ProgressBar(total or 100, min(done, total) if total else 0, pulse=total is None, complete_style="cyan")
        line.add_row(bar, Text(f"{done}/{total or '?'} trials"))
        return Group(line, counts) if self.ends else line

    def _best(self) -> RenderableType:
        if self.best is None or self.best.value is None:
            return Text("best  none yet: no trial has reached its last epoch", style="dim")
        line = Text.assemble(
            ("best  ", "dim"), (f"{self.best.value:.6g}", "bold green"), f"  trial {self.best.number}  ",
            (spark(self.bests), "green"),
        )  # fmt: skip
        parts: list[RenderableType] = [
            line,
            Text(f"      {words(self.best.config)}", overflow="ellipsis", no_wrap=True),
        ]
        rungs = [epoch for epoch in sorted(self.stops) if self.reached[epoch]]
        if len(rungs) > 1:
            shown = rungs if len(rungs) <= 6 else [*rungs[:5], rungs[-1]]
            steps = "  ".join(f"epoch {epoch}: {self.reached[epoch]}" for epoch in shown)
            parts.append(Text.assemble(("trials that reached  ", "dim"), steps))
        return Group(*parts)

    def _trials(self) -> RenderableType:
        opened = self.opened
        assert opened is not None
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
        table.add_column("trial", justify="right")
        table.add_column("state")
        table.add_column("epoch", justify="right")
        table.add_column(opened.metric, justify="right")
        table.add_column("config", ratio=1, no_wrap=True, overflow="ellipsis")
        for row in [*reversed(self.last), *self.running.values()]:
            best = self.best is not None and row.number == self.best.number
            table.add_row(
                str(row.number),
                Text(row.state, style=COLORS.get(row.state, "")),
                f"{row.epoch}/{row.config.get('train.epochs', opened.epochs)}",
                "-" if row.value is None else f"{row.value:.6g}",
                row.reason or words(row.config),
                style="bold" if best else None,
            )
        return table


class Lines:
    """The view where the output is no terminal: one plain line for whatever matters."""

    def __init__(self) -> None:
        self._metric = ""
        self._epochs = 0

    def __call__(self, event: Event) -> None:
        """Print an event."""
        match event:
            case Opened():
                self._metric, self._epochs = event.metric, event.epochs
                goal = f"{event.budget} trials" if event.budget else "no limit of trials"
                verb = f"resumed after {event.trials} trials" if event.resumed else "started"
                print(
                    f"{event.name}: {verb}, {event.direction} {event.metric}, {goal},"
                    f" engine {event.engine}, {event.workers} workers",
                    flush=True,
                )
            case Ended():
                value = "" if event.value is None else f"  {self._metric} {event.value:.6g}"
                epochs = f"{event.epochs}/{event.config.get('train.epochs', self._epochs)} epochs"
                tail = event.reason or words(event.config)
                mark = "  best so far" if event.best else ""
                print(f"trial {event.number}  {event.state}  {epochs}{value}  {tail}{mark}", flush=True)
            case Note():
                print(f"note: {event.text}", flush=True)
            case Closed():
                counts = ", ".join(f"{count} {state}" for state, count in event.trials.items() if count)
                best = "" if event.value is None else f"; best {self._metric} {event.value:.6g}, trial {event.best}"
                print(f"{event.name}: {event.state} after {event.seconds:.1f} s: {counts}{best}", flush=True)
            case _:
                pass


@contextmanager
def open_view(*, json: bool = False) -> Iterator[Listener]:
    """The view that fits the output.

    Args:
        json: Nothing is shown: the caller prints a document at the end.
    """
    if json:
        yield lambda event: None
        return
    # Bound to the output as it is now: an engine may silence sys.stdout later.
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        yield Lines()
        return
    view = View()
    with Live(
        view,
        console=console,
        refresh_per_second=REDRAWS_PER_S,
        redirect_stdout=False,
        redirect_stderr=False,
        transient=False,
    ):
        yield view


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``.

    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def words(config: Mapping[str, Any]) -> str:
    """A config in a few words: the last part of each key, floats to three digits.

    >>> words({"train.optimizer.options.lr": 0.00123456, "train.batch_size": 32})
    'lr 0.00123  batch_size 32'
    """
    return "  ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in config.items())


def spark(values: list[float], width: int = 24) -> str:
    """The last values as little bars, lowest to highest.

    >>> spark([1.0, 2.0, 3.0])
    '▁▅█'
    """
    shown = values[-width:]
    low, high = min(shown, default=0.0), max(shown, default=0.0)
    if high == low:
        return ""
    return "".join(BARS[int((value - low) / (high - low) * (len(BARS) - 1) + 0.5)] for value in shown)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
