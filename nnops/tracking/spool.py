"""The tracker that is used: it appends to files in ``.nnops/spool``; a writer process sends them to MLflow.

Nothing here waits for a server, imports MLflow or flushes to the disk: a report costs one small write.
"""

import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnops.errors import TrackingError
from nnops.tracking.redact import redact_value
from nnops.tracking.segment import Segment, Source, ops_folder, segments
from nnops.tracking.tracker import RunInfo, State, now_ms, param_text
from nnops.tracking.wake import Manner, wake


def spool_folder(root: Path) -> Path:
    """Where the spool of a project lies."""
    return root / ".nnops" / "spool"


class SpoolRun:
    """A run whose words go into a segment."""

    def __init__(self, uid: str, segment: Segment) -> None:
        self._uid = uid
        self.segment = segment

    def log(self, step: int, metrics: Mapping[str, float], timestamp_ms: int | None = None) -> None:
        """Append metrics of one step."""
        moment = now_ms() if timestamp_ms is None else timestamp_ms
        self._append({"op": "log", "s": step, "t": moment, "m": {name: float(metrics[name]) for name in metrics}})

    def numbers(self, metrics: Mapping[str, float]) -> None:
        """Append final numbers."""
        self._append({"op": "numbers", "t": now_ms(), "m": {name: float(metrics[name]) for name in metrics}})

    def tag(self, tags: Mapping[str, str]) -> None:
        """Append tags."""
        self._append({"op": "tag", "tags": {key: str(value) for key, value in tags.items()}})

    def note(self, markdown: str) -> None:
        """Append the note."""
        self.tag({"mlflow.note.content": markdown})

    def file(self, path: Path, folder: str = "") -> None:
        """Copy a file into the spool and append its place."""
        self._check_open()
        self._append({"op": "file", "path": self.segment.stage(path), "folder": folder})

    def dataset(self, name: str, digest: str, source: str, rows: int, columns: Mapping[str, str]) -> None:
        """Append what data was used."""
        entry = {"name": name, "digest": digest, "source": source, "rows": rows, "columns": dict(columns)}
        self._append({"op": "dataset", **entry})

    def view(self, key: str, state: Mapping[str, Any]) -> None:
        """Append a view."""
        self._append({"op": "view", "key": key, "state": dict(state)})

    def finish(self, state: State, ended_ms: int | None = None) -> None:
        """Append how it ended, and close the segment."""
        self._append({"op": "finish", "state": state, "t": now_ms() if ended_ms is None else ended_ms})
        self.segment.close()

    def leave(self) -> None:
        """Close the segment with the run unfinished, for whoever opens its uid next."""
        if self.segment.open:
            self._append({"op": "leave"})
            self.segment.close()

    def _append(self, op: dict[str, object]) -> None:
        self._check_open()
        try:
            self.segment.append(op)
        except OSError as error:
            raise TrackingError(f"{self.segment.path}: cannot be written: {error.strerror}.") from error

    def _check_open(self) -> None:
        if not self.segment.open:
            raise RuntimeError(f"run {self._uid} is finished; open its uid again to go on with it.")


class SpoolTracker:
    """Writes runs into the spool of a project.

    Args:
        root: The project's folder.
        uri: The MLflow store that the runs are for; None means mlflow.db in the project.
        experiment: The MLflow experiment.
        manner: How the writer behaves.

    Attributes:
        target: ``uri`` and ``experiment``.
    """

    def __init__(
        self, root: Path, *, uri: str | None = None, experiment: str = "nnops", manner: Manner | None = None
    ) -> None:
        self.spool = spool_folder(root.resolve())
        self.target = {"uri": uri, "experiment": experiment}
        self._manner = manner or Manner()
        self._runs: list[SpoolRun] = []
        self._crowd = 256
        try:
            ops_folder(self.spool).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrackingError(f"{self.spool}: cannot be made: {error.strerror}.") from error
        wake_leftovers(root, self._manner)

    def open(self, info: RunInfo) -> SpoolRun:
        """Begin a segment, and start the writer unless it runs."""
        header = {
            "op": "open",
            "uid": info.uid,
            "name": info.name,
            "kind": info.kind,
            "parent": info.parent,
            "params": {key: redact_value(key, param_text(value)) for key, value in info.params.items()},
            "tags": _source() | {key: str(value) for key, value in info.tags.items()},
            "t": info.started_ms,
            "target": self.target,
        }
        try:
            run = SpoolRun(info.uid, Segment(self.spool, header))
        except OSError as error:
            raise TrackingError(f"{self.spool}: cannot be written: {error.strerror}.") from error
        self._runs.append(run)
        if len(self._runs) >= self._crowd:
            self._runs = [old for old in self._runs if old.segment.open or old.segment.path.exists()]
            self._crowd = 2 * len(self._runs) + 256
        wake(self.spool, self._manner)
        return run

    def close(self, wait_s: float = 0.0) -> bool:
        """Leave what is open, and wait for what this tracker wrote to arrive."""
        for run in self._runs:
            run.leave()
        deadline = time.monotonic() + wait_s
        while self._owed():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            wake(self.spool, self._manner)
            time.sleep(min(left_s, 0.02))
        self._runs.clear()
        return True

    def _owed(self) -> bool:
        return any(run.segment.path.exists() for run in self._runs)


def wake_leftovers(root: Path, manner: Manner | None = None) -> bool:
    """Start the writer where an earlier process left something unsent; cheap, so any command may call it.

    Returns:
        Whether something is still to be sent.
    """
    spool = spool_folder(root.resolve())
    with contextlib.suppress(FileNotFoundError):
        if segments(spool):
            wake(spool, manner or Manner())
            return True
    return False


def is_under_way(uid: str, target: Mapping[str, str | None], root: Path) -> bool:
    """Whether something that was said of a run is still to be sent, by nobody who goes on saying more.

    Args:
        uid: The run's.
        target: The store and the experiment that are asked about, as in :attr:`SpoolTracker.target`.
        root: The project's folder.
    """
    spool = spool_folder(root.resolve())
    with contextlib.suppress(FileNotFoundError):  # No spool, so nothing is in it.
        for name in segments(spool):
            # A segment that has just been delivered is gone; one with a damaged first line has no run.
            with contextlib.suppress(FileNotFoundError, ValueError):
                source = Source(ops_folder(spool) / name)
                if (source.header["uid"], source.header["target"]) == (uid, target) and not source.is_held:
                    return True
    return False


def _source() -> dict[str, str]:
    command = sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python"
    return {"mlflow.source.name": Path(command).name, "mlflow.source.type": "LOCAL"}
