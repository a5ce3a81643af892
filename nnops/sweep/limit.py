"""What one trial may take: beyond it, its training ends and the trial is infeasible."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from nnops.errors import ParamsError, TrainingError
from nnops.params import Limit
from nnops.report import Report, ReportFn
from nnops.sweep.words import duration

#: A process that hangs is ended so long after its trial's time is up, so that an epoch that ends then can say so.
GRACE_S = 1.0
MIB = 1 << 20


class Watch:
    """Watches one training in this process; what it waits for its driver does not count.

    Args:
        limit: What the trial may take.
        alone: Whether the process is the trial's own, and may be ended with it.
    """

    def __init__(self, limit: Limit, alone: bool) -> None:
        self._limit, self._alone = limit, alone
        self._main = threading.current_thread() is threading.main_thread()
        self._spent_s = 0.0
        self._since_s = time.monotonic()

    @contextmanager
    def over(self, report: ReportFn) -> Iterator[ReportFn]:
        """Watch what happens inside.

        Args:
            report: Of the training.

        Yields:
            The report that the training shall call instead.

        Raises:
            TrainingError: The time is up: at the end of an epoch, or at once in the main thread of a process that
                is not the trial's own. A trial that hangs in a process of its own ends together with it.
        """

        def watched(moment: Report) -> bool:
            self._pause()
            self._check()
            answer = report(moment)
            self._go_on()
            return answer

        before = self._arm()
        try:
            with _memory(self._limit.memory_mib):
                self._go_on()
                try:
                    yield watched
                finally:
                    self._pause()
        finally:
            if before is not None:
                signal.signal(signal.SIGALRM, before)

    def _arm(self) -> "signal._HANDLER | None":
        if self._limit.seconds is None or not self._main:
            return None
        return signal.signal(signal.SIGALRM, signal.SIG_DFL if self._alone else self._interrupt)

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        raise TrainingError(_too_long(self._limit))

    def _pause(self) -> None:
        if self._limit.seconds is not None:
            if self._main or self._alone:
                signal.setitimer(signal.ITIMER_REAL, 0)
            self._spent_s += time.monotonic() - self._since_s

    def _go_on(self) -> None:
        self._since_s = time.monotonic()
        if self._limit.seconds is not None and (self._main or self._alone):
            left_s = max(self._limit.seconds - self._spent_s, 0.001)
            signal.setitimer(signal.ITIMER_REAL, left_s + GRACE_S * self._alone)

    def _check(self) -> None:
        if self._limit.seconds is not None and self._spent_s > self._limit.seconds:
            raise TrainingError(_too_long(self._limit))


def check_limit(limit: Limit) -> None:
    """Judge whether this system can keep trials to a limit.

    Raises:
        ParamsError: It cannot.
    """
    if limit.memory_mib is not None and not sys.platform.startswith("linux"):
        raise ParamsError("params.yaml: sweep.limit.memory_mib works on Linux alone; leave it out here.")
    if limit.time is not None and not hasattr(signal, "setitimer"):
        raise ParamsError("params.yaml: sweep.limit.time works on Linux and macOS alone; leave it out here.")


def too_long(limit_s: float) -> str:
    """Why a trial that took longer is infeasible."""
    return f"it took longer than sweep.limit.time, {duration(limit_s)}."


def _too_long(limit: Limit) -> str:
    return too_long(limit.seconds or 0.0)


@contextmanager
def _memory(limit_mib: int | None) -> Iterator[None]:
    """Let this process have so much more memory; what asks for more gets an error, which names the trial's config."""
    if limit_mib is None:
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    has = int(next(line for line in status.splitlines() if line.startswith("VmData")).split()[1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (has + limit_mib * MIB, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
