"""The tracker that keeps everything in this process, for tests and notebooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnops.errors import TrackingError
from nnops.tracking.tracker import RunInfo, State, now_ms, param_text


@dataclass
class MemoryRun:
    """Everything that was said of one run.

    Attributes:
        info: As it was first opened.
        params: Text by dotted key.
        tags: Text by key; ``mlflow.note.content`` is the note.
        points: ``{metric: {step: (value, timestamp_ms)}}``.
        finals: Final numbers by name.
        files: Contents by path inside the run's artifacts.
        datasets: ``(name, digest, source, rows, columns)`` each.
        views: Views of the table of runs by key.
        state: ``RUNNING`` or how it ended.
        ended_ms: When it ended.
    """

    info: RunInfo
    params: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    points: dict[str, dict[int, tuple[float, int]]] = field(default_factory=dict[str, dict[int, tuple[float, int]]])
    finals: dict[str, float] = field(default_factory=dict[str, float])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    datasets: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    views: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    state: str = "RUNNING"
    ended_ms: int | None = None

    def log(self, step: int, metrics: Mapping[str, float], timestamp_ms: int | None = None) -> None:
        """Keep metrics of one step, unless the step was told before."""
        self._check_open()
        moment = now_ms() if timestamp_ms is None else timestamp_ms
        for name, value in metrics.items():
            self.points.setdefault(name, {}).setdefault(step, (float(value), moment))

    def numbers(self, metrics: Mapping[str, float]) -> None:
        """Keep final numbers."""
        self._check_open()
        self.finals |= {name: float(value) for name, value in metrics.items()}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Keep tags."""
        self._check_open()
        self.tags |= tags

    def note(self, markdown: str) -> None:
        """Keep the note."""
        self.tag({"mlflow.note.content": markdown})

    def file(self, path: Path, folder: str = "") -> None:
        """Keep a file's bytes."""
        self._check_open()
        if not path.is_file():
            raise TrackingError(f"{path}: there is no such file to track.")
        self.files[f"{folder}/{path.name}".lstrip("/")] = path.read_bytes()

    def dataset(self, name: str, digest: str, source: str, rows: int, columns: Mapping[str, str]) -> None:
        """Keep what data was used."""
        self._check_open()
        entry = (name, digest, source, rows, dict(columns))
        if entry not in self.datasets:
            self.datasets.append(entry)

    def view(self, key: str, state: Mapping[str, Any]) -> None:
        """Keep a view."""
        self._check_open()
        self.views[key] = dict(state)

    def finish(self, state: State, ended_ms: int | None = None) -> None:
        """Keep how it ended."""
        self._check_open()
        self.state, self.ended_ms = state, now_ms() if ended_ms is None else ended_ms

    def series(self, metric: str) -> list[tuple[int, float]]:
        """``(step, value)`` of one metric in the order of the steps."""
        return [(step, value) for step, (value, _) in sorted(self.points.get(metric, {}).items())]

    def _check_open(self) -> None:
        if self.state != "RUNNING":
            raise RuntimeError(f"run {self.info.uid} is finished; open its uid again to go on with it.")


class MemoryTracker:
    """Keeps runs by uid in :attr:`runs`."""

    def __init__(self) -> None:
        self.runs: dict[str, MemoryRun] = {}

    def open(self, info: RunInfo) -> MemoryRun:
        """Begin a run or go on with it."""
        run = self.runs.setdefault(info.uid, MemoryRun(info))
        run.params = {key: param_text(value) for key, value in info.params.items()} | run.params
        run.tags |= info.tags
        run.state, run.ended_ms = "RUNNING", None
        return run

    def close(self, wait_s: float = 0.0) -> bool:
        """Everything is here already."""
        del wait_s
        return True
