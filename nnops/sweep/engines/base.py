"""The interface of an engine."""

from collections.abc import Callable
from typing import Protocol

from nnops.sweep.conductor import Conductor
from nnops.sweep.trial import Bench


class Engine(Protocol):
    """Runs what the conductor hands out. It decides nothing and keeps nothing that a resume needs."""

    name: str
    workers: int

    def check(self) -> None:
        """Hold what a trial occupies against the machines, before anything starts.

        Raises:
            InputError: There is not so much.
        """
        ...

    def pack(self, each_bytes: int, base_bytes: int) -> str | None:
        """Where nobody said how many workers, hold no more than memory has room for; comes before :meth:`run`.

        Args:
            each_bytes: What one worker holds.
            base_bytes: What the engine holds beside.

        Returns:
            What was lowered and why, in a sentence, or None.
        """
        ...

    def start(self) -> None:
        """Begin to start, without waiting for it."""
        ...

    def run(self, conductor: Conductor, bench: Bench) -> None:
        """Run trials until the conductor is over.

        Raises:
            StudyError: The engine cannot go on.
        """
        ...

    def close(self, wait: bool = True) -> None:
        """End what :meth:`start` began.

        Args:
            wait: Whether to wait until it has ended.
        """
        ...

    def aloud(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` with standard output as the caller knows it, should the engine have silenced it."""
        ...
