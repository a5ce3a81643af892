"""Runs read back from the store: to list them, to compare them, and to make one again."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError
from nnops.params import Params
from nnops.tracking.address import chosen_uri, store_uri
from nnops.tracking.border import MissingError, border
from nnops.tracking.database import is_absent
from nnops.tracking.mlflow import UID, Store
from nnops.tracking.reach import check_reachable
from nnops.tracking.spool import is_under_way, wake_leftovers

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

#: The tag that tells a result of the pipeline from a study and a trial.
KIND = "nnops.kind"
#: So many characters of a run's id or fingerprint are enough to name it.
LEAST = 6


@dataclass(frozen=True)
class RunView:
    """A run as the store holds it.

    Attributes:
        run_id: MLflow's id.
        uid: The name that nnops gave it: a fingerprint, ``STUDY-ID`` or ``STUDY-ID/TRIAL``.
        name: What people see.
        kind: ``pipeline``, ``study``, ``trial``, or empty where nnops did not make it.
        state: ``FINISHED``, ``FAILED``, ``KILLED`` or ``RUNNING``.
        started_ms: In milliseconds since 1970.
        params: As text.
        metrics: The last value of each.
        tags: Those of nnops and MLflow.
    """

    run_id: str
    uid: str
    name: str
    kind: str
    state: str
    started_ms: int
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def note(self) -> str:
        """The description on its page."""
        return self.tags.get("mlflow.note.content", "")


class Runs:
    """The runs of a project's experiment.

    Args:
        params: ``tracking`` says where they are.
        root: The project's folder.

    A store is not made by being read. Every method raises a TrackingError where it does not answer.
    """

    def __init__(self, params: Params, root: Path) -> None:
        self._uri, self._experiment, self._root = store_uri(params, root), params.tracking.experiment, root
        self._target = {"uri": chosen_uri(params, root), "experiment": self._experiment}

    @cached_property
    def _store(self) -> Store:
        check_reachable(self._uri)
        return Store(self._uri, self._experiment, self._root)

    def all(self, *kinds: str, limit: int = 1000) -> list[RunView]:
        """Runs of these kinds, the newest first.

        Args:
            kinds: Nothing means all.
            limit: At most so many.
        """
        if is_absent(self._uri):
            return []
        tokens: str | None = None
        found: list[RunView] = []
        while len(found) < limit:
            with border("searching runs"):
                page: Any = self._store.client.search_runs(
                    [self._store.experiment_id],
                    order_by=["attributes.start_time DESC"],
                    max_results=min(1000, max(limit, 100)),
                    page_token=tokens,
                )
            found += [view for view in map(_view, page) if not kinds or view.kind in kinds]
            tokens = page.token
            if not tokens:
                break
        return found[:limit]

    def find(self, text: str) -> RunView:
        """The run that a user names: MLflow's id, a fingerprint, the beginning of one of them, or its uid.

        Raises:
            InputError: There is none, or several.
        """
        named = self.of(text) if _is_plain(text) else None
        if named is not None:
            return named
        if len(text) >= LEAST and text.isalnum():
            near = [run for run in self.all(limit=100_000) if run.run_id.startswith(text) or run.uid.startswith(text)]
            near = [run for run in near if run.kind != "trial" or run.run_id.startswith(text)]
            if len(near) == 1:
                return near[0]
            if near:
                names = ", ".join(run.run_id[:12] for run in near[:4])
                raise InputError(f"'{text}' begins {len(near)} runs ({names}); write more of the one that is meant.")
        raise InputError(
            f"there is no run '{text}'; write its id or fingerprint, or at least {LEAST} characters of one, as"
            " 'nnops run list' shows them."
        )

    def tagged(self, key: str, value: str) -> list[RunView]:
        """Runs with this tag, the oldest first; ``value`` is a hash or a plain word.

        Raises:
            InputError: It is no plain word.
        """
        if not _is_plain(value):
            raise InputError(f"a run is sought by letters, digits and . : / @ + - _, got '{value}'.")
        if is_absent(self._uri):
            return []
        with border("searching runs"):
            found = self._store.client.search_runs(
                [self._store.experiment_id], f"tags.`{key}` = '{value}'", order_by=["attributes.start_time ASC"]
            )
        return [_view(run) for run in found]

    def read(self, run_id: str) -> RunView:
        """A run by MLflow's id."""
        with border("reading a run"):
            return _view(self._store.client.get_run(run_id))

    def of(self, uid: str, wait_s: float = 120.0) -> RunView | None:
        """The run of a uid, or None where there is none; what was logged of it and is still under way is waited for.

        Args:
            uid: The run's.
            wait_s: How long, at most; a store that does not answer, or refuses to, is not waited for.
        """
        if is_under_way(uid, self._target, self._root):
            if not is_absent(self._uri):
                self._store.find(uid)
            wake_leftovers(self._root)
            deadline = time.monotonic() + wait_s
            while time.monotonic() < deadline and is_under_way(uid, self._target, self._root):
                time.sleep(0.1)
        run_id = None if is_absent(self._uri) else self._store.find(uid)
        return None if run_id is None else self.read(run_id)

    def file(self, run_id: str, path: str) -> bytes | None:
        """The content of one of a run's artifacts, or None where it has no such file."""
        folder = path.rpartition("/")[0]
        try:
            with border(f"looking for {path}"):
                listed = [entry.path for entry in self._store.client.list_artifacts(run_id, folder or None)]
        except MissingError:
            return None
        if path not in listed:
            return None
        with tempfile.TemporaryDirectory() as part, border(f"taking {path}"):
            return Path(self._store.client.download_artifacts(run_id, path, part)).read_bytes()

    def points(self, run_id: str, metric: str) -> dict[int, float]:
        """The values of a metric by step."""
        return self._store.points(run_id, metric)

    def mark(self, run_id: str, tags: Mapping[str, str], files: Mapping[str, bytes]) -> None:
        """Add tags and artifacts to a run that has ended.

        Args:
            run_id: The run.
            tags: Laid over what is there.
            files: Contents by path.
        """
        self._store.write(run_id, {}, tags, ())
        for path, content in files.items():
            folder, _, name = path.rpartition("/")
            with tempfile.TemporaryDirectory() as part:
                local = Path(part) / name
                local.write_bytes(content)
                self._store.artifact(run_id, local, folder)


def _view(run: "MlflowRun") -> RunView:
    tags: dict[str, str] = run.data.tags
    return RunView(
        run.info.run_id,
        tags.get(UID, ""),
        run.info.run_name or "",
        tags.get(KIND, ""),
        str(run.info.status),
        int(run.info.start_time or 0),
        run.data.params,
        run.data.metrics,
        tags,
    )


def _is_plain(text: str) -> bool:
    """Whether a text may stand in a search."""
    return bool(text) and all(letter.isalnum() or letter in ".:/@+-_" for letter in text)
