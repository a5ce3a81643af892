"""Durations and sizes in words, for people."""

import math
from collections.abc import Mapping


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(0.0123), duration(42), duration(200), duration(9000)
    ('12 ms', '42 s', '3 min 20 s', '2 h 30 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def size(count: float) -> str:
    """Bytes in words.

    >>> size(900), size(2_500_000)
    ('900 B', '2.5 MB')
    """
    if count < 1000:
        return f"{count:.0f} B"
    power = min(int(math.log10(count) // 3), 4)
    return f"{count / 1000**power:.1f} {' kMGT'[power]}B"


def counted(trials: Mapping[str, int], driven: bool) -> str:
    """Trials by state; one that is open runs only where somebody drives its study.

    >>> counted({"complete": 3, "failed": 0, "running": 1}, driven=False)
    '3 complete, 1 unfinished'
    """
    return ", ".join(f"{count} {state_word(state, driven)}" for state, count in trials.items() if count)


def state_word(state: str, driven: bool) -> str:
    """A trial's state for people."""
    return "unfinished" if state == "running" and not driven else state
