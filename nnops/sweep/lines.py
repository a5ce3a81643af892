"""A sweep that runs, line by line: in words where the output is no terminal, every event as JSON for machines."""

import json
import time
from typing import TextIO

from nnops.number import short
from nnops.sweep.board import Board
from nnops.sweep.event import Closed, Ended, Event, Listener, Note, Opened, record
from nnops.sweep.words import counted, duration

#: Seconds between two lines of progress.
LINE_S = 10.0


def line(event: Event, board: Board) -> str | None:
    """A plain line for an event, or None where it is not worth one."""
    match event:
        case Opened():
            begin = f"goes on at {event.trials}" if event.resumed else "begins"
            limits = event.limits
            budget = f"{event.budget} trials" if event.budget else "no limit of trials"
            budget += f", {limits['epochs']:,} epochs" if limits.get("epochs") else ""
            return (
                f"{event.name} {begin}: {event.direction} {', '.join([event.metric, *event.others])}, {budget},"
                f" {event.sampler} + {event.pruner},"
                f" engine {event.engine} x {event.workers}"
            )
        case Ended(state="complete"):
            several = board.opened is not None and bool(board.opened.others)
            star = ("  on the front" if several else "  best so far") if event.best else ""
            names = board.opened.others if board.opened else ()
            others = "".join(f", {name} {short(event.measures.get(name))}" for name in names)
            what = "complete" if event.repeat is None else f"repeats trial {event.repeat}"
            return f"trial {event.number} {what}: {short(event.value, 6)}{others} in {duration(event.seconds)}{star}"
        case Ended(state="failed" | "infeasible"):
            return f"trial {event.number} {event.state}: {event.reason}"
        case Note():
            return event.text
        case Closed():
            counts = counted(event.trials, driven=False)
            best = f"; best {short(event.value, 6)} by trial {event.best}" if event.value is not None else ""
            why = f"{event.why}, {event.reason}" if event.why == "patience" else event.why
            return f"{event.name} is {event.state} ({why}) after {duration(event.seconds)}: {counts}{best}"
        case _:
            return None


def plain_lines(stream: TextIO) -> Listener:
    """A listener that prints what is worth a line, for people."""
    board = Board()
    last_s = time.monotonic()

    def listen(event: Event) -> None:
        nonlocal last_s
        board.take(event)
        text = line(event, board)
        now_s = time.monotonic()
        if text is None and now_s - last_s >= LINE_S and board.opened is not None:
            of = f"/{board.opened.budget}" if board.opened.budget else ""
            best = f", best {short(board.best.value, 6)} (trial {board.best.number})" if board.best else ""
            text = f"{board.ended}{of} trials, {len(board.running)} running{best}"
        if text is not None:
            last_s = now_s
            print(text, file=stream, flush=True)

    return listen


def json_lines(stream: TextIO) -> Listener:
    """A listener that prints every event as one line of JSON."""

    def listen(event: Event) -> None:
        print(json.dumps(record(event)), file=stream, flush=True)

    return listen
