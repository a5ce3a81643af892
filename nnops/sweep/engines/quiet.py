"""Quiet: while it is entered, what others print goes to a log file instead of the terminal."""

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO


class Quiet:
    """Redirects ``sys.stdout`` and ``sys.stderr`` to a file.

    Args:
        path: The log file; appended to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loud: tuple[IO[str], IO[str]] | None = None
        self._file: IO[str] | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> "Quiet":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._file = stack.enter_context(self._path.open("a", encoding="utf-8"))
            self._loud = (sys.stdout, sys.stderr)
            sys.stdout = sys.stderr = self._file
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._loud is not None and self._file is not None:
                sys.stdout, sys.stderr = self._loud
                self._loud = None
                self._file.close()

    def aloud(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` with the streams as they were before."""
        with self._lock:
            if self._loud is None:
                tell()
                return
            hushed = (sys.stdout, sys.stderr)
            sys.stdout, sys.stderr = self._loud
            try:
                tell()
            finally:
                self._loud = (sys.stdout, sys.stderr)
                sys.stdout, sys.stderr = hushed
