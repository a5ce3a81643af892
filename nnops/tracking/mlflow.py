"""MLflow, the one place where tracking speaks to it: finding, making and filling runs in one store.

Everything heavy is imported inside functions, so importing this module costs nothing.
"""

import contextlib
import fcntl
import getpass
import json
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import TrackingError
from nnops.params import Params
from nnops.tracking.address import artifact_root, is_database, sqlite_path, store_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

#: The tag by which a run is found again.
UID = "nnops.uid"

Point = tuple[str, float, int, int]
"""A metric's name, value, time in milliseconds and step."""

_KEY_LENGTH = 250
_SCHEMA_TYPES = {"numeric": "double", "categorical": "string", "date": "datetime"}
_log = logging.getLogger(__name__)


class RejectedError(TrackingError):
    """The store answers, and will never take this record."""


class MissingError(TrackingError):
    """The store answers, and knows no such run."""


@dataclass(frozen=True)
class Found:
    """A run as the store shows it."""

    run_id: str
    status: str
    params: Mapping[str, str]
    alive: bool


def configure(timeout_s: int = 10, retries: int = 1) -> None:
    """Set MLflow up before its first import: no telemetry, short waits; what the user set stays."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout_s))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(retries))
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import mlflow as mlflow  # Its import sets its loggers up, which must be over before they are made quiet.

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


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


def prepare(uri: str, root: Path) -> None:
    """Make a database that is not there, or bring an older one up to date, safely from several processes at once.

    A new SQLite file is built beside its place and then renamed, so that a death in the middle leaves nothing behind;
    an old one is copied before its migration. Servers look after themselves.

    Raises:
        TrackingError: It cannot be opened.
    """
    if not is_database(uri):
        return
    path = sqlite_path(uri)
    folder = root / ".nnops"
    with _border(f"the MLflow store {_shown(uri)}"), _locked(folder / "mlflow.lock"):
        if path is None:
            _build(uri, artifact_root(uri, root))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_size == 0:
            part = folder / f"mlflow-{os.getpid()}.part"
            try:
                _build(f"sqlite:///{part.resolve()}", artifact_root(uri, root))
                shutil.move(part, path)
            finally:
                part.unlink(missing_ok=True)
        else:
            _migrate(uri, path)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


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
        with _border("MLflow"):
            configure()
        prepare(uri, root)
        with _border(f"the MLflow store {_shown(uri)}"):
            from mlflow.tracking import MlflowClient

            self.client = MlflowClient(uri)

    @cached_property
    def experiment_id(self) -> str:
        """The experiment's id; the experiment is made where it is missing and restored where it was deleted."""
        from mlflow.exceptions import MlflowException

        with _border(f"experiment '{self.experiment}'"):
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
        with _border("searching runs"):
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
        with _border("reading a run"):
            run = self.client.get_run(run_id)
        return Found(run_id, run.info.status, run.data.params, run.info.lifecycle_stage == "active")

    def points(self, run_id: str, metric: str) -> dict[int, float]:
        """The value of a metric at each step; of several at one step, the latest."""
        with _border("reading a metric"):
            history = self.client.get_metric_history(run_id, clean_key(metric))
        return {point.step: point.value for point in sorted(history, key=lambda point: point.timestamp)}

    def create(self, name: str, started_ms: int, tags: Mapping[str, str]) -> str:
        """Make a run and return its id."""
        with _border("making a run"):
            whole = {"mlflow.user": _user()} | {clean_key(key): value for key, value in tags.items()}
            run = self.client.create_run(self.experiment_id, started_ms, whole, name)
        return run.info.run_id

    def write(
        self, run_id: str, params: Mapping[str, str], tags: Mapping[str, str], points: Iterable[Point]
    ) -> list[str]:
        """Write parameters, tags and metrics in as few calls as the store takes.

        Returns:
            What the store will never take, in words.
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
        with _border(f"sending {path.name}"):
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
            digest=entry["digest"][:36],
            source_type="local",
            source=json.dumps({"uri": entry["source"]}),
            schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
            profile=json.dumps({"num_rows": entry["rows"], "num_columns": len(entry["columns"])}),
        )
        with _border("naming a data set"):
            self.client.log_inputs(run_id, [DatasetInput(dataset)])

    def set_state(self, run_id: str, state: str, ended_ms: int | None = None) -> None:
        """Say that a run goes on (``RUNNING``) or how and when it ended."""
        with _border("setting a run's state"):
            if state == "RUNNING":
                self.client.update_run(run_id, status=state)
            else:
                self.client.set_terminated(run_id, state, ended_ms)

    def analyze(self) -> None:
        """Let SQLite count its tables, without which it searches 10,000 runs in seconds instead of milliseconds."""
        path = sqlite_path(self.uri)
        if path is not None:
            with _border("ANALYZE"), contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
                connection.execute("ANALYZE")

    def _write_batch(self, run_id: str, batch: Sequence[Any]) -> list[str]:
        """One call; where the store refuses it, its halves, down to what is refused for itself."""
        from mlflow.entities import Metric, Param, RunTag

        kinds: dict[Any, list[Any]] = {Metric: [], Param: [], RunTag: []}
        for entry in batch:
            kinds[type(entry)].append(entry)
        try:
            with _border("writing a run"):
                self.client.log_batch(run_id, metrics=kinds[Metric], params=kinds[Param], tags=kinds[RunTag])
        except RejectedError as error:
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


@contextlib.contextmanager
def _border(action: str) -> Generator[None]:
    """Turn whatever MLflow and the libraries under it raise into one of three errors."""
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:  # Stores and artifact stores are plug-ins: any library's errors come out here.
        code = getattr(error, "error_code", None)
        kind = {"INVALID_PARAMETER_VALUE": RejectedError, "RESOURCE_DOES_NOT_EXIST": MissingError}.get(code or "")
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise (kind or TrackingError)(f"MLflow: {action}: {reason}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _build(uri: str, artifacts: Path) -> None:
    """Make the tables and the default experiment; opens what has them already."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(uri, str(artifacts)).engine.dispose()


def _migrate(uri: str, path: Path) -> None:
    """Bring an older SQLite store up to date, after a copy of it was put beside it."""
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine_with_retry(uri)
    try:
        version = utils._get_schema_version(engine)
        if version not in (None, utils._get_latest_schema_revision()):
            copy = path.with_name(f"{path.name}.{version}.backup")
            with contextlib.closing(sqlite3.connect(path)) as old, contextlib.closing(sqlite3.connect(copy)) as new:
                old.backup(new)
            _log.info("%s has MLflow's schema %s; a copy is in %s", path.name, version, copy.name)
            utils._upgrade_db(engine)
    finally:
        engine.dispose()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # No such user in this container.
        return "unknown"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w\-. ]", "_", name).strip(". ")[:100] or "_"


def _shown(uri: str) -> str:
    """An address without its password."""
    return re.sub(r"//[^@/]*@", "//", uri)
