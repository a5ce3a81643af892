"""MLflow, the one place where tracking speaks to it: finding, making and filling runs in one store.

Everything heavy is imported inside functions, so importing this module costs nothing.
"""

import contextlib
import getpass
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.params import Params
from nnops.tracking.address import artifact_root, is_database, shown, sqlite_path, store_uri
from nnops.tracking.border import DeletedError, RejectedError, border, configure
from nnops.tracking.database import prepare

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

#: The tag by which a run is found again.
UID = "nnops.uid"

Point = tuple[str, float, int, int]
"""A metric's name, value, time in milliseconds and step."""

_KEY_LENGTH = 250
_DIGEST_LENGTH = 16  # As much as the UI shows; the whole hash is a tag.
_SCHEMA_TYPES = {"numeric": "double", "categorical": "string", "date": "datetime"}


@dataclass(frozen=True)
class Found:
    """A run as the store shows it."""

    run_id: str
    status: str
    params: Mapping[str, str]
    alive: bool


def open_client(params: Params, root: Path) -> "MlflowClient":
    """A client of the project's store, which is made or brought up to date first.

    Raises:
        ParamsError: The address is wrong.
        TrackingError: The store cannot be opened.
    """
    return Store(store_uri(params, root), params.tracking.experiment, root).client


def find_run(uid: str, params: Params, root: Path) -> str | None:
    """The id of the MLflow run of ``uid``, or None where none has arrived.

    Raises:
        ParamsError: The address is wrong.
        TrackingError: The store does not answer.
    """
    return Store(store_uri(params, root), params.tracking.experiment, root).find(uid)


