"""The tracker that puts nothing down, for ``NNOPS_TRACKING=off``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnops.tracking.tracker import RunInfo, State


class NullRun:
    """A run that nobody will see."""

    def log(self, step: int, metrics: Mapping[str, float], timestamp_ms: int | None = None) -> None:
        """Nothing."""

    def numbers(self, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def tag(self, tags: Mapping[str, str]) -> None:
        """Nothing."""

    def note(self, markdown: str) -> None:
        """Nothing."""

    def file(self, path: Path, folder: str = "") -> None:
        """Nothing."""

    def dataset(self, name: str, digest: str, source: str, rows: int, columns: Mapping[str, str]) -> None:
        """Nothing."""

    def view(self, key: str, state: Mapping[str, Any]) -> None:
        """Nothing."""

    def finish(self, state: State, ended_ms: int | None = None) -> None:
        """Nothing."""


class NullTracker:
    """Opens runs that nobody will see."""

    def open(self, info: RunInfo) -> NullRun:
        """A run that takes everything and keeps nothing."""
        del info
        return NullRun()

    def close(self, wait_s: float = 0.0) -> bool:
        """Nothing was put down, so everything has arrived."""
        del wait_s
        return True
