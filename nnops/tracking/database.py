"""The database of a project's runs: made, or brought up to date, before anything else touches it.

Several processes that let MLflow make a SQLite file at once leave a file that none of them can use.
"""

import contextlib
import fcntl
import logging
import shutil
import sqlite3
from collections.abc import Generator
from pathlib import Path

from nnops.tracking.address import artifact_root, is_database, quote_path, shown, sqlite_path
from nnops.tracking.border import DamagedError, border

_log = logging.getLogger(__name__)


def check_file(uri: str) -> None:
    """Judge a store that is a SQLite file by its tables; one that is not there yet, or empty, can be made.

    SQLite itself is asked: to open and close the file here would drop the locks that this process holds on it by
    SQLite, and others would then delete what it writes (sqlite.org/howtocorrupt.html, 2.2).

    Raises:
        DamagedError: It is something else.
    """
    path = sqlite_path(uri)
    if path is None or not path.exists():
        return
    if path.is_file():
        try:
            address = f"file:{quote_path(path.resolve())}?mode=rw"
            with contextlib.closing(sqlite3.connect(address, timeout=0, uri=True)) as store:
                store.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            return  # Busy, or not to be read: whoever opens it next says so.
        except sqlite3.DatabaseError:
            pass
        else:
            return
    raise DamagedError(
        f"{path} is not a database of SQLite, or a damaged one; put it back, or move it away and a new one is made."
    )


def is_absent(uri: str) -> bool:
    """Whether a store is a SQLite file that is not there yet, so that nothing can be in it."""
    path = sqlite_path(uri)
    return path is not None and not path.exists()


def prepare(uri: str, root: Path) -> None:
    """Make a database that is not there, or bring an older one up to date, safely from several processes at once.

    A new SQLite file is built beside its place and then renamed, so that a death in the middle leaves nothing behind;
    an old one is copied before its migration. Servers look after themselves.

    Raises:
        DamagedError: The file is no database.
        TrackingError: It cannot be opened.
    """
    if not is_database(uri):
        return
    check_file(uri)
    path = sqlite_path(uri)
    folder = root / ".nnops"
    with border(f"the MLflow store {shown(uri)}"), _locked(folder / "mlflow.lock"):
        if path is None:
            _build(uri, artifact_root(uri, root))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_size == 0:
            part = folder / "mlflow.db.part"
            for left in folder.glob(f"{part.name}*"):
                left.unlink()
            _build("sqlite:///" + quote_path(part.resolve()), artifact_root(uri, root))
            shutil.move(part, path)
        else:
            _migrate(uri, path)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


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