class Store:
    """One experiment of one MLflow store.

    Args:
        uri: The store's address.
        experiment: Its name; made where it is missing.
        root: The project's folder.

    Raises:
        TrackingError: The store does not answer.
    """

    def __init__(self, uri: str, experiment: str, root: Path) -> None:
        self.uri, self.experiment, self.root = uri, experiment, root
        with border("MLflow"):
            configure()
        prepare(uri, root)
        with border(f"the MLflow store {shown(uri)}"):
            from mlflow.tracking import MlflowClient

            self.client = MlflowClient(uri)

    @cached_property
    def experiment_id(self) -> str:
        """The experiment's id; the experiment is made where it is missing and restored where it was deleted."""
        from mlflow.exceptions import MlflowException

        with border(f"experiment '{self.experiment}'"):
            found = self.client.get_experiment_by_name(self.experiment)
            if found is None:
                location = None
                if is_database(self.uri):
                    location = str(artifact_root(self.uri, self.root) / _file_name(self.experiment))
                try:
                    return self.client.create_experiment(self.experiment, artifact_location=location)
                except MlflowException as error:
                    if error.error_code != "RESOURCE_ALREADY_EXISTS":
                        raise
                    found = self.client.get_experiment_by_name(self.experiment)
                    assert found is not None
            if found.lifecycle_stage != "active":
                self.client.restore_experiment(found.experiment_id)
            return found.experiment_id

    def find(self, uid: str) -> str | None:
        """The id of the run of a uid; of several, the one that began first."""
        with border("searching runs"):
            found = self.client.search_runs(
                [self.experiment_id],
                f"tags.`{UID}` = '{uid}'",
                order_by=["attributes.start_time ASC"],
                max_results=1,
            )
        return found[0].info.run_id if found else None

    def read(self, run_id: str) -> Found:
        """What the store knows of a run.

        Raises:
            MissingError: Nothing.
        """
        with border("reading a run"):
            run = self.client.get_run(run_id)
        return Found(run_id, run.info.status, run.data.params, run.info.lifecycle_stage == "active")

    def points(self, run_id: str, metric: str) -> dict[int, float]:
        """The value of a metric at each step; of several at one step, the latest."""
        with border("reading a metric"):
            history = self.client.get_metric_history(run_id, clean_key(metric))
        return {point.step: point.value for point in sorted(history, key=lambda point: point.timestamp)}

    def create(self, name: str, started_ms: int, tags: Mapping[str, str]) -> str:
        """Make a run and return its id."""
        with border("making a run"):
            whole = {"mlflow.user": _user()} | {clean_key(key): value for key, value in tags.items()}
            run = self.client.create_run(self.experiment_id, started_ms, whole, name)
        return run.info.run_id

    def write(
        self, run_id: str, params: Mapping[str, str], tags: Mapping[str, str], points: Iterable[Point]
    ) -> list[str]:
        """Write parameters, tags and metrics in as few calls as the store takes.

        Returns:
            What the store will never take, in words.

        Raises:
            DeletedError: Somebody deleted the run.
        """
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.utils.validation import MAX_ENTITIES_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

        words: list[Any] = [Param(clean_key(key), value) for key, value in params.items()]
        words += [RunTag(clean_key(key), value) for key, value in tags.items()]
        metrics = [Metric(clean_key(key), value, moment, step) for key, value, moment, step in points]
        rejected: list[str] = []
        while words or metrics:
            batch = words[:MAX_PARAMS_TAGS_PER_BATCH]
            batch += metrics[: MAX_ENTITIES_PER_BATCH - len(batch)]
            taken = min(len(words), MAX_PARAMS_TAGS_PER_BATCH)
            words, metrics = words[taken:], metrics[len(batch) - taken :]
            rejected += self._write_batch(run_id, batch)
        return rejected

    def artifact(self, run_id: str, path: Path, folder: str) -> None:
        """Put a file among a run's artifacts."""
        with border(f"sending {path.name}"):
            self.client.log_artifact(run_id, str(path), folder or None)

    def dataset(self, run_id: str, entry: Mapping[str, Any]) -> None:
        """Say what data a run used: ``name``, ``digest``, ``source``, ``rows``, ``columns``."""
        from mlflow.entities import Dataset, DatasetInput

        columns = [
            {"type": _SCHEMA_TYPES[kind], "name": name, "required": True}
            for name, kind in entry["columns"].items()
            if kind in _SCHEMA_TYPES
        ]
        dataset = Dataset(
            name=entry["name"][:500],
            digest=entry["digest"][:_DIGEST_LENGTH],
            source_type="local",
            source=json.dumps({"uri": entry["source"]}),
            schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
            profile=json.dumps({"num_rows": entry["rows"], "num_columns": len(entry["columns"])}),
        )
        with border("naming a data set"):
            self.client.log_inputs(run_id, [DatasetInput(dataset)])

    def view(self, key: str, state: Mapping[str, Any]) -> None:
        """Share a view of the experiment's table of runs, as the UI's own button does."""
        with border("sharing a view"):
            self.client.set_experiment_tag(self.experiment_id, f"mlflow.sharedViewState.{key}", json.dumps(state))

    def set_state(self, run_id: str, state: str, ended_ms: int | None = None) -> None:
        """Say that a run goes on (``RUNNING``) or how and when it ended."""
        with border("setting a run's state"):
            if state == "RUNNING":
                self.client.update_run(run_id, status=state)
            else:
                self.client.set_terminated(run_id, state, ended_ms)

    def analyze(self) -> None:
        """Let SQLite count its tables, without which it searches 10,000 runs in seconds instead of milliseconds."""
        path = sqlite_path(self.uri)
        if path is not None:
            with border("ANALYZE"), contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
                connection.execute("ANALYZE")

    def _write_batch(self, run_id: str, batch: Sequence[Any]) -> list[str]:
        """One call; where the store refuses it, its halves, down to what is refused for itself."""
        from mlflow.entities import Metric, Param, RunTag

        kinds: dict[Any, list[Any]] = {Metric: [], Param: [], RunTag: []}
        for entry in batch:
            kinds[type(entry)].append(entry)
        try:
            with border("writing a run"):
                self.client.log_batch(run_id, metrics=kinds[Metric], params=kinds[Param], tags=kinds[RunTag])
        except RejectedError as error:
            if not self.read(run_id).alive:
                raise DeletedError(f"MLflow: run {run_id} was deleted") from error
            if len(batch) == 1:
                return [f"{type(batch[0]).__name__.lower()} {batch[0].key}: {error}"]
            half = len(batch) // 2
            return self._write_batch(run_id, batch[:half]) + self._write_batch(run_id, batch[half:])
        return []


def clean_key(key: str) -> str:
    """A name that MLflow takes: other characters become ``_``, empty parts of a path go.

    >>> clean_key("f1[class 3]"), clean_key("/test//accuracy")
    ('f1_class 3_', 'test/accuracy')
    """
    key = re.sub(r"[^\w\-.: /]", "_", key)
    return "/".join(part for part in key.split("/") if part not in ("", ".", ".."))[:_KEY_LENGTH] or "_"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # No such user in this container.
        return "unknown"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w\-. ]", "_", name).strip(". ")[:100] or "_"
