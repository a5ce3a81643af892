"""What a tracker is: the interface that MLflow's spool and its in-process twins share.

    tracker = open_tracker(params, root)
    run = tracker.open(RunInfo(uid="…", name="digits", kind="pipeline"))
    run.log(step=1, metrics={"val_loss": 0.3})
    run.finish("FINISHED")
    tracker.close(wait_s=10)

Opening a uid again goes on with the same run: what was said before may be said again. A point ``(metric, step)`` and
a parameter keep the first value that they were given; final numbers and tags keep the last one.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

Kind = Literal["pipeline", "study", "trial"]
State = Literal["FINISHED", "FAILED", "KILLED"]

_UID = re.compile(r"[\w.:/@+-]{1,250}")


def now_ms() -> int:
    """The time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class RunInfo:
    """What a run is from its first moment.

    Attributes:
        uid: Its name for ever, such as a fingerprint or ``STUDY/7``; letters, digits and ``. : / @ + - _``.
        name: What people see.
        kind: A result of the pipeline, a study, or one of a study's trials.
        parent: The uid of the run that it stands under.
        params: Dotted keys to values; lists are allowed.
        tags: Words about the run; keys that begin with ``mlflow.`` mean something to MLflow.
        started_ms: When it began, in milliseconds since 1970.
    """

    uid: str
    name: str
    kind: Kind
    parent: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    started_ms: int = field(default_factory=now_ms)

    def __post_init__(self) -> None:
        for uid in (self.uid, self.parent):
            if uid is not None and not _UID.fullmatch(uid):
                raise ValueError(f"a run's uid must be 1 to 250 letters, digits or . : / @ + - _, got {uid!r}.")


@runtime_checkable
class Run(Protocol):
    """One run, open for writing. Nothing here waits for a server."""

    def log(self, step: int, metrics: Mapping[str, float], timestamp_ms: int | None = None) -> None:
        """Put down metrics of one step, such as an epoch; values may be NaN or infinite."""
        ...

    def numbers(self, metrics: Mapping[str, float]) -> None:
        """Put down final numbers that belong to no step, such as test metrics."""
        ...

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags; a later value replaces an earlier one."""
        ...

    def note(self, markdown: str) -> None:
        """Set the description that is shown on the run's page."""
        ...

    def file(self, path: Path, folder: str = "") -> None:
        """Add a copy of a file, as it is now, to the run's artifacts, in ``folder``.

        Raises:
            TrackingError: There is no such file.
        """
        ...

    def dataset(self, name: str, digest: str, source: str, rows: int, columns: Mapping[str, str]) -> None:
        """Say what data the run used.

        Args:
            name: What people call it.
            digest: Its hash, in hexadecimal.
            source: Where it came from: a path or an address.
            rows: How many rows it has.
            columns: The kind of each column: ``numeric``, ``categorical``, ``date``, ``image``.
        """
        ...

    def view(self, key: str, state: Mapping[str, Any]) -> None:
        """Keep a way to look at the table of all runs, which a link opens by its key (see :mod:`nnops.tracking.link`).

        Args:
            key: Its name; letters, digits and ``-``.
            state: As MLflow's UI shares it: ``searchFilter``, ``orderByKey``, ``orderByAsc``, ``selectedColumns``.
        """
        ...

    def finish(self, state: State, ended_ms: int | None = None) -> None:
        """Say how the run ended; nothing may be put down after it until the uid is opened again."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Where runs are put down."""

    def open(self, info: RunInfo) -> Run:
        """Begin a run, or go on with the run of this uid."""
        ...

    def close(self, wait_s: float = 0.0) -> bool:
        """Stop writing. Runs that were not finished stay open for whoever opens their uid next.

        Args:
            wait_s: How long to wait, at most, until everything has arrived, in seconds.

        Returns:
            Whether everything has arrived; what has not, will later.
        """
        ...


def param_text(value: Any) -> str:
    """A parameter's value as text, the way params.yaml writes it.

    >>> param_text("adam"), param_text(0.001), param_text(True), param_text([128, 64])
    ('adam', '0.001', 'true', '[128, 64]')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
